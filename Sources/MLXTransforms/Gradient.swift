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
        var arguments = primals
        let trace = Trace()
        let variables = wanted.map { trace.variable(primals[$0]) }
        for (position, argument) in wanted.enumerated() {
            arguments[argument] = variables[position]
        }
        let recording = try Recording(trace, variables: variables) { try function(arguments) }
        let outputs = recording.outputs
        let seeds = try cotangents(outputs)
        if let bad = invalidOutput(outputs, seeds) {
            // An invalid array does not lead back to the variables; zeros would hide its error.
            return (outputs, variables.map { invalid(bad, $0) })
        }
        let gradients = backward(recording, seeds: seeds)
        return (outputs, gradients)
    }

    /// The cotangents of a function's arguments and of variables that it reaches by itself.
    static func vjp(
        _ function: ([MLXArray]) -> [MLXArray], primals: [MLXArray], captured: [MLXArray],
        cotangents: [MLXArray]
    ) -> [MLXArray] {
        let trace = Trace()
        let variables = primals.map { trace.variable($0) }
        let recording = Recording(trace, variables: variables + captured) { function(variables) }
        return backward(recording, seeds: cotangents)
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

    private static func backward(
        _ recording: borrowing Recording, seeds: [MLXArray?]
    ) -> [MLXArray] {
        var cotangents = Cotangents(count: recording.graph.count)
        for (root, seed) in zip(recording.graph.roots, seeds) {
            guard let seed else { continue }
            accumulate(seed, into: &cotangents[Int(root)])
        }
        let calls = CustomCalls(recording.graph)
        var gradients = [MLXArray?](repeating: nil, count: recording.variables.count)
        for node in (0..<recording.graph.count).reversed() where recording.isTraced[node] {
            if let call = calls.call(of: node) {
                // All results of a call are pulled back together, at the first of them.
                if call.first == node { pull(call, recording, &cotangents) }
                continue
            }
            guard let cotangent = cotangents[node] else { continue }
            cotangents[node] = nil
            if let variable = recording.variable(at: node) {
                gradients[variable] = cotangent
                continue
            }
            pull(cotangent, through: node, recording, &cotangents)
        }
        return zip(recording.variables, gradients).map { variable, gradient in
            // Two variables may have one cotangent.
            gradient?.aliased() ?? Ops.full(variable.nodeShape, 0, variable.dtype)
        }
    }

    /// Passes the cotangents of a custom function's results on to its arguments.
    private static func pull(
        _ call: CustomCalls.Call, _ recording: borrowing Recording,
        _ cotangents: inout Cotangents
    ) {
        let parts = call.members.map { cotangents[$0.node] }
        for member in call.members { cotangents[member.node] = nil }
        guard parts.contains(where: { $0 != nil }) else { return }
        guard let rule = call.rules.vjp else {
            for (member, part) in zip(call.members, parts) {
                let plain = call.outputs[member.output]
                if let part { accumulate(part, into: &cotangents[plain]) }
            }
            return
        }
        let outputs = call.outputs.map { recording.graph.array($0) }
        var seeds = outputs.map { Ops.full($0.nodeShape, 0, $0.dtype) }
        for (member, part) in zip(call.members, parts) {
            if let part { seeds[member.output] = part }
        }
        let primals = call.primals.map { recording.graph.array($0) }
        let results = rule(primals, seeds, outputs)
        for (position, input) in call.primals.enumerated() where recording.isTraced[input] {
            let shape = recording.graph.shapes[input]
            let fits = position < results.count && results[position].nodeShape == shape
            let part =
                fits
                ? results[position]
                : Ops.invalid(
                    ArrayError(
                        .shape, "custom_function",
                        "the vjp must return an array of shape \(shape) for argument \(position)",
                        shapes: results.map { $0.nodeShape.array }),
                    inputs: position < results.count ? [results[position]] : [],
                    shapeHint: shape, dtype: recording.graph.dtypes[input])
            accumulate(part, into: &cotangents[input])
        }
    }

    /// Passes a node's cotangent on to its inputs.
    private static func pull(
        _ cotangent: MLXArray, through node: Int, _ recording: borrowing Recording,
        _ cotangents: inout Cotangents
    ) {
        let stream = recording.graph.streams[node]
        let op = recording.graph.ops[node]
        let inputs = recording.graph.inputs(of: node).map(Int.init)
        guard let derivative = OpTable.vjp(op) else {
            // An invalid node: what depends on it is invalid too.
            for input in inputs { accumulate(cotangent, into: &cotangents[input]) }
            return
        }
        switch derivative {
        case .zero: return
        case .none:
            let error = ArrayError(
                .notDifferentiable, OpTable.name(op), "has no derivative",
                shapes: inputs.map { recording.graph.shapes[$0].array })
            for input in inputs where recording.isTraced[input] {
                accumulate(
                    Ops.invalid(
                        error, shapeHint: recording.graph.shapes[input],
                        dtype: recording.graph.dtypes[input]),
                    into: &cotangents[input])
            }
        case .rule(let rule):
            let context = VJPContext(
                inputs: inputs.map { recording.graph.array($0) },
                output: recording.graph.array(node),
                cotangent: cotangent,
                attributes: recording.graph.attributes(node),
                wanted: inputs.map { recording.isTraced[$0] }, stream: stream)
            let parts = onStream(stream) { rule(context) }
            if op == .slice, let part = parts[0] {
                return cotangents.add(part, ofSlice: context, to: inputs[0])
            }
            for (input, part) in zip(inputs, parts) where recording.isTraced[input] {
                guard let part else { continue }
                accumulate(part, into: &cotangents[input], stream: stream)
            }
        }
    }

    private static func accumulate(
        _ part: MLXArray, into sum: inout MLXArray?, stream: StreamID = .unpinned
    ) {
        sum = sum.map { Ops.binary(.add, $0, part, stream: stream) } ?? part
    }
}
