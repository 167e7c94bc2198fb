import MLXBase
import MLXGraph
import MLXOps

/// Forward-mode differentiation: the recorded subgraph is walked in order, each row's rule turning
/// the tangents of a node's inputs into its own. Rows without a rule transpose their `vjp`.
package enum Tangent {
    /// The outputs of a function and their derivatives along `tangents`.
    /// - Parameter tangents: one for each primal, in its shape and dtype.
    package static func jvp(
        _ function: ([MLXArray]) throws -> [MLXArray], primals: [MLXArray], tangents: [MLXArray]
    ) rethrows -> (outputs: [MLXArray], tangents: [MLXArray]) {
        let trace = Trace()
        let variables = primals.map { trace.variable($0) }
        let recording = try Recording(trace, variables: variables) { try function(variables) }
        let results = forward(recording, tangents)
        return (recording.outputs, results)
    }

    private static func forward(
        _ recording: borrowing Recording, _ seeds: [MLXArray]
    ) -> [MLXArray] {
        let calls = CustomCalls(recording.graph)
        var tangents = [MLXArray?](repeating: nil, count: recording.graph.count)
        for node in 0..<recording.graph.count where recording.isTraced[node] {
            if let variable = recording.variable(at: node) {
                tangents[node] = seeds[variable]
            } else if let call = calls.call(of: node), call.rules.jvp != nil {
                if call.first == node { push(call, recording, &tangents) }
            } else {
                tangents[node] = push(through: node, recording, tangents)
            }
        }
        return zip(recording.graph.roots, recording.outputs).map { root, output in
            if NodeReference(output).isPoisoned {
                return Ops.invalid(
                    ArrayError(.argument, "jvp", "the function's result is invalid"),
                    inputs: [output])
            }
            return tangents[Int(root)]?.aliased() ?? zero(for: output, seeds)
        }
    }

    /// The tangent of a result that does not change. There are no bools that could be added up:
    /// for bools it has the dtype of the tangents that went in.
    private static func zero(for output: MLXArray, _ seeds: [MLXArray]) -> MLXArray {
        let type = output.dtype == .bool ? seeds.first?.dtype ?? .bool : output.dtype
        return Ops.full(output.nodeShape, 0, type)
    }

    private static func push(
        through node: Int, _ recording: borrowing Recording, _ tangents: [MLXArray?]
    ) -> MLXArray? {
        let own = recording.graph.inputs(of: node).map { tangents[Int($0)] }
        guard own.contains(where: { $0 != nil }) else { return nil }
        guard let row = OpTable.find(recording.graph.ops[node]) else { return own[0] }
        let context = JVPContext(
            inputs: recording.graph.inputArrays(node), output: recording.graph.array(node),
            tangents: own, attributes: recording.graph.attributes(node),
            stream: recording.graph.streams[node])
        return onStream(context.stream) { tangent(of: row, context) }
    }

    /// The tangent of one operation's result; nil is zero.
    package static func tangent(of row: OpRow, _ context: JVPContext) -> MLXArray? {
        switch row.jvp {
        case .rule(let rule):
            return rule(context)
        case .linear:
            let tangents = zip(context.tangents, context.inputs).map { tangent, input in
                tangent ?? Ops.full(input.nodeShape, 0, input.dtype)
            }
            return Ops.record(row.code, tangents, context.attributes, stream: context.stream)
        case .transposed:
            return transposed(row, context)
        }
    }

    /// The row's pullback is linear in the cotangent; its derivative by the cotangent, applied to
    /// the tangents, is the pushforward. Townsend, "A new trick for calculating Jacobian vector
    /// products" (2017).
    private static func transposed(_ row: OpRow, _ context: JVPContext) -> MLXArray? {
        switch row.vjp {
        case .zero: return nil
        case .none:
            return Ops.invalid(
                ArrayError(
                    .notDifferentiable, row.name, "has no derivative",
                    shapes: context.inputs.map { $0.nodeShape.array }),
                shapeHint: context.output.nodeShape, dtype: context.output.dtype)
        case .rule(let rule):
            let wanted = context.tangents.map { $0 != nil }
            var seeds: [MLXArray] = []
            let zero = Ops.full(context.output.nodeShape, 0, context.output.dtype)
            let (_, gradients) = Gradient.vjp(
                { cotangent in
                    let parts = rule(
                        VJPContext(
                            inputs: context.inputs, output: context.output,
                            cotangent: cotangent[0], attributes: context.attributes,
                            wanted: wanted, stream: context.stream))
                    var results: [MLXArray] = []
                    for (part, tangent) in zip(parts, context.tangents) {
                        guard let part, let tangent else { continue }
                        results.append(part)
                        seeds.append(Ops.cast(tangent, to: part.dtype))
                    }
                    return results
                }, primals: [zero], wanted: [0], cotangents: { _ in seeds })
            return gradients[0]
        }
    }

    /// Asks a custom function's rule for the tangents of all its results.
    private static func push(
        _ call: CustomCalls.Call, _ recording: borrowing Recording,
        _ tangents: inout [MLXArray?]
    ) {
        guard let rule = call.rules.jvp else { return }
        let primals = call.primals.map { recording.graph.array($0) }
        let results = rule(primals, call.primals.map { tangents[$0] })
        for member in call.members {
            let output = recording.graph.array(member.node)
            let fits =
                member.output < results.count
                && results[member.output].nodeShape == output.nodeShape
            tangents[member.node] =
                fits
                ? results[member.output]
                : Ops.invalid(
                    ArrayError(
                        .shape, "custom_function",
                        "the jvp must return an array of shape \(output.nodeShape) for output"
                            + " \(member.output)"),
                    shapeHint: output.nodeShape, dtype: output.dtype)
        }
    }
}
