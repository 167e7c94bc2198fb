import MLX

/// ``Embedding`` with quantized vectors. Only the rows that are looked up are dequantized. Its
/// parameters begin frozen.
/// ```swift
/// let small = QuantizedEmbedding(Embedding(embeddingCount: 1000, dimensions: 128), bits: 8)
/// ```
open class QuantizedEmbedding: Embedding, Quantized {
    /// How many numbers of a vector share a scale.
    public let groupSize: Int
    /// The bits of a stored number.
    public let bits: Int
    /// The format of the stored numbers.
    public let mode: QuantizationMode
    /// (embeddings, dimensions / groupSize)
    public let scales: MLXArray
    /// (embeddings, dimensions / groupSize) in affine mode, else nil.
    public let biases: MLXArray?
    /// The largest magnitude that nvfp4 vectors were scaled by; nil for none.
    @ParameterInfo(key: "global_scale") public var globalScale: MLXArray?

    /// (embeddings, dimensions)
    open override var shape: (Int, Int) {
        mode == .int8 ? weight.shape2 : (weight.dim(0), weight.dim(1) * 32 / max(bits, 1))
    }

    /// A table drawn normally with standard deviation 1/√dimensions.
    public convenience init(
        embeddingCount: Int, dimensions: Int, groupSize: Int = 64, bits: Int = 4,
        mode: QuantizationMode = .affine
    ) {
        self.init(
            Embedding(embeddingCount: embeddingCount, dimensions: dimensions),
            groupSize: groupSize, bits: bits, mode: mode)
    }

    /// The quantized form of a table.
    public convenience init(
        _ other: Embedding, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine
    ) {
        self.init(weight: other.weight, groupSize: groupSize, bits: bits, mode: mode)
    }

    /// A table of vectors that are quantized here.
    public convenience init(
        weight: MLXArray, groupSize: Int = 64, bits: Int = 4, mode: QuantizationMode = .affine,
        globalScale: MLXArray? = nil
    ) {
        let (codes, scales, biases) = quantized(
            weight, groupSize: groupSize, bits: bits, mode: mode, globalScale: globalScale)
        self.init(
            weight: codes, scales: scales, biases: biases, groupSize: groupSize, bits: bits,
            mode: mode, globalScale: globalScale)
    }

    /// A table of vectors that are quantized already, as `quantized` gives them.
    public init(
        weight: MLXArray, scales: MLXArray, biases: MLXArray?, groupSize: Int, bits: Int,
        mode: QuantizationMode = .affine, globalScale: MLXArray? = nil
    ) {
        self.groupSize = groupSize
        self.bits = bits
        self.mode = mode
        self.scales = scales
        self.biases = biases
        _globalScale = ParameterInfo(wrappedValue: globalScale, key: "global_scale")
        super.init(weight: weight)
        freeze()
    }

    /// The vectors of the numbers; the result's shape is x's with the dimensions at the end.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let rows = x.flattened()
        let vectors = dequantized(
            take(weight, rows, axis: 0), scales: take(scales, rows, axis: 0),
            biases: biases.map { take($0, rows, axis: 0) }, groupSize: groupSize, bits: bits,
            mode: mode)
        return noted(scaled(vectors).reshaped(x.shape + [shape.1]), from: x)
    }

    /// x Wᵀ, for models that end with the table they begin with.
    open override func asLinear(_ x: MLXArray) -> MLXArray {
        scaled(
            quantizedMM(
                x, weight, scales: scales, biases: biases, transpose: true,
                groupSize: groupSize, bits: bits, mode: mode))
    }

    private func scaled(_ y: MLXArray) -> MLXArray {
        globalScale.map { y * globalFactor($0).asType(y.dtype) } ?? y
    }
}
