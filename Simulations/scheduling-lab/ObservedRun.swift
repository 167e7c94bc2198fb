import MLX
import MLXBase
import MLXPlanner
import MLXRuntime

/// One evaluation on real threads, as the engine's trace has it: which step of the policy's graph
/// ran when and for how long.
struct ObservedRun {
    let graph: PlacementGraph
    let schedule: Schedule
    /// The steps in the order they began, in the policy's numbering.
    let order: [Int]
    /// By step.
    let nanoseconds: [Double]

    /// Evaluates with the trace on. Every device runs its steps in the plan's order, so its n-th
    /// event is its n-th step.
    /// - Throws: what evaluating throws; `ArrayError` where the trace and the plan differ.
    init(_ roots: [MLXArray], on engine: Engine, _ noting: NotingPolicy) throws {
        engine.trace.clear()
        engine.trace.setOn(true)
        defer { engine.trace.setOn(false) }
        try engine.evaluateBlocking(Scheduler.Request(roots: roots, policy: noting))
        guard let planned = noting.notes.seen.withLock({ $0 }) else {
            throw ArrayError(.argument, "trace", "nobody was asked where steps go")
        }
        let (graph, schedule) = planned
        let events = engine.trace.events.filter { $0.kind == .step }
        let places = schedule.order ?? Array(0..<graph.count)
        var left = DeviceType.allCases.map { device in
            places.filter { schedule.devices[$0] == device }[...]
        }
        var order: [Int] = []
        var nanoseconds = [Double](repeating: 0, count: graph.count)
        for event in events {
            guard let step = left[Int(event.device)].popFirst() else { break }
            order.append(step)
            nanoseconds[step] = Double(event.end - event.begin)
        }
        guard order.count == graph.count, events.count == graph.count else {
            throw ArrayError(
                .argument, "trace", "\(events.count) steps ran of a plan of \(graph.count)")
        }
        (self.graph, self.schedule) = planned
        (self.order, self.nanoseconds) = (order, nanoseconds)
    }
}
