import MLX
import Synchronization

// Mixed precision: layers that multiply cast their inputs and weights, losses go back to float32.
// The casts are part of the graph, so gradients arrive in the parameters' own dtype. Nothing else
// changes: norms, residual sums and what a model computes itself are in whatever dtype comes in.

/// Runs `body` with layers computing their products in a dtype, usually bfloat16. Parameters stay
/// as they are; losses that are called in it compute in float32.
///
/// Linear, bilinear and recurrent layers, convolutions, and attention made of them take part;
/// quantized layers do not.
/// ```swift
/// let loss = withComputeDType(.bfloat16) { crossEntropy(logits: model(x), targets: y) }
/// ```
/// - Parameter dtype: what products are computed in; nil leaves everything as it is.
public func withComputeDType<R>(_ dtype: DType?, _ body: () throws -> R) rethrows -> R {
    guard let dtype else { return try body() }
    return try ComputeDType.with(dtype, body)
}

/// The dtype of the task. Reading it costs one relaxed load where nobody has set one.
enum ComputeDType {
    private static let openCount = Atomic<Int>(0)
    @TaskLocal private static var current: DType?

    @inline(__always) static var active: DType? {
        openCount.load(ordering: .relaxed) == 0 ? nil : current
    }

    static func with<R>(_ dtype: DType, _ body: () throws -> R) rethrows -> R {
        openCount.wrappingAdd(1, ordering: .relaxed)
        defer { openCount.wrappingSubtract(1, ordering: .relaxed) }
        return try $current.withValue(dtype, operation: body)
    }
}

extension MLXArray {
    /// The array in the dtype that products are computed in; itself where none is set.
    @inline(__always) var forProduct: MLXArray {
        guard let dtype = ComputeDType.active, self.dtype.isFloatingPoint else { return self }
        return asType(dtype)
    }

    /// The array as a loss takes it.
    /// NUMERICS: squares and sums of half types leave their range although the loss does not, and a
    /// mean over a batch needs more than the 8 bits of a bfloat16.
    var forLoss: MLXArray { dtype.isHalf ? asType(.float32) : self }
}

extension LossReduction {
    /// The reduced loss of arrays that were taken `forLoss`, in their dtype; in float32 where
    /// products are computed in a half type.
    func reduce(_ loss: MLXArray, as inputs: MLXArray...) -> MLXArray {
        let reduced = reduce(loss: loss)
        let type = inputs.reduce(.bool) { DType.promote($0, $1.dtype) }
        return type.isHalf && ComputeDType.active == nil ? reduced.asType(type) : reduced
    }
}

/// x Wᵀ + b of a recurrent layer's inputs, in the dtype that products are computed in.
func projection(_ x: MLXArray, _ weight: MLXArray, _ bias: MLXArray?) -> MLXArray {
    let (x, weight) = (x.forProduct, weight.forProduct)
    return bias.map { addMM($0.forProduct, x, weight.T) } ?? matmul(x, weight.T)
}
