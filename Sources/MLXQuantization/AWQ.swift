import MLX
import MLXNN

// AWQ (Lin et al., "AWQ: Activation-aware Weight Quantization", 2024): the inputs that are large on
// average have their weights enlarged before rounding, so that these lose less; and the range of
// each group is cut where that costs less than it gains. Errors are those of the layer's products
// on the calibration data, from the second moments of its inputs.

/// How AWQ goes about it.
public struct AWQOptions: Hashable, Sendable, Codable {
    /// How many exponents of the mean magnitudes are tried, evenly from 0; 1 scales nothing.
    public var exponentCount = 20
    /// Whether the ranges of groups are cut where that is better.
    public var clips = true
    /// Scale also the inputs of layers whose scale cannot be folded into what comes before them, by
    /// an ``InputScaledLinear``. MLX's checkpoints have no such layer.
    public var keepsInputScales = false
    /// Round by GPTQ what was scaled, rather than to the nearest codes; nothing is cut then.
    public var gptq: GPTQOptions?

    /// - Parameters: see the properties.
    public init(
        exponentCount: Int = 20, clips: Bool = true, keepsInputScales: Bool = false,
        gptq: GPTQOptions? = nil
    ) {
        self.exponentCount = exponentCount
        self.clips = clips
        self.keepsInputScales = keepsInputScales
        self.gptq = gptq
    }
}

/// tr(Δ H Δᵀ): the squared error of the products of rows with moments H, for a change Δ of the
/// weight, as an array of one number.
func productError(_ change: MLXArray, _ moments: MLXArray) -> MLXArray {
    (matmul(change, moments) * change).sum()
}

/// The scales of the inputs of layers that share them which cost least after rounding.
/// - Parameter formats: of the layers, in their order.
/// - Returns: (inputs), ones where no scale is better.
func activationAwareScales(
    _ weights: [MLXArray], _ sums: InputSums, _ formats: [AffineFormat], exponents: Int
) throws -> MLXArray {
    guard let moments = sums.moments, let magnitudes = sums.magnitudes else {
        throw QuantizationError("awq: there are no moments")
    }
    var (best, least) = (MLXArray.ones([magnitudes.dim(0)]), Float.infinity)
    let size = maximum(magnitudes, magnitudes.mean() * 1e-4 + 1e-12)
    for step in 0..<max(exponents, 1) {
        let raw = pow(size, Float(step) / Float(max(exponents, 1)))
        // The range of scales is centred on one, so that weights keep their size.
        let scales = raw / sqrt(raw.max() * raw.min())
        var error = MLXArray(Float(0))
        for (weight, format) in zip(weights, formats) {
            let wide = weight.asType(.float32)
            let scaled = (wide * scales).asType(weight.dtype)
            let back = AffineWeights.nearest(scaled, format).matrix.asType(.float32) / scales
            error = error + productError(back - wide, moments)
        }
        try checkedEval([error, scales])
        let value = error.item(Float.self)
        if value < least { (best, least) = (scales, value) }
    }
    guard least.isFinite else { throw QuantizationError("awq: the errors are not finite") }
    return best
}

extension AffineWeights {
    /// The shares of a group's range that are tried.
    private static let shares: [Float] = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5]

    /// The affine form of a matrix with the nearest codes of ranges that are cut where the products
    /// of the group with its inputs become better.
    /// - Parameters:
    ///   - weight: (outputs, inputs) in real floats.
    ///   - moments: (inputs, inputs), the second moments of the inputs, in any scale.
    /// - Throws: `ArrayError` for shapes that do not fit, and what computing the arrays throws.
    public init(clipping weight: MLXArray, moments: MLXArray, _ format: AffineFormat) throws {
        try AffineWeights.check(weight, format, "clip")
        let (outputs, inputs, size) = (weight.dim(0), weight.dim(1), format.groupSize)
        guard moments.shape == [inputs, inputs] else {
            throw ArrayError(
                .shape, "clip", "needs moments (inputs, inputs)",
                shapes: [weight.shape, moments.shape])
        }
        let count = inputs / size
        // (groups, size, size): how the inputs of each group go together.
        let blocks = stacked(
            (0..<count).map { group in
                let range = group * size..<(group + 1) * size
                return moments[range, range]
            }
        ).asType(.float32)
        let groups = weight.asType(.float32).reshaped([outputs, count, size])
        let (low, high) = (groups.min(axis: 2, keepDims: true), groups.max(axis: 2, keepDims: true))
        var best = groups
        var least: MLXArray?
        for share in AffineWeights.shares {
            let cut = clip(groups, min: low * share, max: high * share)
            let flat = cut.reshaped([outputs, inputs]).asType(weight.dtype)
            let change =
                AffineWeights.nearest(flat, format).matrix.asType(.float32).reshaped(groups.shape)
                - groups
            // (groups, outputs, size) times the blocks.
            let turned = change.transposed(axes: [1, 0, 2])
            let error = (matmul(turned, blocks) * turned).sum(axis: 2).T.expandedDimensions(axis: 2)
            let isBetter = least.map { error .< $0 }
            best = isBetter.map { which($0, cut, best) } ?? cut
            least = least.map { minimum($0, error) } ?? error
            try checkedEval([best] + (least.map { [$0] } ?? []))
        }
        self = .nearest(best.reshaped([outputs, inputs]).asType(weight.dtype), format)
        try checkedEval([codes, scales, biases])
    }
}

/// `QuantizedLinear` whose inputs are divided by a scale each: y = (x / s) Wᵀ + b. It is what is
/// left where a scale cannot be folded into the layer before.
open class InputScaledLinear: QuantizedLinear {
    /// (inputs)
    @ParameterInfo(key: "input_scales") public var inputScales: MLXArray

    /// A layer with the weights and the bias of another one.
    /// - Parameter inputScales: (inputs), positive; the weights are those times these.
    public init(_ other: QuantizedLinear, inputScales: MLXArray) {
        _inputScales = ParameterInfo(wrappedValue: inputScales, key: "input_scales")
        super.init(
            weight: other.weight, bias: other.bias, scales: other.scales, biases: other.biases,
            groupSize: other.groupSize, bits: other.bits, mode: other.mode,
            globalScale: other.globalScale)
        freeze()
    }

    /// Applies the layer: (…, inputs) to (…, outputs).
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(affine(x / inputScales.asType(x.dtype)), from: x)
    }
}
