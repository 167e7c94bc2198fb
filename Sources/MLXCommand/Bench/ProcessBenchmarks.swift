import ArgumentParser
import Foundation
import MLX

/// Figures of whole processes: from start to the first result, and memory over a hundred steps.
enum ProcessBenchmarks {
    static let all: [Workload] = [
        Workload(name: "startup_process") { try startup() },
        Workload(name: "rss_100steps_2048") { try memory() },
    ]

    /// Runs this executable's hidden command.
    /// - Returns: what it prints.
    private static func child(_ part: ProcessPart) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["bench-process", part.rawValue]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchError("a child process failed") }
        return String(decoding: output, as: UTF8.self).trimmed
    }

    private static func startup() throws -> [Figure] {
        var times: [Double] = []
        for _ in 0..<8 {
            let start = Timing.nanoseconds()
            guard try child(.first) == "6.0" else { throw BenchError("wrong sum") }
            times.append(Double(Timing.nanoseconds() - start) / 1e9)
        }
        // The first run reads the file.
        let first = times.removeFirst()
        times.sort()
        var figure = Figure(
            workload: "startup_process", value: times[0] * 1e3, unit: "ms", count: times.count)
        figure.times = CallTimes(first: first, best: times[0], median: times[3], count: 7)
        return [figure]
    }

    private static func memory() throws -> [Figure] {
        guard let base = Double(try child(.nothing)), let peak = Double(try child(.steps)) else {
            throw BenchError("a child process printed no number")
        }
        var figure = Figure(
            workload: "rss_100steps_2048", value: peak - base, unit: "MB", count: 1)
        figure.note = "above a process that computes one number"
        return [figure]
    }
}

/// What a child process does.
enum ProcessPart: String, ExpressibleByArgument {
    /// One small result.
    case first
    /// One number; prints how much memory the process had at most, in MB.
    case nothing
    /// A hundred steps with matrices of 2048 by 2048; prints how much memory it had at most.
    case steps
}

/// The children of `mlx bench`.
struct ProcessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-process", shouldDisplay: false)

    @Argument var part: ProcessPart

    func run() throws {
        switch part {
        case .first: return print((MLXArray.ones([3]) + 1).sum().item(Float.self))
        case .nothing: try checkedEval(MLXArray(1 as Float) + 1)
        case .steps: try steps()
        }
        print(LanguageModelBenchmarks.peakByteCount / 1_000_000)
    }

    private func steps() throws {
        let w = MLXRandom.normal([2048, 2048]) * 0.02
        let b = MLXArray.ones([2048, 2048])
        var x = b
        for _ in 0..<100 {
            x = matmul(x, w) * 0.5 + b
            try checkedEval(x)
        }
    }
}
