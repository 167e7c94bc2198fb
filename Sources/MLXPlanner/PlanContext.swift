import MLXBase

/// What a plan depends on besides the subgraph (policy, costs, core sets) as one number for plan
/// keys: equal values have equal numbers and different ones never share one, because numbers are
/// given out by a table and not computed from hashes.
enum PlanContext {
    private static let machines = InternTable<Machine>().survivingForks()
    private static let contexts = InternTable<Key>().survivingForks()

    struct Machine: Hashable, Sendable {
        var costs: CostModel
        var coreSets: [CoreSet]
        var lost: DeviceSet
    }

    private struct Key: Hashable, Sendable {
        let policy: any SchedulingPolicy
        let machine: UInt64

        static func == (a: Key, b: Key) -> Bool {
            a.machine == b.machine && isEqual(a.policy, b.policy)
        }

        private static func isEqual<P: SchedulingPolicy>(
            _ a: P, _ b: any SchedulingPolicy
        ) -> Bool {
            (b as? P) == a
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(ObjectIdentifier(type(of: policy)))
            policy.hash(into: &hasher)
            hasher.combine(machine)
        }
    }

    /// The number of a machine, which seldom changes: planners keep it, because hashing all the
    /// rates would cost as much as finding a plan.
    static func number(of machine: Machine) -> UInt64 { machines.number(of: machine) }

    static func number(of policy: any SchedulingPolicy, machine: UInt64) -> UInt64 {
        contexts.number(of: Key(policy: policy, machine: machine))
    }
}

/// Numbers for distinct values. Values may hash and compare by a user's code, so the lock only
/// guards the exchange of whole tables: look-ups work on a copy, additions replace it.
final class InternTable<Value: Hashable & Sendable>: Sendable {
    private struct State: Sendable {
        var numbers: [Value: UInt64] = [:]
        var next: UInt64 = 1
    }

    private let state = Locked(State())
    private let maximumCount: Int

    /// - Parameter maximumCount: with more distinct values, all are forgotten and numbered anew
    ///   (a policy with a new seed for each evaluation must not fill the memory). Numbers are
    ///   never given out twice.
    init(maximumCount: Int = 1024) { self.maximumCount = maximumCount }

    /// For a table that lives as long as the process.
    func survivingForks() -> Self {
        state.survivingForks()
        return self
    }

    func number(of value: Value) -> UInt64 {
        while true {
            let seen = state.withLock { $0 }
            if let known = seen.numbers[value] { return known }
            var changed = seen
            if changed.numbers.count >= maximumCount { changed.numbers = [:] }
            changed.numbers[value] = seen.next
            changed.next += 1
            // Swapped, so that what was there is released outside the lock.
            let isCurrent = state.withLock { state in
                guard state.next == seen.next else { return false }
                swap(&state, &changed)
                return true
            }
            if isCurrent { return seen.next }
        }
    }
}
