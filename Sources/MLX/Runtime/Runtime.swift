import CMLXKernels
import FoundationEssentials
import Glibc
import Logging
import MLXBase
import MLXMemory
import MLXPlanner
import MLXRuntime
import Synchronization

/// The process's engine, made at first use from the machine and the environment. The environment
/// is read here, into an `Environment`, and nowhere below.
package enum Runtime {
    /// The engine. In a forked child it is another one, made when it is first asked for.
    package static var engine: Engine {
        if let bits = UnsafeRawPointer(bitPattern: current.load(ordering: .acquiring)) {
            return Unmanaged<Engine>.fromOpaque(bits).takeUnretainedValue()
        }
        return found()
    }

    /// A reference to the engine, which is never given up.
    private static let current = Atomic<UInt>(0)
    private static let making = Locked(()).survivingForks()

    @inline(never) private static func found() -> Engine {
        making.withLock { _ in
            if current.load(ordering: .acquiring) == 0 {
                let engine = make()
                current.store(
                    UInt(bitPattern: Unmanaged.passRetained(engine).toOpaque()),
                    ordering: .releasing)
                _ = handlesForks
            }
        }
        return engine
    }

    private static let handlesForks: Void = {
        ForkSafety.add([
            .init(inChild: {
                current.store(0, ordering: .releasing)
                // The parent writes what was traced until now.
                traceFile.withLock { $0 = nil }
            })
        ])
    }()

    private static func make() -> Engine {
        ThreadStacks.ensure()
        let environment = Environment()
        for problem in environment.problems { warn("\(problem.operation): \(problem.message)") }
        applyInstructionSet(environment.instructionSet)
        let topology = topology(environment)
        var configuration = Engine.Configuration(topology: topology)
        configuration.policy = policy(environment, for: topology)
        configuration.memoryLimit = topology.defaultMemoryLimit
        configuration.cacheLimit = topology.defaultMemoryLimit / 4
        configuration.debugLevel = environment.debugLevel
        configuration.log = { writeToStandardError($0 + "\n") }
        let engine = Engine(configuration)
        let costs = Calibration.load(environment, for: engine)
        engine.withScheduler { $0.setCosts(costs) }
        if let file = environment.traceFile { startTrace(engine, file) }
        return engine
    }

    /// What was asked for, unless it goes by what was measured on another machine.
    private static func policy(
        _ environment: Environment, for topology: Topology
    ) -> any SchedulingPolicy {
        guard let policy = environment.policy else { return CostPolicy() }
        if let history = (policy as? HistoryPolicy)?.history, !history.isOf(topology) {
            let (here, level) = (CostHistory.machine(topology), CostHistory.currentLevel)
            warn(
                "MLX_POLICY: the history is of \(history.machine) at level \(history.level), this"
                    + " is \(here) at \(level); the default is used")
            return CostPolicy()
        }
        return policy
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

    private static let traceFile = Locked<String?>(nil).survivingForks()

    /// Writes what the trace has recorded as a timeline that Perfetto opens.
    package static func writeTrace(to file: String) throws {
        try engine.trace.write(to: file)
    }

    /// Where measurements are kept between processes.
    package static var cacheDirectory: URL {
        let variables = ProcessInfo.processInfo.environment
        let base =
            variables["XDG_CACHE_HOME"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: variables["HOME"] ?? variables["TMPDIR"] ?? "/tmp")
            .appendingPathComponent(".cache")
        return base.appendingPathComponent("mlx-actors")
    }

    private static func applyInstructionSet(_ set: Environment.InstructionSet?) {
        switch set {
        case nil: break
        case .baseline: mlx_set_level(Int32(MLX_LEVEL_BASELINE.rawValue))
        case .avx2: mlx_set_level(Int32(MLX_LEVEL_AVX2.rawValue))
        case .avx512: mlx_set_level(Int32(MLX_LEVEL_AVX512.rawValue))
        case .avx512bf16: mlx_set_level(Int32(MLX_LEVEL_AVX512BF16.rawValue))
        case .amx: mlx_set_level(Int32(MLX_LEVEL_AMX.rawValue))
        }
    }

    private static func topology(_ environment: Environment) -> Topology {
        switch environment.topology {
        case .split: return .system(kind: .split, threadCount: environment.threads)
        case .shared: return .system(kind: .shared, threadCount: environment.threads)
        case .file(let path):
            do {
                var topology = try Topology.read(path: path)
                if let threads = environment.threads { topology.threadCount = threads }
                return topology
            } catch {
                warn("MLX_TOPOLOGY: \(path) cannot be used: \(error)")
                return .system(kind: .shared, threadCount: environment.threads)
            }
        }
    }

    /// Lines of `MLX_DEBUG`; what cannot be written is dropped.
    private static func writeToStandardError(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }

    private static let logger = Logger(label: "mlx")

    /// Says what was asked for and cannot be had; where it goes is the program's choice.
    static func warn(_ message: String) { logger.warning("\(message)") }
}
