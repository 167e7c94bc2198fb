import MLXBase
import MLXGraph
import MLXOps

/// Finds why a subgraph cannot be evaluated: the first operation that could not be recorded, and
/// the operations between it and the array that was asked for.
package enum Poison {
    package static func firstError(in graph: borrowing Subgraph) -> ArrayError? {
        guard graph.roots.contains(where: { graph.poisoned[Int($0)] }) else { return nil }
        for node in 0..<graph.count where graph.ops[node] == .invalid {
            guard var error = graph.payload(node)?.error else { continue }
            error.chain = chain(from: node, graph)
            return error
        }
        return nil
    }

    /// At most this many names are listed.
    private static let maximumLength = 16

    private static func chain(from node: Int, _ graph: borrowing Subgraph) -> [String] {
        var names: [String] = []
        var current = node
        // Users come after their inputs, so one sweep follows the first path upwards.
        for user in (node + 1)..<max(graph.count, node + 1)
        where graph.inputs(of: user).contains(Int32(current)) {
            current = user
            if graph.ops[user] != .invalid { names.append(OpTable.name(graph.ops[user])) }
            if names.count == maximumLength { break }
        }
        return names
    }
}
