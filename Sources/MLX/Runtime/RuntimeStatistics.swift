import MLXGraph
import MLXRuntime

/// What the runtime has done since the process began: how many evaluations one core carried out
/// alone, how many took turns, how many plans were made.
/// ```swift
/// let before = RuntimeStatistics.current
/// eval(model(x))
/// print(RuntimeStatistics.current.plansMade - before.plansMade)
/// ```
public struct RuntimeStatistics: Sendable, Equatable {
    /// Evaluations asked for, whatever became of them.
    public let evaluations: Int
    /// Runs with too little work to be spread: one core carried each out from begin to end.
    public let narrowRuns: Int
    /// Runs that shared the cores with others, in turns.
    public let wideRuns: Int
    /// How often an evaluation waited for another that was computing the same array.
    public let waits: Int
    /// Turns of wide runs: a turn lasts one step, or as many as fit into half a millisecond.
    public let turns: Int
    /// Plans made, because a graph of their structure was seen for the first time.
    public let plansMade: Int
    /// Plans written down for another length of a graph whose plan was known: nothing was decided
    /// anew.
    public let plansAdapted: Int
    /// Nanoseconds spent on plans that were not at hand: looked up, adapted or made.
    public let planningNanoseconds: Int
    /// Evaluations that found their plan.
    public let plansFound: Int
    /// Plans kept at the moment.
    public let plansKept: Int
    /// The bytes they take.
    public let planBytes: Int
    /// By the name of each device, cpu, gpu and npu, what it has run.
    public let devices: [String: Device]

    /// What one device has run.
    public struct Device: Sendable, Equatable {
        /// Steps: fused clusters and kernels.
        public let steps: Int
        /// Nanoseconds in which it ran them.
        public let busyNanoseconds: Int
    }

    /// The figures of this moment. Cores that evaluate meanwhile are read one after the other.
    public static var current: RuntimeStatistics { RuntimeStatistics(Runtime.engine) }

    private init(_ engine: Engine) {
        let statistics = engine.statistics
        evaluations = Int(statistics.evaluations.evaluations)
        narrowRuns = Int(statistics.evaluations.narrowRuns)
        wideRuns = Int(statistics.evaluations.wideRuns)
        waits = Int(statistics.evaluations.waits)
        turns = Int(statistics.turns)
        plansMade = Int(statistics.planMisses)
        plansAdapted = Int(statistics.evaluations.plansAdapted)
        planningNanoseconds = Int(statistics.evaluations.planningNanoseconds)
        plansFound = Int(statistics.evaluations.planHits)
        plansKept = statistics.planCount
        planBytes = statistics.planBytes
        devices = Dictionary(
            uniqueKeysWithValues: DeviceKind.allCases.map { kind in
                let counters = engine.counters(of: kind)
                return (
                    kind.name,
                    Device(
                        steps: Int(counters.stepCount),
                        busyNanoseconds: Int(counters.busyNanoseconds))
                )
            })
    }
}
