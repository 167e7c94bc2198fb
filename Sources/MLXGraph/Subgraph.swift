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

    /// Whether the subgraph owns a reference to each of its nodes.
    private var retainsNodes = false
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
        walk.pointee.stops = stops
        walk.pointee.throughValues = throughValues
        self.retainsNodes = retainsNodes
        for root in roots { extract(root: root.id) }
        finishExtraction()
        while meetsDonation {
            waitForDonation()
            walk.pointee.stops = stops
            walk.pointee.throughValues = throughValues
            for root in roots { extract(root: root.id) }
            finishExtraction()
        }
    }

    deinit {
        releaseReferences()
        walk.deinitialize(count: 1)
        walk.deallocate()
        freeColumns()
    }

    /// Takes another part of the graph in place of this one. The caller owns references to the
    /// roots.
    @inline(__always) package mutating func extract(roots: [NodeHandle]) {
        clear()
        for root in roots { extract(root: root.id) }
        finishExtraction()
        // Who waits for a run's results waits for what it overwrites too.
        while meetsDonation && claimed == .none {
            waitForDonation()
            for root in roots { extract(root: root.id) }
            finishExtraction()
        }
    }

    /// Until the run is over, or has claimed its results: that takes one step of a narrow run, or
    /// no time at all, so nobody sleeps for it.
    @inline(never) private mutating func waitForDonation() {
        clear()
        sched_yield()
    }

    private mutating func extract(root: NodeID) {
        let walk = walk
        let position = walk.pointee.visit(root, into: &self)
        roots.append(position)
    }

    /// Takes references to all that must outlive the walk, then lets the edges go.
    private mutating func finishExtraction() {
        if retainsNodes { for handle in handles { GraphStore.shared.retain(handle.id) } }
        for node in 0..<count {
            if let value = at.values[node] { _ = value.retain() }
            if let payload = at.payloads[node] { _ = payload.retain() }
        }
        let walk = walk
        walk.pointee.finish()
    }

    /// Lets go of everything but the memory.
    package mutating func clear() {
        releaseReferences()
        count = 0
        inputTotal = 0
        roots.removeAll(keepingCapacity: true)
        claimed = .none
        isPoisoned = false
        isTraced = false
        meetsDonation = false
    }

    private func releaseReferences() {
        for node in 0..<count {
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
