import MLXBase
import MLXGraph
import MLXOps

/// One open trace: its nodes keep their inputs when they are evaluated, because a transform will
/// walk them. Ends when it is dropped, at the latest.
package final class Trace {
    package let bit: UInt8
    private var isOpen = true

    package init() { bit = TraceLevels.begin(depth: Defaults.value.traceDepth) }

    deinit { if isOpen { TraceLevels.end(bit) } }

    func end(_ nodes: some Collection<NodeHandle>) {
        guard isOpen else { return }
        isOpen = false
        TraceLevels.end(bit)
        GraphStore.shared.endTrace(bit, nodes: nodes)
    }

    /// A node with the value of `primal` that belongs to this trace.
    func variable(_ primal: MLXArray) -> MLXArray {
        let reference = NodeReference(primal)
        var entry = GraphStore.Entry(
            op: .traced, dtype: reference.dtype, shape: reference.shape)
        entry.trace = reference.trace | bit
        if reference.isPoisoned {
            entry.flags = .poisoned
            // What an invalid node stands for: see `MLXArray.mlxNone`.
            entry.word = reference.word
        }
        entry.inputs.0 = reference.take()
        entry.inputCount = 1
        return MLXArray(owning: GraphStore.shared.append(entry))
    }

    /// A node without a value that belongs to this trace.
    package func placeholder(_ shape: Shape, _ dtype: DType) -> MLXArray {
        Ops.placeholder(shape, dtype, trace: bit)
    }
}

/// What a function did with some variables: its outputs and the subgraph between them and the
/// variables. All transforms start from it.
package struct Recording: ~Copyable {
    package let variables: [MLXArray]
    let outputs: [MLXArray]
    package let graph: Subgraph
    /// Which nodes depend on a variable.
    package let isTraced: [Bool]
    /// The numbers of the nodes that are variables, -1 for others.
    private let variableAt: [Int]

    /// Runs `function` and ends the trace, so that what a transform records afterwards belongs to
    /// outer traces only.
    package init(
        _ trace: Trace, variables: [MLXArray], throughValues: Bool = true,
        _ function: () throws -> [MLXArray]
    ) rethrows {
        let outputs = try Defaults.with({ $0.traceDepth += 1 }) { try function() }
        let graph = Subgraph(
            roots: outputs.map(\.handle), stops: Set(variables.map(\.handle)),
            retainsNodes: true, throughValues: throughValues)
        trace.end(graph.handles)
        self.variables = variables
        self.outputs = outputs
        let numbers = Dictionary(
            variables.enumerated().map { ($1.handle, $0) }, uniquingKeysWith: { first, _ in first })
        var variableAt = [Int](repeating: -1, count: graph.count)
        var isTraced = [Bool](repeating: false, count: graph.count)
        for node in 0..<graph.count {
            let inputs = graph.inputs(of: node)
            // The walk ends at variables, so they have no inputs here.
            if inputs.isEmpty, let number = numbers[graph.handles[node]] {
                variableAt[node] = number
                isTraced[node] = true
            } else {
                isTraced[node] = inputs.contains { isTraced[Int($0)] }
            }
        }
        self.variableAt = variableAt
        self.isTraced = isTraced
        self.graph = graph
    }

    /// The number of the variable that a node is.
    package func variable(at node: Int) -> Int? {
        let number = variableAt[node]
        return number < 0 ? nil : number
    }
}

extension Subgraph {
    /// What the operation of a node was asked to do.
    package func attributes(_ node: Int) -> Attributes {
        let payload = payload(node)
        return Attributes(
            word: words[node], words: payload?.words ?? [], outputShape: shapes[node],
            outputDType: dtypes[node], object: payload?.object)
    }

    /// The node's inputs as arrays. Needs `retainsNodes`.
    func inputArrays(_ node: Int) -> [MLXArray] { inputs(of: node).map { array(Int($0)) } }
}

/// The calls of functions with rules of their own in a subgraph, each with its results.
struct CustomCalls {
    final class Call {
        let rules: CustomRules
        /// What the function recorded for each output.
        let outputs: [Int]
        let primals: [Int]
        fileprivate(set) var members: [(node: Int, output: Int)] = []
        /// The first of the members.
        var first: Int { members[0].node }

        init(rules: CustomRules, outputs: [Int], primals: [Int]) {
            self.rules = rules
            self.outputs = outputs
            self.primals = primals
        }
    }

    private struct Key: Hashable {
        let rules: ObjectIdentifier
        let inputs: [Int]
    }

    private var calls: [Int: Call] = [:]

    init(_ graph: borrowing Subgraph) {
        var known: [Key: Call] = [:]
        for node in 0..<graph.count where graph.ops[node] == .custom {
            guard let rules = graph.payload(node)?.object as? CustomRules else { continue }
            let inputs = graph.inputs(of: node).map(Int.init)
            let outputCount = Int(graph.words[node] >> 16)
            let key = Key(rules: ObjectIdentifier(rules), inputs: inputs)
            let call =
                known[key]
                ?? Call(
                    rules: rules, outputs: Array(inputs.prefix(outputCount)),
                    primals: Array(inputs.dropFirst(outputCount)))
            known[key] = call
            call.members.append((node, Int(graph.words[node] & 0xFFFF)))
            calls[node] = call
        }
    }

    func call(of node: Int) -> Call? { calls.isEmpty ? nil : calls[node] }
}
