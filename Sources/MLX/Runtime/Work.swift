import MLXBase
import MLXGraph
import MLXOps

// How much there is to compute for an array, told from the graph without computing anything. The
// counts are those of the op table's rows, before the planner fuses or drops anything.

/// Counts operations piece by piece: a node belongs to the first piece that reaches it.
package struct Work: ~Copyable {
    private var counted: Set<UInt32> = []

    private let boundary: Set<NodeHandle>

    /// - Parameter boundary: arrays that count as given: how they come about is nobody's work.
    package init(boundary: [MLXArray]) { self.boundary = Set(boundary.map(\.handle)) }

    /// The operations between `inputs` and `output` that no earlier piece had.
    package mutating func flops(of output: MLXArray, from inputs: [MLXArray]) -> Double {
        let stops = boundary.union(inputs.map(\.handle))
        if stops.contains(output.handle) { return 0 }
        let graph = Subgraph(roots: [output.handle], stops: stops)
        var total = 0.0
        for node in 0..<graph.count where !graph.isLeaf(node) && !graph.poisoned[node] {
            let handle = graph.handles[node]
            guard let row = OpTable.find(graph.ops[node]), !stops.contains(handle),
                counted.insert(handle.id.raw).inserted
            else { continue }
            let context = CostContext(
                shapes: graph.inputs(of: node).map { graph.shapes[Int($0)] },
                output: graph.shapes[node], words: graph.payload(node)?.words ?? [])
            total +=
                row.isElementwise
                ? OpTable.elementwiseWeights[Int(graph.ops[node].raw)]
                    * Double(graph.shapes[node].size)
                : row.work.flops(context)
        }
        return total
    }
}
