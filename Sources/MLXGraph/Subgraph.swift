import MLXBase
import Synchronization

/// The part of the graph that some roots depend on, as flat columns in topological order: inputs
/// come before their users. It is the one way out of the store; evaluation, gradients, exports
/// and drawings all start from it. Nodes are named by their position in the columns.
package struct Subgraph: ~Copyable, @unchecked Sendable {
    // SAFETY: the unmanaged references are owned by the subgraph and released once, in deinit;
    // all columns are constant after extraction.

    package internal(set) var handles: [NodeHandle] = []
    package internal(set) var ops: [OpCode] = []
    package internal(set) var dtypes: [DType] = []
    package internal(set) var streams: [StreamID] = []
    package internal(set) var shapes: [Shape] = []
    package internal(set) var words: [UInt64] = []
    package internal(set) var payloads: [Unmanaged<Payload>?] = []
    package internal(set) var values: [Unmanaged<Value>?] = []
    package internal(set) var traces: [UInt8] = []
    package internal(set) var poisoned: [Bool] = []
    /// Inputs of node `n` are `inputs[inputStart[n] ..< inputStart[n + 1]]`.
    package internal(set) var inputStart: [Int32] = [0]
    package internal(set) var inputs: [Int32] = []
    /// How many edges within the subgraph lead to each node.
    package internal(set) var edgeCounts: [Int32] = []
    /// References to each node from anywhere, as of extraction.
    package internal(set) var userCounts: [UInt32] = []
    package internal(set) var roots: [Int32] = []

    /// Whether the subgraph owns a reference to each of its nodes.
    private let retainsNodes: Bool

    package var count: Int { ops.count }

    @inline(__always) package func inputs(of node: Int) -> ArraySlice<Int32> {
        inputs[Int(inputStart[node])..<Int(inputStart[node + 1])]
    }

    /// A node that has a value, or is a scalar: nothing below it was walked.
    @inline(__always) package func isLeaf(_ node: Int) -> Bool {
        values[node] != nil || ops[node] == .scalar
    }

    /// Somebody outside the subgraph holds the node, so its value will be wanted.
    @inline(__always) package func isKept(_ node: Int) -> Bool {
        userCounts[node] > UInt32(edgeCounts[node])
    }

    /// - Parameters:
    ///   - stops: nodes at which the walk ends although they have inputs (trace variables).
    ///   - retainsNodes: keep every node alive as long as the subgraph, for walks that record on
    ///     top of inner nodes.
    ///   - throughValues: walk on below nodes that are evaluated and still have their inputs.
    package init(
        roots: [NodeHandle], stops: Set<NodeHandle> = [], retainsNodes: Bool = false,
        throughValues: Bool = false
    ) {
        self.retainsNodes = retainsNodes
        let store = GraphStore.shared
        var walk = SubgraphWalk(stops: stops, throughValues: throughValues)
        store.structure.withWalking {
            for root in roots {
                self.roots.append(walk.visit(root.id, into: &self))
            }
            if retainsNodes { for handle in handles { store.retain(handle.id) } }
            for value in values { _ = value?.retain() }
            for payload in payloads { _ = payload?.retain() }
        }
    }

    deinit {
        for value in values { value?.release() }
        for payload in payloads { payload?.release() }
        if retainsNodes { for handle in handles { GraphStore.shared.release(handle.id) } }
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
}

/// The walk behind `Subgraph`: depth first with a stack of its own, so depth is bounded by memory
/// only. Holds the structure lock's shared side throughout (the caller does).
private struct SubgraphWalk {
    private struct Frame {
        let id: NodeID
        var next: Int32
        let inputBase: Int
    }

    private let store = GraphStore.shared
    private var index = NodeIndex()
    private var stack: [Frame] = []
    /// Positions of the inputs found so far of the nodes on the stack.
    private var pending: [Int32] = []
    private let stops: Set<NodeHandle>
    private let throughValues: Bool

    init(stops: Set<NodeHandle>, throughValues: Bool) {
        self.stops = stops
        self.throughValues = throughValues
    }

    mutating func visit(_ root: NodeID, into graph: inout Subgraph) -> Int32 {
        if let known = index.find(root) { return known }
        push(root)
        while true {
            let top = stack.count - 1
            let id = stack[top].id
            let row = store.row(id)
            let inputCount = walkedInputCount(id, row)
            var descended = false
            while Int(stack[top].next) < inputCount {
                let input = SubgraphWalk.input(Int(stack[top].next), of: row)
                stack[top].next += 1
                if let known = index.find(input) {
                    pending.append(known)
                } else {
                    push(input)
                    descended = true
                    break
                }
            }
            if descended { continue }
            let position = emit(id, row, inputsFrom: stack[top].inputBase, into: &graph)
            index.insert(id, position)
            pending.removeLast(pending.count - stack[top].inputBase)
            stack.removeLast()
            if stack.isEmpty { return position }
            pending.append(position)
        }
    }

    private mutating func push(_ id: NodeID) {
        stack.append(Frame(id: id, next: 0, inputBase: pending.count))
    }

    private func walkedInputCount(_ id: NodeID, _ row: UnsafeMutablePointer<Row>) -> Int {
        if row.pointee.flags.contains(.detached) { return 0 }
        if !throughValues && row.pointee.value.load(ordering: .acquiring) != 0 { return 0 }
        if !stops.isEmpty {
            let generation = UInt32(
                truncatingIfNeeded: row.pointee.state.load(ordering: .relaxed) >> 32)
            if stops.contains(NodeHandle(id: id, generation: generation)) { return 0 }
        }
        return Int(row.pointee.inputCount)
            + (row.pointee.payload?._withUnsafeGuaranteedRef { $0.moreInputs.count } ?? 0)
    }

    @inline(__always) private static func input(
        _ number: Int, of row: UnsafeMutablePointer<Row>
    ) -> NodeID {
        switch number {
        case 0: row.pointee.inputs.0
        case 1: row.pointee.inputs.1
        case 2: row.pointee.inputs.2
        default:
            row.pointee.payload.unsafelyUnwrapped._withUnsafeGuaranteedRef {
                $0.moreInputs[number - 3]
            }
        }
    }

    private mutating func emit(
        _ id: NodeID, _ row: UnsafeMutablePointer<Row>, inputsFrom base: Int,
        into graph: inout Subgraph
    ) -> Int32 {
        let position = Int32(graph.ops.count)
        let state = row.pointee.state.load(ordering: .relaxed)
        graph.handles.append(
            NodeHandle(id: id, generation: UInt32(truncatingIfNeeded: state >> 32)))
        graph.userCounts.append(UInt32(truncatingIfNeeded: state))
        graph.ops.append(row.pointee.op)
        graph.dtypes.append(row.pointee.dtype)
        graph.streams.append(row.pointee.stream)
        graph.shapes.append(row.pointee.shape)
        graph.words.append(row.pointee.word)
        graph.payloads.append(row.pointee.payload)
        graph.traces.append(row.pointee.trace)
        graph.poisoned.append(row.pointee.flags.contains(.poisoned))
        graph.edgeCounts.append(0)
        let value = UnsafeRawPointer(bitPattern: row.pointee.value.load(ordering: .acquiring))
        graph.values.append(value.map(Unmanaged.fromOpaque))
        for position in pending[base...] {
            graph.inputs.append(position)
            graph.edgeCounts[Int(position)] += 1
        }
        graph.inputStart.append(Int32(graph.inputs.count))
        return position
    }
}

/// From node id to position: open addressing with linear probing.
private struct NodeIndex {
    private var keys: [UInt32]
    private var positions: [Int32]
    private var count = 0
    private var mask: Int

    init() {
        keys = Array(repeating: 0, count: 64)
        positions = Array(repeating: 0, count: 64)
        mask = 63
    }

    @inline(__always) private static func hash(_ key: UInt32) -> Int {
        Int((key &* 0x9E37_79B1) >> 7)
    }

    @inline(__always) func find(_ id: NodeID) -> Int32? {
        var slot = NodeIndex.hash(id.raw) & mask
        while keys[slot] != 0 {
            if keys[slot] == id.raw { return positions[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    mutating func insert(_ id: NodeID, _ position: Int32) {
        if (count + 1) * 2 > keys.count { grow() }
        place(id.raw, position)
        count += 1
    }

    private mutating func place(_ key: UInt32, _ position: Int32) {
        var slot = NodeIndex.hash(key) & mask
        while keys[slot] != 0 { slot = (slot + 1) & mask }
        keys[slot] = key
        positions[slot] = position
    }

    private mutating func grow() {
        let (oldKeys, oldPositions) = (keys, positions)
        keys = Array(repeating: 0, count: oldKeys.count * 4)
        positions = Array(repeating: 0, count: oldKeys.count * 4)
        mask = keys.count - 1
        for slot in 0..<oldKeys.count where oldKeys[slot] != 0 {
            place(oldKeys[slot], oldPositions[slot])
        }
    }
}
