import MLX

/// Layers that tell attention where in a sequence an element stands: rotations, sines and cosines,
/// and biases that grow with the distance. None of them has parameters.

/// A layer that can begin at another position than 0.
public protocol OffsetLayer: Module {
    /// Applies the layer to a sequence whose first element has the position `offset`.
    func callAsFunction(_ x: MLXArray, offset: Int) -> MLXArray
}

/// A layer that can begin at a position that is an array: one for all, or one for each example.
public protocol ArrayOffsetLayer: Module {
    /// Applies the layer to sequences whose first elements have the positions `offset`.
    func callAsFunction(_ x: MLXArray, offset: MLXArray) -> MLXArray
}

/// Rotates pairs of features by angles in proportion to the position (Su et al., 2021).
///
/// Pair i of position p turns by scale · p · base^(-2i / dimensions). Queries and keys that are
/// rotated so have products that depend on the distance of their positions only.
/// ```swift
/// let rope = RoPE(dimensions: 64)
/// let rotated = rope(queries, offset: cachedLength)  // (B, heads, L, 64)
/// ```
final public class RoPE: Module, UnaryLayer, OffsetLayer, ArrayOffsetLayer {
    private let dimensions: Int
    private let traditional: Bool
    private let base: Float
    private let scale: Float

    /// A layer that rotates the first `dimensions` features.
    /// - Parameters:
    ///   - traditional: whether a pair is two neighbours; otherwise its members are half of the
    ///     dimensions apart.
    ///   - base: of the geometric series of frequencies.
    ///   - scale: multiplies positions.
    public init(
        dimensions: Int, traditional: Bool = false, base: Float = 10_000, scale: Float = 1
    ) {
        self.dimensions = dimensions
        self.traditional = traditional
        self.base = base
        self.scale = scale
        super.init()
    }

    public override func describeExtra(_ indent: Int) -> String {
        "(\(dimensions), traditional=\(traditional))"
    }

    /// Rotates (…, L, D) with D ≥ dimensions; features beyond them stay.
    public func callAsFunction(_ x: MLXArray, offset: Int) -> MLXArray {
        noted(
            MLX.RoPE(
                x, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
                offset: offset), from: x)
    }

    /// Rotates (…, L, D) from positions that differ by example if `offset` has one axis.
    public func callAsFunction(_ x: MLXArray, offset: MLXArray) -> MLXArray {
        noted(
            MLX.RoPE(
                x, dimensions: dimensions, traditional: traditional, base: base, scale: scale,
                offset: offset), from: x)
    }

    /// Rotates (…, L, D) from position 0.
    public func callAsFunction(_ x: MLXArray) -> MLXArray { callAsFunction(x, offset: 0) }
}

/// Sines and cosines of positions at frequencies from high to low (Vaswani et al., 2017).
///
/// For position p: scale · [sin(p f₀), …, sin(p fₙ), cos(p f₀), …, cos(p fₙ)], where f falls
/// geometrically from `maxFrequency` to `minFrequency`.
/// ```swift
/// let encoding = SinusoidalPositionalEncoding(dimensions: 64)
/// let rows = encoding(MLXArray(0..<100))  // (100, 64)
/// ```
open class SinusoidalPositionalEncoding: Module, UnaryLayer {
    private let _frequencies: MLXArray
    private let _dimensions: Int
    /// Multiplies the result.
    public let scale: Float
    /// Whether cosines come before sines.
    public let cosineFirst: Bool

    /// An encoding in `dimensions` numbers, an even count.
    ///
    /// A count that is odd or not positive is an error of the results.
    /// - Parameters:
    ///   - scale: √(2 / dimensions) if nil.
    ///   - fullTurns: whether a frequency of 1 is one turn for each position instead of a radian.
    public init(
        dimensions: Int, minFrequency: Float = 0.0001, maxFrequency: Float = 1,
        scale: Float? = nil, cosineFirst: Bool = false, fullTurns: Bool = false
    ) {
        let count = max(dimensions / 2, 0)
        // One pair has no way to go: it is at the highest frequency.
        let place = 1 - MLXArray(0..<count).asType(.float32) / Float(max(count - 1, 1))
        let (low, high) = (Float.log(minFrequency), Float.log(maxFrequency))
        let frequencies = exp(place * (high - low) + low)
        _frequencies = fullTurns ? frequencies * (2 * Float.pi) : frequencies
        _dimensions = dimensions
        self.scale = scale ?? (2 / Float(max(dimensions, 1))).squareRoot()
        self.cosineFirst = cosineFirst
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(dimensions=\(_dimensions), scale=\(scale), cosineFirst=\(cosineFirst))"
    }

    /// The encodings of positions: the shape of x with the dimensions at the end.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        guard _dimensions > 0, _dimensions % 2 == 0 else {
            return invalidArray(
                ArrayError(
                    .argument, "SinusoidalPositionalEncoding",
                    "needs an even, positive number of dimensions, not \(_dimensions)"),
                inputs: [x])
        }
        let angles = expandedDimensions(x, axis: -1) * _frequencies
        let (sines, cosines) = (sin(angles), cos(angles))
        let y = concatenated(cosineFirst ? [cosines, sines] : [sines, cosines], axis: -1)
        return noted(scale == 1 ? y : y * scale, from: x)
    }
}

/// Subtracts from attention scores in proportion to the distance of query and key, with a slope
/// for each head (Press et al., 2022).
///
/// The slopes are 2^(-8 (h + 1) / heads) for a power of two of heads; otherwise those of the power
/// below, followed by every other one of the power above.
/// ```swift
/// let scores = matmul(queries, keys.swappedAxes(-1, -2))  // (B, heads, L, S)
/// let biased = ALiBi()(attentionScores: scores, mask: mask)
/// ```
final public class ALiBi: Module {
    /// A layer without settings.
    public override init() { super.init() }

    /// Adds the biases, and a mask.
    /// - Parameters:
    ///   - attentionScores: (B, heads, L, S).
    ///   - offset: the position of the first query; keys begin at 0.
    ///   - mask: what else to add, broadcast to the scores.
    /// - Returns: scores - slope · |query position - key position| + mask, in the scores' dtype.
    public func callAsFunction(
        attentionScores: MLXArray, offset: Int = 0, mask: MLXArray? = nil
    ) -> MLXArray {
        guard attentionScores.ndim == 4 else {
            return invalidArray(
                ArrayError(
                    .shape, "ALiBi", "needs scores (B, heads, L, S)",
                    shapes: [attentionScores.shape]), inputs: [attentionScores])
        }
        let (heads, length) = (attentionScores.dim(1), attentionScores.dim(2))
        let queries = MLXArray(0..<length).reshaped([length, 1]) + offset
        let keys = MLXArray(0..<attentionScores.dim(3))
        let distance = -abs(queries - keys)
        let slopes = MLXArray(Self.slopes(heads), [heads, 1, 1])
        var bias = (distance * slopes.asType(attentionScores.dtype))
            .asType(attentionScores.dtype)
        if let mask { bias = bias + mask }
        return noted(attentionScores + bias, from: attentionScores)
    }

    private static func slopes(_ heads: Int) -> [Float] {
        guard heads > 0 else { return [] }
        let lower = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
        func powers(_ count: Int) -> [Float] {
            (0..<count).map { Float(Double.exp2(-8 * Double($0 + 1) / Double(count))) }
        }
        if lower == heads { return powers(heads) }
        let between = powers(2 * lower).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        return powers(lower) + between.prefix(heads - lower)
    }
}
