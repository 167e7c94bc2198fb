import Foundation
import MLXBase

/// Several processes of this program at once, each with a ledger of its own, perhaps under a limit
/// of its address space; their summaries are gathered. One that is killed, hangs or leaves no
/// summary is a violation.
struct Processes {
    var count: Int
    var soak: Soak
    /// Of each process's address space, as `ulimit -v` counts it.
    var memoryLimit: Int?
    /// How long after its time is up a process may take to end.
    var patienceSeconds = 120.0

    /// - Parameter executable: the program; it is given the arguments that `arguments(_:_:)` says.
    func run(executable: URL) async throws -> Report {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "stress-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: directory) }
        var children: [(process: Process, file: URL, seed: UInt64)] = []
        for number in 0..<count {
            let (file, seed) = (directory.appending(path: "\(number)"), soak.seed + UInt64(number))
            let process = Process()
            process.executableURL = executable
            process.arguments = arguments(seed, file.path)
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            children.append((process, file, seed))
        }
        let deadline = Date() + soak.seconds + patienceSeconds
        var (summaries, lost): ([Summary], [String]) = ([], [])
        for child in children {
            let problem = try await end(of: child.process, by: deadline)
            let data = try? Data(contentsOf: child.file)
            let summary = try data.map { try JSONDecoder().decode(Summary.self, from: $0) }
            if let summary { summaries.append(summary) }
            if let problem = problem ?? (summary == nil ? "left no summary" : nil) {
                lost.append("process of seed \(child.seed): \(problem)")
            }
        }
        return Report(summaries, lost: lost, memoryLimit: memoryLimit)
    }

    func arguments(_ seed: UInt64, _ file: String) -> [String] {
        [
            "--minutes", "\(soak.seconds / 60)", "--tasks", "\(soak.tasks)", "--forks",
            "\(soak.forksPerSecond)", "--seed", "\(seed)", "--warm-up", "\(soak.warmUpSeconds)",
            "--summary", file,
        ] + (memoryLimit.map { ["--memory-limit", "\($0)"] } ?? [])
    }

    /// - Returns: what was wrong with how it ended.
    private func end(of process: Process, by deadline: Date) async throws -> String? {
        while process.isRunning {
            if Date() > deadline {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                return "did not end within \(Int(patienceSeconds)) s of its time"
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        if process.terminationReason == .uncaughtSignal {
            return "ended by signal \(process.terminationStatus)"
        }
        return process.terminationStatus == 0
            ? nil : "ended with status \(process.terminationStatus)"
    }
}

/// The limit of a process's own address space.
enum AddressSpace {
    /// What a process needs beside arrays once it runs: stacks, heaps of its threads, tables.
    static let leastHeadroom = 512 << 20

    /// Limits it, for good.
    /// - Throws: `ArrayError` where the process has as much already, or the system refuses.
    static func limit(to byteCount: Int) throws {
        let taken = ResidentMemory.addressSpaceByteCount
        guard byteCount >= taken + leastHeadroom else {
            throw ArrayError(
                .argument, "--memory-limit",
                "\(byteCount) bytes are too few: the process has \(taken) before it begins and"
                    + " needs \(leastHeadroom) more")
        }
        var limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t(byteCount))
        guard setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
            throw ArrayError(
                .argument, "--memory-limit", "the system refuses: error \(errno)")
        }
    }
}
