import Glibc
import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// The values that one run has taken away from their nodes, because nobody but the graph refers
/// to them, to write results over them: a cache that is assigned to, an optimizer's state. Each
/// has one reader, the step that overwrites it. If the run ends before that step, the node gets
/// its value back; if it ends after, the step's result is a value like any other.
package struct Donations: ~Copyable {
    private struct Taken {
        let donation: Plan.Donation
        /// The reference that was the node's.
        let value: Unmanaged<Value>
        /// Written by the thread that runs the step, read when the run is over.
        var isOverwritten = false
    }

    private var taken: UnsafeMutablePointer<Taken>?
    private var capacity = 0
    private(set) var count = 0

    /// Making room for less, and copying it, takes no longer than making sure. Smaller in tests
    /// only.
    package static var smallestByteCount: Int {
        get { smallestByteCountCell.load(ordering: .relaxed) }
        set { smallestByteCountCell.store(newValue, ordering: .relaxed) }
    }
    private static let smallestByteCountCell = Atomic<Int>(4096)

    @inline(__always) var isEmpty: Bool { count == 0 }

    func free() { taken?.deallocate() }

    /// Takes a value away, if it lies whole in memory of our own that nobody else refers to.
    /// - Returns: its buffer.
    mutating func take(
        _ donation: Plan.Donation, _ graph: borrowing Subgraph, byteCount: Int
    ) -> Buffer? {
        let node = Int(donation.node)
        guard byteCount >= Donations.smallestByteCount, graph.holdsEdges,
            graph.userCounts[node] == 1, let own = graph.values[node]
        else { return nil }
        let isWhole = own._withUnsafeGuaranteedRef {
            $0.byteOffset == 0 && $0.isRowMajor && !$0.buffer.isAdopted
                && $0.buffer.byteCount == byteCount
        }
        let (handle, user) = (graph.handles[node], graph.handles[Int(donation.user)])
        guard isWhole, let theirs = GraphStore.shared.takeValue(handle, user: user)
        else { return nil }
        // The graph, which holds edges, has no reference: the node's was the only one, or another
        // run, that holds no edges, has come this way before.
        var value = theirs.takeRetainedValue()
        let isAlone = isKnownUniquelyReferenced(&value) && !value.isBufferShared
        let reference = Unmanaged.passRetained(value)
        guard isAlone else {
            GraphStore.shared.putBack(reference, handle, user: user)
            return nil
        }
        append(donation, reference)
        return value.buffer
    }

    private mutating func append(_ donation: Plan.Donation, _ value: Unmanaged<Value>) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Taken>.allocate(capacity: max(8, capacity * 2))
            if let taken {
                larger.moveInitialize(from: taken, count: count)
                taken.deallocate()
            }
            taken = larger
            capacity = max(8, capacity * 2)
        }
        (taken! + count).initialize(to: Taken(donation: donation, value: value))
        count += 1
    }

    // MARK: - Running

    /// The place of what a step overwrites; nil for most.
    func place(ofStep step: Int) -> Int? {
        (0..<count).first { Int(taken![$0].donation.step) == step }
    }

    func noteOverwritten(_ place: Int) { taken![place].isOverwritten = true }

    func wasOverwritten(_ resultSlot: Int32) -> Bool {
        (0..<count).contains {
            taken![$0].donation.resultSlot == resultSlot && taken![$0].isOverwritten
        }
    }

    // MARK: - Ending

    /// The results are published: nodes and their values are gone.
    @inline(__always) mutating func forget() {
        for place in 0..<count { taken![place].value.release() }
        count = 0
    }

    /// Gives values back that were not overwritten.
    mutating func putBack(_ graph: borrowing Subgraph) {
        for place in 0..<count {
            let (donation, value) = (taken![place].donation, taken![place].value)
            if taken![place].isOverwritten {
                value.release()
                continue
            }
            GraphStore.shared.putBack(
                value, graph.handles[Int(donation.node)],
                user: graph.handles[Int(donation.user)])
        }
        count = 0
    }
}

/// Every run of the process, for forks. The child of a fork has the values that others had taken
/// away only if it gives them back, and it cannot tell how far a step came: so a fork waits until
/// no step is writing over an array.
enum RunBook {
    private static let runs = Locked<[ObjectIdentifier: Unmanaged<Run>]>([:])
    private static let registration: Void = {
        ForkSafety.add([.init(hold: tryHold, letGo: letGo, inChild: settle)])
    }()

    static func add(_ run: Run) {
        _ = registration
        runs.withLock { $0[ObjectIdentifier(run)] = .passUnretained(run) }
    }

    static func remove(_ run: Run) {
        runs.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(run)) }
    }

    private static func tryHold() -> Bool {
        guard runs.tryHold() else { return false }
        var held: [Run] = []
        for run in runs.heldValue.values {
            let run = run.takeUnretainedValue()
            guard run.overwriting.tryHold() else {
                for run in held { run.overwriting.letGo() }
                runs.letGo()
                return false
            }
            held.append(run)
        }
        return true
    }

    private static func letGo() {
        for run in runs.heldValue.values { run.takeUnretainedValue().overwriting.letGo() }
        runs.letGo()
    }

    private static func settle() {
        let all = runs.withLock { Array($0.values) }
        for run in all { run.takeUnretainedValue().abandon() }
    }
}

/// How many of a run's steps are writing over arrays; a fork waits for none, and holds them off.
struct OverwritingGate: ~Copyable {
    private let word = Atomic<UInt32>(0)
    private static let held: UInt32 = 1 << 31

    func enter() {
        while true {
            let old = word.load(ordering: .relaxed)
            if old < OverwritingGate.held,
                word.weakCompareExchange(expected: old, desired: old + 1, ordering: .acquiring)
                    .exchanged
            {
                return
            }
            sched_yield()
        }
    }

    func leave() { word.wrappingSubtract(1, ordering: .releasing) }

    func tryHold() -> Bool {
        word.compareExchange(
            expected: 0, desired: OverwritingGate.held, ordering: .acquiring
        ).exchanged
    }

    func letGo() { word.store(0, ordering: .releasing) }
}
