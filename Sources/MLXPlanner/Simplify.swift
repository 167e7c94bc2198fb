import MLXBase
import MLXGraph
import MLXOps

/// Pass 1. Finds nodes that are the value of another node (identities, reshapes to the same
/// shape, repeated expressions) and which nodes are needed at all. Values are never looked at:
/// what they are next time is not known.
extension PlanBuilder {
    mutating func simplify(_ graph: borrowing Subgraph) {
        var expressions = ExpressionTable(capacity: graph.count)
        for node in 0..<graph.count where !graph.isLeaf(node) {
            if let alias = identity(node, graph) {
                canonical[node] = alias
            } else {
                canonical[node] = expressions.canonical(node, graph, canonical)
            }
        }
        markLive(graph)
    }

    /// The input that the node merely repeats.
    private func identity(_ node: Int, _ graph: borrowing Subgraph) -> Int32? {
        let first = Int(graph.inputStart[node])
        switch OpTable.identities[Int(graph.ops[node].raw)] {
        case .none:
            return nil
        case .always:
            return canonical[Int(graph.inputs[first])]
        case .chosen:
            return canonical[Int(graph.inputs[first + Int(graph.words[node] & 0xFFFF)])]
        case .ofSameShape:
            let input = canonical[Int(graph.inputs[first])]
            return graph.shapes[Int(input)] == graph.shapes[node] ? input : nil
        }
    }

    private mutating func markLive(_ graph: borrowing Subgraph) {
        for node in 0..<graph.count where !graph.isLeaf(node) && graph.isKept(node) {
            isWanted[Int(canonical[node])] = true
            isLive[Int(canonical[node])] = true
        }
        for node in (0..<graph.count).reversed() where isLive[node] && !graph.isLeaf(node) {
            for input in graph.inputs(of: node) { isLive[Int(canonical[Int(input)])] = true }
        }
    }
}

/// Expressions seen so far, by open addressing on their structure.
private struct ExpressionTable {
    private var slots: [Int32]
    private let mask: Int

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: -1, count: size)
        mask = size - 1
    }

    /// The first node with this node's expression.
    mutating func canonical(
        _ node: Int, _ graph: borrowing Subgraph, _ canonical: [Int32]
    ) -> Int32 {
        // A node with attributes that are values may differ from its twin next time.
        if let payload = graph.payload(node), payload.dynamicCount > 0 || payload.object != nil {
            return Int32(node)
        }
        var slot = hash(node, graph, canonical) & mask
        while slots[slot] >= 0 {
            let other = Int(slots[slot])
            if matches(node, other, graph, canonical) { return Int32(other) }
            slot = (slot + 1) & mask
        }
        slots[slot] = Int32(node)
        return Int32(node)
    }

    private func hash(
        _ node: Int, _ graph: borrowing Subgraph, _ canonical: [Int32]
    ) -> Int {
        var hash = UInt64(graph.ops[node].raw) << 8 | UInt64(graph.dtypes[node].rawValue)
        hash ^= graph.shapes[node].word &* 0x9E37_79B9_7F4A_7C15
        hash ^= graph.words[node] &* 0xFF51_AFD7_ED55_8CCD
        for input in graph.inputs(of: node) {
            hash =
                (hash ^ UInt64(UInt32(bitPattern: canonical[Int(input)])))
                &* 0xC4CE_B9FE_1A85_EC53
            hash ^= hash >> 31
        }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }

    private func matches(
        _ a: Int, _ b: Int, _ graph: borrowing Subgraph, _ canonical: [Int32]
    ) -> Bool {
        guard graph.ops[a] == graph.ops[b], graph.dtypes[a] == graph.dtypes[b],
            graph.shapes[a] == graph.shapes[b], graph.words[a] == graph.words[b],
            graph.streams[a] == graph.streams[b]
        else { return false }
        let (x, y) = (graph.inputs(of: a), graph.inputs(of: b))
        guard x.count == y.count else { return false }
        for offset in 0..<x.count
        where canonical[Int(x[x.startIndex + offset])] != canonical[Int(y[y.startIndex + offset])] {
            return false
        }
        return (graph.payload(a)?.words ?? []) == (graph.payload(b)?.words ?? [])
    }
}
