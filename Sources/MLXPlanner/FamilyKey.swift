import MLXBase
import MLXGraph

/// A subgraph's structure apart from its sizes, which are dimensions, strides of given arrays and
/// constant attributes. Subgraphs of equal structure differ in numbers only, as the steps of a
/// loop do over a cache that grows.
package struct FamilyKey: Hashable, Sendable {
    private let words: [UInt64]
    /// Made once: a key is looked up in several tables.
    private let number: UInt64

    /// - Parameter context: what else a plan depends on; see `PlanKey`.
    package init(_ graph: borrowing Subgraph, context: UInt64) {
        var words = [context]
        words.reserveCapacity(graph.count * 4 + 1)
        for node in 0..<graph.count { FamilyKey.append(node, graph, &words) }
        self.words = words
        number = words.withUnsafeBufferPointer { PlanKey.hash($0) }
    }

    package static func == (a: FamilyKey, b: FamilyKey) -> Bool {
        a.number == b.number && a.words == b.words
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(number) }

    private static func append(
        _ node: Int, _ graph: borrowing Subgraph, _ words: inout [UInt64]
    ) {
        let isLeaf = graph.isLeaf(node)
        let op = graph.ops[node]
        let inputs = graph.inputs(of: node)
        var head = UInt64(isLeaf && op != .scalar ? OpCode.data.raw : op.raw)
        head |= UInt64(graph.dtypes[node].rawValue) << 16
        head |= isLeaf ? 1 << 24 : 0
        head |= !isLeaf && graph.isKept(node) ? 1 << 25 : 0
        head |= isLeaf && graph.value(node)?.customStrides != nil ? 1 << 26 : 0
        head |= UInt64(isLeaf ? 0 : graph.streams[node].raw) << 32
        head |= UInt64(inputs.count) << 48
        words.append(head)
        words.append(UInt64(graph.shapes[node].ndim))
        if isLeaf { return }
        words.append(graph.words[node])
        for input in inputs { words.append(UInt64(input)) }
        guard let payload = graph.payload(node) else { return }
        words.append(UInt64(payload.words.count) << 32 | UInt64(payload.dynamicCount))
    }
}
