import MLXBase
import MLXKernels

/// What limits an operation: the cost model has a rate for each class and each device, which the
/// calibration measures.
package enum WorkClass: String, CaseIterable, Codable, Sendable {
    case matmul, convolution, int8, quantized, attention, elementwise, reduction, pooling, scan
    case sort, gather, fft, linearAlgebra, memory, random, other
}

/// How much there is to do for one node.
package struct OpWork: Sendable {
    package let workClass: WorkClass
    /// Floating-point or integer operations.
    package let flops: @Sendable (CostContext) -> Double
    /// Bytes read and written; nil counts all operands once.
    package let bytes: (@Sendable (CostContext) -> Double)?
    /// What it is for an engine of products with another algorithm; nil where that differs in
    /// speed alone.
    package var special: Special?

    /// The work of another algorithm.
    package struct Special: Sendable {
        package let engine: ProductEngine
        package let workClass: WorkClass
        /// Operations for each byte of the operands, beside the row's own.
        package let flopsPerByte: Double

        package init(_ engine: ProductEngine, _ workClass: WorkClass, flopsPerByte: Double) {
            self.engine = engine
            self.workClass = workClass
            self.flopsPerByte = flopsPerByte
        }
    }

    package init(
        _ workClass: WorkClass, special: Special? = nil,
        bytes: (@Sendable (CostContext) -> Double)? = nil,
        flops: @escaping @Sendable (CostContext) -> Double
    ) {
        self.workClass = workClass
        self.special = special
        self.flops = flops
        self.bytes = bytes
    }

    /// Bytes are moved and nothing is computed.
    package static let memory = OpWork(.memory) { _ in 0 }

    /// - Parameter operands: the bytes of all operands.
    package func bytes(_ context: CostContext, operands: Double) -> Double {
        bytes.map { min($0(context), operands) } ?? operands
    }
}

package struct CostContext {
    package let shapes: [Shape]
    package let output: Shape
    package let words: [Int]
    /// Bytes of one element of the result.
    package let itemSize: Int

    package init(shapes: [Shape], output: Shape, words: [Int], itemSize: Int = 4) {
        self.shapes = shapes
        self.output = output
        self.words = words
        self.itemSize = itemSize
    }

    /// What is read and written where the result is picked out of a larger array.
    package var pickedBytes: Double { 2 * Double(output.size * itemSize) }
}
