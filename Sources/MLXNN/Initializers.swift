import MLX

// How parameters begin, as values: an initializer makes an array of the shape of another one. They
// draw from the random state of the task, as layers do, and in the order of MLX's Python package.

/// Makes an array in the shape of another.
///
/// ```swift
/// let layer = Linear(64, 10)
/// layer.apply { $0.ndim > 1 ? Initializer.heNormal()($0) : $0 }
/// ```
/// A shape that an initializer has no meaning for gives an array that carries the error.
public struct Initializer: Sendable {
    private let make: @Sendable ([Int]) throws(ArrayError) -> MLXArray

    private init(_ make: @Sendable @escaping ([Int]) throws(ArrayError) -> MLXArray) {
        self.make = make
    }

    /// An array in the shape of `array`; only its shape is looked at.
    public func callAsFunction(_ array: MLXArray) -> MLXArray { callAsFunction(array.shape) }

    /// An array in a shape.
    public func callAsFunction(_ shape: [Int]) -> MLXArray {
        do throws(ArrayError) { return try make(shape) } catch { return invalidArray(error) }
    }

    /// The number `value` everywhere.
    public static func constant(_ value: Float, dtype: DType = .float32) -> Initializer {
        Initializer { MLXArray.full($0, values: MLXArray(value).asType(dtype)) }
    }

    /// Draws from the normal distribution with a mean and a standard deviation.
    public static func normal(
        mean: Float = 0, standardDeviation: Float = 1, dtype: DType = .float32
    ) -> Initializer {
        Initializer {
            MLXRandom.normal($0, dtype: dtype, loc: mean, scale: standardDeviation)
        }
    }

    /// Draws evenly from `low` to `high`.
    public static func uniform(
        low: Float = 0, high: Float = 1, dtype: DType = .float32
    ) -> Initializer {
        Initializer { MLXRandom.uniform(low: low, high: high, $0, dtype: dtype) }
    }

    /// The identity, for square matrices.
    public static func identity(dtype: DType = .float32) -> Initializer {
        Initializer { shape throws(ArrayError) in
            guard shape.count == 2, shape[0] == shape[1] else {
                throw ArrayError(.shape, "identity", "needs a square matrix", shapes: [shape])
            }
            return eye(shape[0], dtype: dtype)
        }
    }

    /// Draws normally with standard deviation gain √(2 / (fan in + fan out)) (Glorot and Bengio,
    /// 2010).
    ///
    /// Fan in is the last dimension and fan out the first, each times those between.
    public static func glorotNormal(gain: Float = 1, dtype: DType = .float32) -> Initializer {
        Initializer { shape throws(ArrayError) in
            let (fanIn, fanOut) = try fans(shape)
            let scale = gain * (2 / Float(fanIn + fanOut)).squareRoot()
            return MLXRandom.normal(shape, dtype: dtype, scale: scale)
        }
    }

    /// Draws evenly from ±gain √(6 / (fan in + fan out)) (Glorot and Bengio, 2010).
    public static func glorotUniform(gain: Float = 1, dtype: DType = .float32) -> Initializer {
        Initializer { shape throws(ArrayError) in
            let (fanIn, fanOut) = try fans(shape)
            let limit = gain * (6 / Float(fanIn + fanOut)).squareRoot()
            return MLXRandom.uniform(low: -limit, high: limit, shape, dtype: dtype)
        }
    }

    /// Which connections of a layer count.
    public enum Fan: Sendable {
        /// Those into an output, so that the activations keep their size.
        case fanIn
        /// Those out of an input, so that the gradients do.
        case fanOut
    }

    /// Draws normally with standard deviation gain / √fan (He et al., 2015).
    public static func heNormal(
        mode: Fan = .fanIn, gain: Float = 1, dtype: DType = .float32
    ) -> Initializer {
        Initializer { shape throws(ArrayError) in
            let (fanIn, fanOut) = try fans(shape)
            let scale = gain / Float(mode == .fanIn ? fanIn : fanOut).squareRoot()
            return MLXRandom.normal(shape, dtype: dtype, scale: scale)
        }
    }

    /// Draws evenly from ±gain √(3 / fan) (He et al., 2015).
    public static func heUniform(
        mode: Fan = .fanIn, gain: Float = 1, dtype: DType = .float32
    ) -> Initializer {
        Initializer { shape throws(ArrayError) in
            let (fanIn, fanOut) = try fans(shape)
            let limit = gain * (3 / Float(mode == .fanIn ? fanIn : fanOut)).squareRoot()
            return MLXRandom.uniform(low: -limit, high: limit, shape, dtype: dtype)
        }
    }

    /// Draws normally and zeroes a part of each row (Martens, 2010), for matrices.
    /// - Parameter sparsity: the part to zero, rounded up to whole elements, in 0...1.
    public static func sparse(
        sparsity: Float, mean: Float = 0, standardDeviation: Float = 1, dtype: DType = .float32
    ) -> Initializer {
        Initializer { shape throws(ArrayError) in
            guard shape.count == 2, sparsity >= 0, sparsity <= 1 else {
                throw ArrayError(
                    .argument, "sparse", "needs a matrix and a part in 0...1, not \(sparsity)",
                    shapes: [shape])
            }
            // An element's rank in its row decides: the lowest ones are zeroed.
            let order = argSort(MLXRandom.uniform(low: 0 as Float, high: 1, shape), axis: 1)
            let rank = argSort(order, axis: 1)
            let drawn = MLXRandom.normal(
                shape, dtype: dtype, loc: mean, scale: standardDeviation)
            let zeroCount = Int((sparsity * Float(shape[1])).rounded(.up))
            return which(rank .< zeroCount, MLXArray(0, dtype: dtype), drawn)
        }
    }

    /// A matrix with orthonormal rows or columns, times `gain` (Saxe et al., 2014): the factor Q of
    /// a normally drawn matrix, with the signs that make the distribution even.
    public static func orthogonal(gain: Float = 1, dtype: DType = .float32) -> Initializer {
        Initializer { shape throws(ArrayError) in
            guard shape.count == 2 else {
                throw ArrayError(.shape, "orthogonal", "needs a matrix", shapes: [shape])
            }
            let size = max(shape[0], shape[1])
            let (q, r) = MLXLinalg.qr(MLXRandom.normal([size, size]))
            let signed = q * sign(diag(r))
            return (signed[..<shape[0], ..<shape[1]] * gain).asType(dtype)
        }
    }

    private static func fans(_ shape: [Int]) throws(ArrayError) -> (Int, Int) {
        guard shape.count >= 2 else {
            throw ArrayError(
                .shape, "Initializer", "connections need at least two axes", shapes: [shape])
        }
        let field = shape.dropFirst().dropLast().reduce(1, *)
        return (shape[shape.count - 1] * field, shape[0] * field)
    }
}
