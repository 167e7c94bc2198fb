import Glibc
import MLXBase
import Synchronization

/// The part of the graph that some roots depend on, as flat columns in topological order: inputs
/// come before their users. It is the one way out of the store; evaluation, gradients, exports
/// and drawings all start from it. Nodes are named by their position in the columns. Columns keep
/// their memory: whoever evaluates again and again extracts into the same subgraph.
@usableFromInline package struct Subgraph: ~Copyable, @unchecked Sendable {
    // SAFETY: the unmanaged references are owned by the subgraph and released once, by `clear`;
    // all columns are constant between an extraction and the next one.

    @usableFromInline package internal(set) var count = 0
    var capacity = 0
    @usableFromInline var inputTotal = 0
    var inputCapacity = 0
    /// The columns' memory.
    @usableFromInline var at = Addresses()
    package internal(set) var roots: [Int32] = []
    /// A node that another evaluation is computing now, if there is one.
    package internal(set) var claimed: NodeID = .none
    package internal(set) var isPoisoned = false
    /// Whether a node belongs to a gradient trace.
    package internal(set) var isTraced = false
    /// Whether the walk came to a node whose value a run is writing over.
    var meetsDonation = false
    /// Whether the walk came to a node whose edges another run holds.
    private var meetsHold = false

    /// Whether the subgraph owns a reference to each of its nodes.
    private var retainsNodes = false
    /// Whether the nodes that others can reach are marked, so that their edges stay.
    private var isMarked = false
    /// Whether the subgraph owns references to values and payloads.
    private var hasReferences = false
    /// Whether the subgraph has no references to values and payloads, because it holds the edges
    /// that lead to them.
    package var holdsEdges: Bool { isMarked && !hasReferences }
    /// Behind a pointer, because it fills the columns while it is being changed itself. Read into
    /// a local before use: compiler 6.3 makes no valid code of the direct form under the thread
    /// sanitizer.
    private let walk: UnsafeMutablePointer<SubgraphWalk>

    /// A subgraph without nodes, to extract into.
    package init() {
        walk = .allocate(capacity: 1)
        walk.initialize(to: SubgraphWalk())
    }

    /// - Parameters:
    ///   - stops: nodes at which the walk ends although they have inputs (trace variables).
    ///   - retainsNodes: keep every node alive as long as the subgraph, for walks that record on
    ///     top of inner nodes.
    ///   - throughValues: walk on below nodes that are evaluated and still have their inputs.
    package init(
        roots: some Collection<NodeHandle>, stops: Set<NodeHandle> = [],
        retainsNodes: Bool = false, throughValues: Bool = false
    ) {
        self.init()
        let walk = walk
        self.retainsNodes = retainsNodes
        repeat {
            if mustWait { waitForOthers() }
            walk.pointee.stops = stops
            walk.pointee.throughValues = throughValues
            for root in roots { extract(root: root.id) }
            // What is recorded on top of an inner node lets others evaluate it, and take its edges
            // off: not under a run that relies on them, and has not seen a reference to it.
            finishExtraction(marks: retainsNodes)
        } while mustWait
        if retainsNodes { letGoOfEdges() }
    }

    deinit {
        releaseReferences()
        walk.deinitialize(count: 1)
        walk.deallocate()
        freeColumns()
    }

    /// Takes another part of the graph in place of this one. The caller owns references to the
    /// roots until it clears the subgraph.
    /// - Parameter marks: hold the edges of what others can reach, after waiting for those who hold
    ///   some of them. Without it nobody waits, and whoever holds edges must not be there.
    @inline(__always) package mutating func extract(roots: [NodeHandle], marks: Bool = true) {
        clear()
        for root in roots { extract(root: root.id) }
        finishExtraction(marks: marks)
        // Who waits for a run's results waits for what it overwrites and holds too.
        while mustWait && claimed == .none {
            waitForOthers()
            for root in roots { extract(root: root.id) }
            finishExtraction(marks: marks)
        }
    }

    @inline(__always) private var mustWait: Bool { meetsDonation || meetsHold }

    /// Until the run is over, or has claimed its results: that takes one step of a narrow run, or
    /// no time at all, so nobody sleeps for it.
    @inline(never) private mutating func waitForOthers() {
        clear()
        sched_yield()
    }

    private mutating func extract(root: NodeID) {
        let walk = walk
        let position = walk.pointee.visit(root, into: &self)
        roots.append(position)
    }

    /// Takes hold of all that must outlive the walk, then lets the lanes go.
    private mutating func finishExtraction(marks: Bool) {
        if retainsNodes { for handle in handles { GraphStore.shared.retain(handle.id) } }
        isMarked = marks && holdEdges()
        meetsHold = marks && !isMarked
        if !isMarked || isTraced || retainsNodes { retainAll() }
        let walk = walk
        walk.pointee.finish()
    }

    /// Counts references to values and payloads.
    private mutating func retainAll() {
        for node in 0..<count {
            if let value = at.values[node] { _ = value.retain() }
            if let payload = at.payloads[node] { _ = payload.retain() }
        }
        hasReferences = true
    }

    // MARK: - Holding edges

    /// Whether the node has edges and may be bound, and so lose them, by somebody else: inner
    /// nodes that nobody outside refers to are reached through such nodes only.
    @inline(__always) private func isExposed(_ node: Int) -> Bool {
        at.values[node] == nil && at.inputStart[node + 1] > at.inputStart[node] && isKept(node)
    }

    /// Keeps the edges of the graph, instead of counting a reference to each value: threads that
    /// evaluate side by side with the same weights would meet at these counters. A mark on the few
    /// nodes that others can reach is enough, since everything else hangs on them. Of two graphs
    /// that share a node without a value, one fails: the nodes that they share have an uppermost
    /// one, which is a root of one of them or has users in both that the other lacks, so both mark
    /// it. The one that fails must wait: it would bind nodes that the other has not marked, and
    /// take what hangs on them away.
    /// - Returns: false, and nothing is marked, where another run has a node marked.
    private func holdEdges() -> Bool {
        let store = GraphStore.shared
        for node in 0..<count where isExposed(node) {
            if store.hold(store.row(at.handles[node].id)) { continue }
            for marked in 0..<node where isExposed(marked) {
                store.row(at.handles[marked].id).pointee.flagBits
                    .bitwiseAnd(~RowFlags.held.rawValue, ordering: .acquiringAndReleasing)
            }
            return false
        }
        return true
    }

    /// Ends the hold, and with it what the graph knows of its values, unless it has references.
    private mutating func letGoOfEdges() {
        takeMarksOff()
        isMarked = false
    }

    private func takeMarksOff() {
        guard isMarked else { return }
        for node in 0..<count where isExposed(node) {
            GraphStore.shared.letGo(at.handles[node])
        }
    }

    /// Has references in place of the hold: for a run that takes long, and has claimed its results,
    /// so that others wait for it where they meet it.
    package mutating func keepReferences() {
        if holdsEdges { retainAll() }
        letGoOfEdges()
    }

    /// In a forked child, for a run that nobody goes on with.
    package mutating func abandonEdges() {
        letGoOfEdges()
        count = 0
    }

    /// Lets go of everything but the memory.
    package mutating func clear() {
        releaseReferences()
        isMarked = false
        hasReferences = false
        count = 0
        inputTotal = 0
        roots.removeAll(keepingCapacity: true)
        claimed = .none
        isPoisoned = false
        isTraced = false
        meetsDonation = false
        meetsHold = false
    }

    private func releaseReferences() {
        takeMarksOff()
        for node in 0..<count where hasReferences {
            at.values[node]?.release()
            at.payloads[node]?.release()
        }
        if retainsNodes { for handle in handles { GraphStore.shared.release(handle.id) } }
    }

    // MARK: - Reading

    @inlinable @inline(__always) package func inputs(of node: Int) -> Column<Int32> {
        let start = Int(at.inputStart[node])
        return Column(start: at.inputs + start, count: Int(at.inputStart[node + 1]) - start)
    }

    /// A node that has a value, or is a scalar: nothing below it was walked.
    @inline(__always) package func isLeaf(_ node: Int) -> Bool {
        values[node] != nil || ops[node] == .scalar
    }

    /// Somebody outside the subgraph holds the node, so its value will be wanted.
    @inline(__always) package func isKept(_ node: Int) -> Bool {
        userCounts[node] > UInt32(edgeCounts[node])
    }

    package func payload(_ node: Int) -> Payload? { payloads[node]?.takeUnretainedValue() }
    package func value(_ node: Int) -> Value? { values[node]?.takeUnretainedValue() }

    /// An array that stands for an inner node. Needs `retainsNodes`.
    package func array(_ node: Int) -> MLXArray {
        assert(retainsNodes)
        GraphStore.shared.retain(handles[node].id)
        return MLXArray(owning: handles[node])
    }

    package func checkInvariants() {
        precondition(inputStart.count == count + 1 && edgeCounts.count == count)
        for node in 0..<count {
            for input in inputs(of: node) {
                precondition(input >= 0 && input < node, "inputs come before their users")
            }
        }
    }

    // MARK: - Appending

    /// Appends a node, which the walk has come to the end of.
    @inline(__always) mutating func append(
        _ id: NodeID, _ row: UnsafeMutablePointer<Row>, inputs positions: UnsafePointer<Int32>,
        _ number: Int
    ) -> Int32 {
        if count == capacity { grow() }
        if inputTotal + number > inputCapacity { growInputs(number) }
        let node = count
        let state = row.pointee.state.load(ordering: .relaxed)
        at.handles[node] = NodeHandle(
            id: id, generation: UInt32(truncatingIfNeeded: state >> 32))
        at.userCounts[node] = UInt32(truncatingIfNeeded: state)
        at.ops[node] = row.pointee.op
        at.dtypes[node] = row.pointee.dtype
        at.streams[node] = row.pointee.stream
        at.shapes[node] = row.pointee.shape
        at.words[node] = row.pointee.word
        at.payloads[node] = row.pointee.payload
        let trace = row.pointee.trace
        at.traces[node] = trace
        if trace != 0 { isTraced = true }
        let flags = row.pointee.flags
        at.poisoned[node] = flags.contains(.poisoned)
        if flags.contains(.poisoned) { isPoisoned = true }
        at.edgeCounts[node] = 0
        let value = UnsafeRawPointer(bitPattern: row.pointee.value.load(ordering: .acquiring))
        at.values[node] = value.map(Unmanaged.fromOpaque)
        if value == nil && !flags.isDisjoint(with: [.claimed, .donated]) {
            if flags.contains(.claimed) { claimed = id } else { meetsDonation = true }
        }
        var end = inputTotal
        for index in 0..<number {
            let position = positions[index]
            at.inputs[end] = position
            at.edgeCounts[Int(position)] += 1
            end += 1
        }
        inputTotal = end
        at.inputStart[node + 1] = Int32(truncatingIfNeeded: end)
        count = node + 1
        return Int32(truncatingIfNeeded: node)
    }
}
