import MLXBase

/// Policies of runtimes with queues: what becomes ready is queued, idle cores take from the queues.
/// They are played through on the cost model before the run, so a plan's placement is the same
/// each time.
public struct QueuePolicy: SchedulingPolicy {
    /// Which queues there are and who takes what.
    public enum Kind: String, CaseIterable, Sendable {
        /// One queue, first in first out.
        case eager
        /// One queue, the step with the longest way to the end first.
        case priority
        /// A queue for each core set; idle ones steal from the fullest.
        case workStealing = "work-stealing"
        /// The same; steps go where their inputs are, idle cores steal from the neighbour.
        case localStealing = "local-stealing"
        /// A ready step goes to the cores expected to be done with it first, by costs alone.
        case dm
        /// The same, handovers counted.
        case dmda
        /// The same, queues sorted by the way to the end.
        case dmdas
        /// Cores take what they are better at than others.
        case heteroPrio = "heteroprio"
        /// Of all ready steps the one that can be done soonest.
        case minMin = "min-min"
        /// Of all ready steps the one whose soonest is latest.
        case maxMin = "max-min"
    }

    /// Which queues there are.
    public var kind: Kind
    public var name: String { kind.rawValue }

    /// - Parameter kind: which queues there are.
    public init(_ kind: Kind) { self.kind = kind }

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        let view = TaskView(graph)
        switch kind {
        case .eager:
            var rule = CentralQueue(view, ranks: nil)
            return Dispatcher.schedule(graph, &rule)
        case .priority:
            var rule = CentralQueue(view, ranks: view.ranks(.upward))
            return Dispatcher.schedule(graph, &rule)
        case .workStealing, .localStealing:
            var rule = StealingQueues(view, seesLocality: kind == .localStealing)
            return Dispatcher.schedule(graph, &rule)
        case .dm, .dmda, .dmdas:
            var rule = ModelQueues(
                view, countsHandovers: kind != .dm,
                ranks: kind == .dmdas ? view.ranks(.upward) : nil)
            return Dispatcher.schedule(graph, &rule)
        case .heteroPrio:
            var rule = AffinityQueues(view, ranks: view.ranks(.upward))
            return Dispatcher.schedule(graph, &rule)
        case .minMin: return BatchRule(takesLargest: false).schedule(graph)
        case .maxMin: return BatchRule(takesLargest: true).schedule(graph)
        }
    }
}

/// Withholds the beginnings of a graph while what is computed and not yet read takes more than a
/// limit. Without one, as long as anything else is ready.
public struct MemoryBoundedPolicy: SchedulingPolicy {
    public var name: String { byteLimit == 0 ? "memory" : "memory:\(byteLimit)" }
    /// Bytes that may be waiting to be read before another beginning is started.
    public var byteLimit: Int

    /// - Parameter byteLimit: bytes that may be waiting to be read.
    public init(byteLimit: Int = 0) { self.byteLimit = byteLimit }

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        let view = TaskView(graph)
        var rule = MemoryQueues(
            view, byteLimit: Double(byteLimit), ranks: view.ranks(.upward),
            outputByteCounts: graph.outputByteCounts)
        return Dispatcher.schedule(graph, &rule)
    }
}

/// A static schedule with hints: operations of given names go to given devices, as far as these
/// have kernels for them, and HEFT places the others around them.
public struct HintedPolicy: SchedulingPolicy {
    /// Devices by the names of operations.
    public var hints: [String: DeviceType]
    public var name: String {
        let parts = hints.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.rawValue)" }
        return "hints:" + parts.joined(separator: ",")
    }

    /// - Parameter hints: devices by the names of operations.
    public init(_ hints: [String: DeviceType]) { self.hints = hints }

    /// From text such as `matmul=cpu,softmax=gpu`.
    /// - Returns: nil where a part is no such pair, or a name occurs twice.
    public init?(_ text: some StringProtocol) {
        hints = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty,
                let device = DeviceType(rawValue: String(pair[1])),
                hints.updateValue(device, forKey: String(pair[0])) == nil
            else { return nil }
        }
    }

    public func place(_ graph: PlacementGraph) -> [DeviceType] { schedule(graph).devices }

    public func schedule(_ graph: PlacementGraph) -> Schedule {
        var hinted = graph
        for step in 0..<graph.count {
            guard let device = hints[graph.names[step]],
                graph.candidates[step].contains(device)
            else { continue }
            hinted.candidates[step] = DeviceSet(device)
        }
        return ListPolicy.heft.schedule(hinted)
    }
}
