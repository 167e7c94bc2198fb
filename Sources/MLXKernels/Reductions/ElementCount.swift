import MLXBase

/// How many elements there are along axes, as a number to divide by.
package enum ElementCounts {
    /// - Parameters:
    ///   - axes: as bits.
    ///   - less: taken off; the rest is not negative.
    package static func value(
        _ shape: [Int], axes: Int, less: Int, isReciprocal: Bool
    ) -> Double {
        let count = shape.indices.reduce(1) { axes >> $1 & 1 == 1 ? $0 &* shape[$1] : $0 }
        let rest = max(Double(count) - Double(less), 0)
        return isReciprocal ? 1 / rest : rest
    }
}

extension Kernels {
    /// Attributes: [0] the axes as bits, [1] what is taken off, [2] 1 for one over the number.
    package static func elementCount(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        var value = ElementCounts.value(
            call.inputs[0].shape.array, axes: call.attributes[0], less: call.attributes[1],
            isReciprocal: call.attributes[2] == 1)
        castLoop(.float64, out.dtype)(out.pointer, &value, nil, nil, 1)
    }
}
