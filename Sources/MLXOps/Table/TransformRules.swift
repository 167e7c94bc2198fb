import MLXBase
import MLXGraph

// The columns of the op table that function transforms read: how a row passes on cotangents
// (reverse mode), tangents (forward mode) and a batch axis (vectorised mapping). Rules record
// ordinary nodes, so transforms nest in any order.

/// How the cotangent of a result becomes cotangents of the inputs.
package enum VJPRule: Sendable {
    /// Not differentiable: asking is an error.
    case none
    /// The derivative is zero almost everywhere.
    case zero
    /// One cotangent for each input, nil for those that get none.
    case rule(@Sendable (VJPContext) -> [MLXArray?])
}

package struct VJPContext {
    package let inputs: [MLXArray]
    package let output: MLXArray
    package let cotangent: MLXArray
    package let attributes: Attributes
    /// Which inputs' cotangents are wanted.
    package let wanted: [Bool]
    package let stream: StreamID

    package init(
        inputs: [MLXArray], output: MLXArray, cotangent: MLXArray, attributes: Attributes,
        wanted: [Bool], stream: StreamID
    ) {
        self.inputs = inputs
        self.output = output
        self.cotangent = cotangent
        self.attributes = attributes
        self.wanted = wanted
        self.stream = stream
    }
}

/// How tangents of the inputs become the tangent of the result.
package enum JVPRule: Sendable {
    /// By transposing the row's `vjp`, which is linear in the cotangent: the derivative of
    /// `c -> vjp(c)` with the tangent as its cotangent (Townsend 2017). Rows whose `vjp` is `none`
    /// or `zero` are the same in forward mode.
    case transposed
    /// The result is linear in all inputs taken together: the row itself, applied to the
    /// tangents, with zeros for inputs that have none.
    case linear
    /// The tangent of the result, nil when it is zero.
    case rule(@Sendable (JVPContext) -> MLXArray?)
}

package struct JVPContext {
    package let inputs: [MLXArray]
    package let output: MLXArray
    /// One for each input, nil for zero.
    package let tangents: [MLXArray?]
    package let attributes: Attributes
    package let stream: StreamID

    package init(
        inputs: [MLXArray], output: MLXArray, tangents: [MLXArray?], attributes: Attributes,
        stream: StreamID
    ) {
        self.inputs = inputs
        self.output = output
        self.tangents = tangents
        self.attributes = attributes
        self.stream = stream
    }
}

/// How a row acts on inputs that have a batch axis in front. At least one input has one.
package enum VMapRule: Sendable {
    /// Inputs broadcast against each other: axes of size one are put after the batch axis until
    /// the ranks agree.
    case elementwise
    /// The row works on the last axes and broadcasts those before them, or there is one input only
    /// and nothing in the attributes counts axes from the front: the inputs are used as they are,
    /// aligned as `elementwise` does.
    case trailing
    /// The result with its batch axis in front.
    case rule(@Sendable (VMapContext) -> MLXArray)
    /// One element of the batch after the other, stacked: right for every row, slow.
    case each
}

package struct VMapContext {
    package let row: OpRow
    /// Those that are batched have the batch axis in front.
    package let inputs: [MLXArray]
    package let isBatched: [Bool]
    /// The length of the batch axis.
    package let size: Int
    /// The result for one element of the batch.
    package let shape: Shape
    package let dtype: DType
    package let attributes: Attributes
    package let stream: StreamID

    package init(
        row: OpRow, inputs: [MLXArray], isBatched: [Bool], size: Int, shape: Shape, dtype: DType,
        attributes: Attributes, stream: StreamID
    ) {
        self.row = row
        self.inputs = inputs
        self.isBatched = isBatched
        self.size = size
        self.shape = shape
        self.dtype = dtype
        self.attributes = attributes
        self.stream = stream
    }

    /// The input with the batch axis, repeated along it when it has none.
    package func batched(_ number: Int) -> MLXArray {
        let input = inputs[number]
        return isBatched[number] ? input : Ops.broadcast(input, to: [size] + input.shape)
    }

    /// The shape of one element of an input.
    package func elementShape(_ number: Int) -> [Int] {
        let shape = inputs[number].shape
        return isBatched[number] ? Array(shape.dropFirst()) : shape
    }

    /// The inputs with axes of size one after the batch axis, so that all elements have the rank
    /// of the widest.
    package var aligned: [MLXArray] {
        let rank = inputs.indices.map { elementShape($0).count }.max() ?? 0
        return inputs.indices.map { number in
            let element = elementShape(number)
            guard isBatched[number], element.count < rank else { return inputs[number] }
            let ones = [Int](repeating: 1, count: rank - element.count)
            return Ops.reshape(inputs[number], [size] + ones + element, stream: stream)
        }
    }

    /// Records the row on batched inputs.
    package func record(_ inputs: [MLXArray], _ attributes: Attributes) -> MLXArray {
        Ops.record(row.code, inputs, attributes, stream: stream)
    }

    /// Records the row on one element of the batch after the other, and stacks the results.
    package func eachElement() -> MLXArray {
        let elements = (0..<size).map { element in
            let own = inputs.indices.map { number in
                isBatched[number]
                    ? Ops.reshape(
                        Ops.slice(inputs[number], axis: 0, element, 1), elementShape(number))
                    : inputs[number]
            }
            return Ops.reshape(record(own, attributes), [1] + shape.array)
        }
        if elements.isEmpty {
            return Ops.broadcast(Ops.scalar(0, dtype), to: [0] + shape.array)
        }
        return Ops.concatenate(elements, axis: 0)
    }
}
