import FoundationEssentials
import Glibc
import MLXBase
import MLXPlanner

extension Runtime {
    /// What `MLX_...` variables ask for. A value that makes no sense is a problem that names its
    /// variable, and the default holds: no value of a variable ends the process, makes it wait,
    /// or makes it take what the machine does not have.
    package struct Environment: Sendable {
        package private(set) var threads: Int?
        package private(set) var policy: (any SchedulingPolicy)?
        package private(set) var instructionSet: InstructionSet?
        package private(set) var topology = TopologyChoice.shared
        package private(set) var debugLevel = 0
        package private(set) var traceFile: String?
        /// A file, or the name of a made-up machine.
        package private(set) var calibration: String?
        /// What was asked for and cannot be had, each with its variable as the operation.
        package private(set) var problems: [ArrayError] = []

        package enum TopologyChoice: Sendable, Equatable {
            case shared
            case split
            case file(String)
        }

        package enum InstructionSet: String, Sendable, CaseIterable {
            case baseline
            case avx2
            case avx512
            case avx512bf16
            case amx
        }

        /// More threads than this only wait for each other: four for each core, but some dozens
        /// where a test wants many on few cores, and never more than 1,024.
        package static func maximumThreads(cores: Int) -> Int {
            min(max(4 * cores, 64), 1024)
        }

        package init(
            _ variables: [String: String] = ProcessInfo.processInfo.environment,
            cores: Int = ProcessInfo.processInfo.activeProcessorCount
        ) {
            // An empty variable is one that is not set.
            func text(_ name: String) -> String? {
                variables[name].flatMap { $0.isEmpty ? nil : $0 }
            }
            if let value = text("MLX_THREADS") { setThreads(value, cores) }
            if let value = text("MLX_DEBUG") { setDebugLevel(value) }
            if let value = text("MLX_POLICY") { setPolicy(value) }
            if let value = text("MLX_ISA") { setInstructionSet(value) }
            if let value = text("MLX_TOPOLOGY") { setTopology(value) }
            traceFile = text("MLX_TRACE").flatMap { file("MLX_TRACE", $0) }
            calibration = text("MLX_CALIBRATION").flatMap { value in
                CostModel.named(value) != nil ? value : file("MLX_CALIBRATION", value)
            }
        }

        private mutating func refuse(_ variable: String, _ message: String) {
            problems.append(
                ArrayError(.argument, variable, message, site: CallSite(addresses: [])))
        }

        private mutating func setThreads(_ value: String, _ cores: Int) {
            let limit = Environment.maximumThreads(cores: cores)
            guard let count = Int(value), count > 0 else {
                refuse(
                    "MLX_THREADS",
                    "is a number of threads from 1 to \(limit), not '\(value.prefix(64))'; as many"
                        + " as there are cores are used")
                return
            }
            if count > limit {
                refuse("MLX_THREADS", "\(count) threads, of which \(limit) are used at most")
            }
            threads = min(count, limit)
        }

        private mutating func setDebugLevel(_ value: String) {
            guard let level = Int(value), level >= 0 else {
                return refuse("MLX_DEBUG", "is a level from 0 to 4, not '\(value.prefix(64))'")
            }
            if level > 4 { refuse("MLX_DEBUG", "is a level from 0 to 4; \(level) is taken as 4") }
            debugLevel = min(level, 4)
        }

        private mutating func setPolicy(_ value: String) {
            do {
                policy = try HistoryPolicy(named: value) ?? schedulingPolicy(named: value)
            } catch {
                let problem = (error as? ArrayError)?.message ?? "\(error)"
                return refuse("MLX_POLICY", "\(problem.prefix(512)); the default is used")
            }
            if policy == nil {
                let forms = (schedulingPolicyForms + [HistoryPolicy.form])
                refuse(
                    "MLX_POLICY",
                    "is one of \(forms.joined(separator: ", ")), not"
                        + " '\(value.prefix(64))'; the default is used")
            }
        }

        private mutating func setInstructionSet(_ value: String) {
            instructionSet = InstructionSet(rawValue: value)
            if instructionSet == nil {
                let names = InstructionSet.allCases.map(\.rawValue).joined(separator: ", ")
                refuse("MLX_ISA", "is one of \(names), not '\(value.prefix(64))'")
            }
        }

        private mutating func setTopology(_ value: String) {
            switch value {
            case "shared": topology = .shared
            case "split": topology = .split
            default:
                guard FileKind.of(value) == .regular else {
                    return refuse(
                        "MLX_TOPOLOGY",
                        "is shared, split or a topology file, not '\(value.prefix(256))'; the"
                            + " devices share the cores")
                }
                topology = .file(value)
            }
        }

        /// A file to write: opening anything but a regular one could wait for ever.
        private mutating func file(_ variable: String, _ path: String) -> String? {
            switch FileKind.of(path) {
            case .regular, .missing: return path
            case .other:
                refuse(variable, "'\(path.prefix(256))' is no regular file and is not opened")
                return nil
            }
        }
    }

    /// What lies at a path, links followed.
    enum FileKind {
        case regular
        case missing
        case other

        static func of(_ path: String) -> FileKind {
            var status = stat()
            guard stat(path, &status) == 0 else { return errno == ENOENT ? .missing : .other }
            return status.st_mode & S_IFMT == S_IFREG ? .regular : .other
        }
    }
}
