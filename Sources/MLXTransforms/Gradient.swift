import MLXBase
import MLXGraph
import MLXOps

/// Reverse-mode differentiation: a function is recorded on traced variables, and the recorded
/// subgraph is walked backwards, each row's rule turning the cotangent of a node into those of
/// its inputs. The rules record ordinary nodes, so a gradient can be differentiated again.
package enum Gradient {
    /// The outputs of a function and the cotangents of its arguments.
    /// - Parameters:
    ///   - cotangents: one for each output, from the outputs; nil skips the output.
    ///   - wanted: the arguments to differentiate by.
    package static func vjp(
        _ function: ([MLXArray]) throws -> [MLXArray], primals: [MLXArray], wanted: [Int],
        cotangents: ([MLXArray]) throws -> [MLXArray?]
    ) rethrows -> (outputs: [MLXArray], gradients: [MLXArray]) {
        let depth = Defaults.value.traceDepth
        let bit = TraceLevels.begin(depth: depth)
        var isOpen = true
        defer { if isOpen { TraceLevels.end(bit) } }
        var arguments = primals
        let variables = wanted.map { variable(primals[$0], bit) }
        for (position, argument) in wanted.enumerated() {
            arguments[argument] = variables[position]
        }
        let outputs = try Defaults.with({ $0.traceDepth += 1 }) { try function(arguments) }
        let graph = Subgraph(
            roots: outputs.map(\.handle), stops: Set(variables.map(\.handle)),
            retainsNodes: true, throughValues: true)
        // The trace ends before the backward pass records: its nodes belong to outer traces only.
        TraceLevels.end(bit)
        isOpen = false
        let traced = graph.traces.map { $0 & bit != 0 }
        GraphStore.shared.endTrace(bit, nodes: graph.handles)
        let seeds = try cotangents(outputs)
        if let bad = invalidOutput(outputs, seeds) {
            // An invalid array does not lead back to the variables; zeros would hide its error.
            return (outputs, variables.map { invalid(bad, $0) })
        }
        let gradients = backward(graph, traced, seeds: seeds, variables: variables)
        return (outputs, gradients)
    }

    private static func invalidOutput(
        _ outputs: [MLXArray], _ seeds: [MLXArray?]
    ) -> MLXArray? {
        zip(outputs, seeds).first { $1 != nil && NodeReference($0).isPoisoned }?.0
    }

    /// A gradient that carries the error of an output.
    private static func invalid(_ output: MLXArray, _ variable: MLXArray) -> MLXArray {
        Ops.invalid(
            ArrayError(.argument, "grad", "the function's result is invalid"), inputs: [output],
            shapeHint: variable.nodeShape, dtype: variable.dtype)
    }

    /// A node that stands for a primal inside one trace.
    private static func variable(_ primal: MLXArray, _ bit: UInt8) -> MLXArray {
        let reference = NodeReference(primal)
        var entry = GraphStore.Entry(
            op: .traced, dtype: reference.dtype, shape: reference.shape)
        entry.trace = reference.trace | bit
        if reference.isPoisoned { entry.flags = .poisoned }
        entry.inputs.0 = reference.take()
        entry.inputCount = 1
        return MLXArray(owning: GraphStore.shared.append(entry))
    }

    private static func backward(
        _ graph: borrowing Subgraph, _ traced: [Bool], seeds: [MLXArray?],
        variables: [MLXArray]
    ) -> [MLXArray] {
        var cotangents = [MLXArray?](repeating: nil, count: graph.count)
        for (root, seed) in zip(graph.roots, seeds) {
            guard let seed else { continue }
            accumulate(seed, into: &cotangents[Int(root)])
        }
        let handles = Dictionary(
            variables.enumerated().map { ($1.handle, $0) }, uniquingKeysWith: { first, _ in first })
        var gradients = [MLXArray?](repeating: nil, count: variables.count)
        for node in (0..<graph.count).reversed() where traced[node] {
            guard let cotangent = cotangents[node] else { continue }
            cotangents[node] = nil
            if let variable = handles[graph.handles[node]] {
                gradients[variable] = cotangent
                continue
            }
            pull(cotangent, through: node, graph, traced, &cotangents)
        }
        return zip(variables, gradients).map { variable, gradient in
            gradient ?? Ops.full(variable.nodeShape, 0, variable.dtype)
        }
    }

    /// Passes a node's cotangent on to its inputs.
    private static func pull(
        _ cotangent: MLXArray, through node: Int, _ graph: borrowing Subgraph, _ traced: [Bool],
        _ cotangents: inout [MLXArray?]
    ) {
        let inputs = graph.inputs(of: node).map(Int.init)
        guard let row = OpTable.find(graph.ops[node]) else {
            // An invalid node: what depends on it is invalid too.
            for input in inputs { accumulate(cotangent, into: &cotangents[input]) }
            return
        }
        switch row.vjp {
        case .zero: return
        case .none:
            let error = ArrayError(
                .notDifferentiable, row.name, "has no derivative",
                shapes: inputs.map { graph.shapes[$0].array })
            for input in inputs where traced[input] {
                accumulate(
                    Ops.invalid(
                        error, shapeHint: graph.shapes[input], dtype: graph.dtypes[input]),
                    into: &cotangents[input])
            }
        case .rule(let rule):
            let payload = graph.payload(node)
            let context = VJPContext(
                inputs: inputs.map { graph.array($0) }, output: graph.array(node),
                cotangent: cotangent,
                attributes: Attributes(
                    word: graph.words[node], words: payload?.words ?? [],
                    dynamicCount: payload?.dynamicCount ?? 0, outputShape: graph.shapes[node],
                    outputDType: graph.dtypes[node]),
                wanted: inputs.map { traced[$0] }, stream: graph.streams[node])
            for (input, part) in zip(inputs, rule(context)) where traced[input] {
                if let part { accumulate(part, into: &cotangents[input]) }
            }
        }
    }

    private static func accumulate(_ part: MLXArray, into sum: inout MLXArray?) {
        sum = sum.map { Ops.binary(.add, $0, part) } ?? part
    }
}
