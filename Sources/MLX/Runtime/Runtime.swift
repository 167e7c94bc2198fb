import CMLXKernels
import Foundation
import Logging
import MLXBase
import MLXMemory
import MLXPlanner
import MLXRuntime

/// The process's engine, made at first use from the machine and the environment. The environment
/// is read here and nowhere below.
package enum Runtime {
    package static let engine: Engine = make()

    /// What `MLX_...` variables ask for.
    package struct Environment: Sendable {
        package var threads: Int?
        package var policy: String?
        package var instructionSet: String?
        package var topology: String?
        package var debugLevel = 0
        package var traceFile: String?
        /// A file, or the name of a made-up machine.
        package var calibration: String?

        package init(_ variables: [String: String] = ProcessInfo.processInfo.environment) {
            threads = variables["MLX_THREADS"].flatMap(Environment.threadCount)
            policy = variables["MLX_POLICY"]
            instructionSet = variables["MLX_ISA"]
            topology = variables["MLX_TOPOLOGY"]
            debugLevel = variables["MLX_DEBUG"].flatMap(Int.init) ?? 0
            traceFile = variables["MLX_TRACE"]
            calibration = variables["MLX_CALIBRATION"]
        }

        private static func threadCount(_ text: String) -> Int? {
            let allowed = 1...Topology.maximumThreadCount
            if let count = Int(text), allowed.contains(count) { return count }
            Runtime.warn(
                "MLX_THREADS is a number of \(allowed.lowerBound) to \(allowed.upperBound),"
                    + " not \(text)")
            return nil
        }
    }

    private static func make() -> Engine {
        let environment = Environment()
        applyInstructionSet(environment.instructionSet)
        let topology = topology(environment)
        var configuration = Engine.Configuration(topology: topology)
        configuration.policy = policy(environment.policy)
        configuration.memoryLimit = topology.defaultMemoryLimit
        configuration.cacheLimit = topology.defaultMemoryLimit / 4
        configuration.debugLevel = environment.debugLevel
        configuration.log = { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
        let engine = Engine(configuration)
        let costs = Calibration.load(environment, for: engine)
        engine.withScheduler { $0.setCosts(costs) }
        if let file = environment.traceFile { startTrace(engine, file) }
        return engine
    }

    /// Records everything from here on and writes it when the process ends.
    private static func startTrace(_ engine: Engine, _ file: String) {
        engine.trace.setOn(true)
        traceFile.withLock { $0 = file }
        atexit {
            guard let file = Runtime.traceFile.withLock({ $0 }) else { return }
            do {
                try Runtime.writeTrace(to: file)
            } catch {
                Runtime.warn("cannot write the trace: \(error)")
            }
        }
    }

    private static let traceFile = Locked<String?>(nil)

    /// Writes what the trace has recorded as a timeline that Perfetto opens.
    package static func writeTrace(to file: String) throws {
        try engine.trace.write(to: file)
    }

    /// Where measurements are kept between processes.
    package static var cacheDirectory: URL {
        let variables = ProcessInfo.processInfo.environment
        let base =
            variables["XDG_CACHE_HOME"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: variables["HOME"] ?? NSTemporaryDirectory())
            .appendingPathComponent(".cache")
        return base.appendingPathComponent("mlx-actors")
    }

    private static func applyInstructionSet(_ name: String?) {
        switch name {
        case nil: break
        case "baseline": mlx_set_level(Int32(MLX_LEVEL_BASELINE.rawValue))
        case "avx2": mlx_set_level(Int32(MLX_LEVEL_AVX2.rawValue))
        case "avx512": mlx_set_level(Int32(MLX_LEVEL_AVX512.rawValue))
        default: warn("MLX_ISA is baseline, avx2 or avx512, not \(name!)")
        }
    }

    private static func topology(_ environment: Environment) -> Topology {
        switch environment.topology {
        case "split": return .system(kind: .split, threadCount: environment.threads)
        case nil, "shared": return .system(kind: .shared, threadCount: environment.threads)
        case let path?:
            do {
                var topology = try Topology.read(path: path)
                if let threads = environment.threads { topology.threadCount = threads }
                return topology
            } catch {
                warn("MLX_TOPOLOGY is shared, split or a topology file: \(error)")
                return .system(kind: .shared, threadCount: environment.threads)
            }
        }
    }

    private static func policy(_ name: String?) -> any SchedulingPolicy {
        guard let name else { return CostPolicy() }
        if let policy = schedulingPolicy(named: name) { return policy }
        warn("MLX_POLICY does not know \(name)")
        return CostPolicy()
    }

    private static let logger = Logger(label: "mlx")

    /// Says what was asked for and cannot be had; where it goes is the program's choice.
    static func warn(_ message: String) { logger.warning("\(message)") }
}
