import MLXBase
import MLXGraph

/// The structure of a subgraph as a list of words: equal lists mean that one plan serves both.
/// Everything a plan depends on is in it (ops, dtypes, shapes, edges, attributes, layouts of the
/// inputs, which nodes are wanted, pinned streams); values are not (scalars, where slices start,
/// the contents of arrays).
package struct PlanKey: Hashable, Sendable {
    package let words: [UInt64]
    package let hash: UInt64

    /// - Parameter context: what else the plan depends on: the policy and the instruction set.
    package init(_ graph: borrowing Subgraph, context: UInt64) {
        var words: [UInt64] = []
        words.reserveCapacity(graph.count * 5 + 1)
        words.append(context)
        for node in 0..<graph.count { PlanKey.append(node, of: graph, to: &words) }
        var hash: UInt64 = 0x243F_6A88_85A3_08D3
        for word in words {
            hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        self.words = words
        self.hash = hash
    }

    private static func append(
        _ node: Int, of graph: borrowing Subgraph, to words: inout [UInt64]
    ) {
        let op = graph.ops[node]
        let isLeaf = graph.isLeaf(node)
        let inputStart = Int(graph.inputStart[node])
        let inputEnd = Int(graph.inputStart[node + 1])
        let word = op == .scalar ? 0 : graph.words[node]
        var head = UInt64(isLeaf && op != .scalar ? OpCode.data.raw : op.raw)
        head |= UInt64(graph.dtypes[node].rawValue) << 16
        head |= (isLeaf ? 1 : 0) << 24
        head |= (!isLeaf && graph.isKept(node) ? 1 : 0) << 25
        head |= (word != 0 && !isLeaf ? 1 : 0) << 26
        head |= UInt64(isLeaf ? 0 : graph.streams[node].raw) << 32
        head |= UInt64(inputEnd - inputStart) << 48
        words.append(head)
        words.append(graph.shapes[node].word)
        if isLeaf {
            if let strides = graph.value(node)?.customStrides {
                for stride in strides { words.append(UInt64(bitPattern: Int64(stride)) | 1 << 63) }
            }
            return
        }
        if word != 0 { words.append(word) }
        var input = inputStart
        while input < inputEnd {
            let second = input + 1 < inputEnd ? graph.inputs[input + 1] : -1
            words.append(
                UInt64(UInt32(bitPattern: graph.inputs[input]))
                    | UInt64(UInt32(bitPattern: second)) << 32)
            input += 2
        }
        if let payload = graph.payload(node) {
            words.append(UInt64(payload.words.count) << 32 | UInt64(payload.dynamicCount))
            for index in payload.dynamicCount..<payload.words.count {
                words.append(UInt64(bitPattern: Int64(payload.words[index])))
            }
        }
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    package static func == (a: PlanKey, b: PlanKey) -> Bool {
        a.hash == b.hash && a.words == b.words
    }
}
