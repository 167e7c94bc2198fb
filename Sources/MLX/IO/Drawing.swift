import FoundationEssentials
import MLXBase
import MLXFormats
import MLXGraph
import MLXOps

// Drawings of graphs in the language of Graphviz, as MLX's export_to_dot makes them: boxes are
// operations, ellipses arrays, with dtype and shape beside the names of inputs and outputs.

/// The graph that some arrays depend on, as a Graphviz digraph. Nothing is computed; arrays that
/// are evaluated already are where it ends.
///
/// ```swift
/// print(exportToDOT([loss]))          // dot -Tsvg turns it into a picture
/// ```
/// - Parameter names: what to call the given arrays, in their order.
public func exportToDOT(_ arrays: [MLXArray], names: [String] = []) -> String {
    let graph = Subgraph(roots: arrays.map(\.handle))
    var lines = ["digraph {", "  rankdir=TB;"]
    var named: [Int: String] = [:]
    for (number, root) in graph.roots.enumerated() {
        named[Int(root)] = number < names.count ? names[number] : "output \(number)"
    }
    func escaped(_ text: String) -> String {
        String(text.flatMap { $0 == "\\" || $0 == "\"" ? ["\\", $0] : [$0] })
    }
    for node in 0..<graph.count {
        let type = "\(graph.dtypes[node]) \(graph.shapes[node])"
        let name = named[node].map { escaped($0) + "\\n" } ?? ""
        lines.append("  a\(node) [shape=ellipse, label=\"\(name)\(type)\"];")
        if graph.isLeaf(node) { continue }
        let op = escaped(OpTable.name(graph.ops[node]))
        lines.append("  o\(node) [shape=rectangle, label=\"\(op)\"];")
        for input in graph.inputs(of: node) { lines.append("  a\(input) -> o\(node);") }
        lines.append("  o\(node) -> a\(node);")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
}

/// Writes the graph that some arrays depend on as a Graphviz file.
///
/// ```swift
/// try exportToDOT([loss], to: URL(fileURLWithPath: "loss.dot"))
/// ```
public func exportToDOT(_ arrays: [MLXArray], names: [String] = [], to url: URL) throws {
    try AtomicFileSink.write(Array(exportToDOT(arrays, names: names).utf8), path: url.path)
}
