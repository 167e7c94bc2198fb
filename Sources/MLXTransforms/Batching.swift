import MLXBase
import MLXGraph
import MLXOps

/// Vectorised mapping: a function of one element is recorded on placeholders, and the recorded
/// subgraph is walked in order, each row's rule recording the operation on a whole batch. Within
/// the walk the batch axis of every array is its first.
package enum Batching {
    /// Applies a function along axes of its arguments.
    /// - Parameters:
    ///   - inAxes: the axis of each argument, not negative; nil passes the argument whole.
    ///   - outAxes: where the batch axis of each output goes, by number of output, its rank (with
    ///     the batch axis) being known then.
    package static func vmap(
        _ function: ([MLXArray]) throws -> [MLXArray], arguments: [MLXArray], inAxes: [Int?],
        outAxes: (_ output: Int, _ rank: Int) -> Result<Int?, ArrayError>
    ) rethrows -> [MLXArray] {
        let trace = Trace()
        var inner = arguments
        var variables: [MLXArray] = []
        var batches: [MLXArray] = []
        var size = 0
        for (number, axis) in inAxes.enumerated() {
            guard let axis else { continue }
            let shape = arguments[number].nodeShape
            var dims = shape.array
            size = dims.remove(at: axis)
            inner[number] = trace.placeholder(Shape(known: dims), arguments[number].dtype)
            variables.append(inner[number])
            batches.append(moveAxis(arguments[number], from: axis, to: 0))
        }
        let recording = try Recording(trace, variables: variables, throughValues: false) {
            try function(inner)
        }
        let walk = Walk(recording, batches: batches, size: size)
        return recording.graph.roots.enumerated().map { output, root in
            place(walk, recording, Int(root), output, outAxes)
        }
    }

    package static func moveAxis(_ x: MLXArray, from: Int, to: Int) -> MLXArray {
        if from == to { return x.aliased() }
        var axes = Array(0..<x.ndim)
        axes.remove(at: from)
        axes.insert(from, at: to)
        return Ops.transpose(x, axes)
    }

    private static func place(
        _ walk: Walk, _ recording: borrowing Recording, _ root: Int, _ output: Int,
        _ outAxes: (Int, Int) -> Result<Int?, ArrayError>
    ) -> MLXArray {
        let element = recording.graph.shapes[root]
        let result = walk.results[root]
        let array = result ?? recording.graph.array(root)
        if NodeReference(array).isPoisoned { return array.aliased() }
        do throws(ArrayError) {
            guard let axis = try outAxes(output, element.ndim + 1).get() else {
                guard result == nil else {
                    throw ArrayError(
                        .argument, "vmap",
                        "output \(output) depends on a mapped input, so its out axis cannot be nil")
                }
                return array.aliased()
            }
            let batched =
                result ?? Ops.broadcast(array, to: [walk.size] + element.array)
            return moveAxis(batched, from: 0, to: axis)
        } catch {
            return Ops.invalid(error, shapeHint: element)
        }
    }
}

extension Shape {
    /// A shape that is part of one that exists.
    fileprivate init(known dims: [Int]) {
        do { self = try Shape(validating: dims, operation: "vmap") } catch {
            preconditionFailure("a part of a shape is a shape")
        }
    }
}

/// The walk behind `Batching`: the batched value of every node that depends on a mapped argument.
private struct Walk {
    /// With the batch axis in front; nil for nodes that are the same for every element.
    private(set) var results: [MLXArray?]
    let size: Int

    init(_ recording: borrowing Recording, batches: [MLXArray], size: Int) {
        self.size = size
        results = Array(repeating: nil, count: recording.graph.count)
        let calls = CustomCalls(recording.graph)
        for node in 0..<recording.graph.count where recording.isTraced[node] {
            if let variable = recording.variable(at: node) {
                results[node] = batches[variable]
            } else if let call = calls.call(of: node), call.rules.vmap != nil {
                if call.first == node { map(call, recording) }
            } else {
                results[node] = batched(node, recording)
            }
        }
    }

    private func batched(_ node: Int, _ recording: borrowing Recording) -> MLXArray {
        guard let row = OpTable.find(recording.graph.ops[node]) else {
            return recording.graph.array(node)
        }
        let positions = recording.graph.inputs(of: node).map(Int.init)
        let inputs = positions.map { results[$0] ?? recording.graph.array($0) }
        if let bad = inputs.first(where: { NodeReference($0).isPoisoned }) { return bad }
        let context = VMapContext(
            row: row, inputs: inputs, isBatched: positions.map { results[$0] != nil }, size: size,
            shape: recording.graph.shapes[node], dtype: recording.graph.dtypes[node],
            attributes: recording.graph.attributes(node), stream: recording.graph.streams[node])
        let result = onStream(context.stream) { apply(context) }
        assert(
            NodeReference(result).isPoisoned
                || result.shape == [size] + context.shape.array,
            "the batch rule of \(row.name) made \(result.shape) of \(context.shape)")
        return result
    }

    private func apply(_ context: VMapContext) -> MLXArray {
        switch context.row.vmap {
        case .rule(let rule):
            return rule(context)
        case .elementwise, .trailing:
            var attributes = context.attributes
            attributes.outputShape = nil
            return context.record(context.aligned, attributes)
        case .each:
            return context.eachElement()
        }
    }

    /// Asks a custom function's rule for all its results.
    private mutating func map(_ call: CustomCalls.Call, _ recording: borrowing Recording) {
        guard let rule = call.rules.vmap else { return }
        let inputs = call.primals.map { results[$0] ?? recording.graph.array($0) }
        let axes = call.primals.map { results[$0] == nil ? nil : 0 }
        let (outputs, outAxes) = rule(inputs, axes)
        for member in call.members {
            let element = recording.graph.shapes[member.node]
            results[member.node] = check(
                outputs, outAxes, member.output, element,
                dtype: recording.graph.dtypes[member.node])
        }
    }

    private func check(
        _ outputs: [MLXArray], _ axes: [Int?], _ number: Int, _ element: Shape, dtype: DType
    ) -> MLXArray {
        if number < outputs.count, number < axes.count {
            let output = outputs[number]
            let rank = output.ndim
            if let axis = axes[number], axis >= -rank, axis < rank {
                let moved = Batching.moveAxis(output, from: axis < 0 ? axis + rank : axis, to: 0)
                if moved.shape == [size] + element.array { return moved }
            } else if axes[number] == nil, output.nodeShape == element {
                return Ops.broadcast(output, to: [size] + element.array)
            }
        }
        return Ops.invalid(
            ArrayError(
                .shape, "custom_function",
                "the vmap must return a batch of \(size) arrays of shape \(element) for output"
                    + " \(number)"), shapeHint: element, dtype: dtype)
    }
}
