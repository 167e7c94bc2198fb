import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner

/// What structures an engine has planned, and the families that their plans turned out to be. Who
/// finds no plan of its exact sizes comes here before it makes one. Structures that nobody comes
/// back to are forgotten in generations: looking one up moves it to the young, and when the young
/// are many the old are dropped.
final class PlanFamilies: Sendable {
    private struct Entry {
        /// The last first.
        var samples: [Plan] = []
        var families: [PlanFamily] = []
    }

    private struct State {
        var young: [FamilyKey: Entry] = [:]
        var old: [FamilyKey: Entry] = [:]

        /// The entry of a structure, which is young from now on.
        mutating func entry(_ key: FamilyKey) -> Entry? {
            if let entry = young[key] { return entry }
            guard let entry = old.removeValue(forKey: key) else { return nil }
            set(key, entry)
            return entry
        }

        mutating func set(_ key: FamilyKey, _ entry: Entry) {
            if young.count >= PlanFamilies.largestYoungCount {
                old = young
                young = [:]
            }
            young[key] = entry
        }
    }

    private let state = Locked(State())
    private static let largestYoungCount = 512
    private static let samplesKept = 3
    /// Lengths that several families cover in turn, as a cache does whose room grows in pieces.
    private static let familiesKept = 4

    /// A plan for the graph out of a family that it belongs to.
    func member(_ key: FamilyKey, _ exact: borrowing PlanKey) -> Plan? {
        let families = state.withLock { $0.entry(key)?.families ?? [] }
        for family in families {
            if let plan = family.member(exact) { return plan }
        }
        return nil
    }

    /// Takes note of a plan that was made in full.
    /// - Returns: why it had to be made.
    func add(
        _ made: Planner.Made, _ graph: borrowing Subgraph, _ key: FamilyKey,
        _ planner: borrowing Planner
    ) -> PlanReason {
        let known = state.withLock { $0.entry(key) ?? Entry() }
        let family = planner.family(of: made, graph, older: known.samples)
        state.withLock { state in
            var entry = state.entry(key) ?? Entry()
            entry.samples.insert(made.plan, at: 0)
            if entry.samples.count > PlanFamilies.samplesKept { entry.samples.removeLast() }
            if let family {
                entry.families.insert(family, at: 0)
                if entry.families.count > PlanFamilies.familiesKept { entry.families.removeLast() }
            }
            state.set(key, entry)
        }
        if known.samples.isEmpty { return .newStructure }
        return known.families.isEmpty
            ? .otherSizes(before: known.samples.count) : .otherDecisions
    }

    func forgetAll() { state.withLock { $0 = State() } }
}

/// Why a plan was made.
enum PlanReason: CustomStringConvertible {
    case newStructure
    case otherSizes(before: Int)
    case otherDecisions

    var description: String {
        switch self {
        case .newStructure: "the first graph of its structure"
        case .otherSizes(let count):
            "other sizes than the last \(count == 1 ? "graph" : "\(count) graphs") of its structure"
        case .otherDecisions:
            "its sizes do not follow those before, or a step would be placed otherwise"
        }
    }
}
