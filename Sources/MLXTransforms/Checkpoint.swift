import MLXBase
import MLXGraph
import MLXOps

/// Trading time for memory: the derivative of a checkpointed function records the function again
/// instead of keeping what is between its arguments and its results. Chen, Xu, Zhang, Guestrin,
/// "Training Deep Nets with Sublinear Memory Cost" (2016).
package enum Checkpoint {
    /// Applies `function` to the arguments. Variables of the derivatives around it that it reaches
    /// without being given them count as arguments.
    package static func apply(
        _ function: @escaping ([MLXArray]) -> [MLXArray], _ arguments: [MLXArray]
    ) -> [MLXArray] {
        let outputs = function(arguments)
        let captured = capturedVariables(outputs, arguments)
        let count = arguments.count
        let rules = CustomRules(vjp: { primals, cotangents, _ in
            // The copies wait for the cotangents: nothing is recomputed before it is needed.
            let copies = Ops.depends(primals, on: cotangents)
            return Gradient.vjp(
                function, primals: Array(copies.prefix(count)),
                captured: Array(primals.dropFirst(count)), cotangents: cotangents)
        })
        return Ops.custom(rules, outputs: outputs, primals: arguments + captured)
    }

    /// Variables of open derivatives below the outputs that are not below the arguments.
    private static func capturedVariables(
        _ outputs: [MLXArray], _ arguments: [MLXArray]
    ) -> [MLXArray] {
        let graph = Subgraph(
            roots: outputs.map(\.handle), stops: Set(arguments.map(\.handle)),
            retainsNodes: true, throughValues: true)
        let known = Set(arguments.map(\.handle))
        return (0..<graph.count).filter { node in
            graph.ops[node] == .traced && graph.traces[node] != 0
                && !known.contains(graph.handles[node])
        }.map { graph.array($0) }
    }
}
