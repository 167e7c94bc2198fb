import Foundation
import Testing

/// Runs the `mlx` command that was built with the tests, as a user does. A command that is ended by
/// a signal fails the test that ran it.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    init(_ arguments: String...) throws { try self.init(limit: nil, arguments) }

    /// - Parameter limit: what `ulimit` is told before, nil for nothing.
    init(limit: String?, _ arguments: [String]) throws {
        // The tests' own executable lies beside the products.
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var folder = URL(fileURLWithPath: own).deletingLastPathComponent()
        if !FileManager.default.fileExists(atPath: folder.appendingPathComponent("mlx").path) {
            folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        }
        let process = Process()
        let mlx = folder.appendingPathComponent("mlx")
        if let limit {
            // The crash reporter takes a minute, and only the signal counts.
            process.environment = ProcessInfo.processInfo.environment.merging(
                ["SWIFT_BACKTRACE": "enable=no"]) { $1 }
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            process.arguments =
                ["-c", "ulimit \(limit) && exec \"$0\" \"$@\"", mlx.path] + arguments
        } else {
            process.executableURL = mlx
            process.arguments = arguments
        }
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        try process.run()
        // Errors are short, so that reading one pipe after the other cannot block.
        output = String(decoding: try out.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        errors = String(decoding: try err.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
        #expect(process.terminationReason == .exit, "\(arguments) was ended by signal \(status)")
    }

    /// The output as a JSON object.
    func object() throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
}

/// A folder that is gone when the test is over.
func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("mlx-command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
