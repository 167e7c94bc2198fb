import MLX

/// Attention with learned projections. The scores, their softmax and the weighted sum are one
/// operation, which keeps no matrix of scores; see `MLXFast.scaledDotProductAttention`.

/// Attention of several heads between linear projections (Vaswani et al., 2017).
///
/// Each head computes softmax(q kᵀ / √d + mask) v on its part of the projected features.
/// ```swift
/// let attention = MultiHeadAttention(dimensions: 64, numHeads: 4)
/// let mask = MultiHeadAttention.createAdditiveCausalMask(x.dim(1))
/// let y = attention(x, keys: x, values: x, mask: mask)  // (N, L, 64)
/// ```
open class MultiHeadAttention: Module {
    /// How many parts the projected features are divided in.
    public let numHeads: Int
    /// From the queries to `dimensions`.
    @ModuleInfo(key: "query_proj") public var queryProjection: any UnaryLayer
    /// From the keys to `dimensions`.
    @ModuleInfo(key: "key_proj") public var keyProjection: any UnaryLayer
    /// From the values to `valueDimensions`.
    @ModuleInfo(key: "value_proj") public var valueProjection: any UnaryLayer
    /// From `valueDimensions` to the result.
    @ModuleInfo(key: "out_proj") public var outProjection: any UnaryLayer

    /// A layer whose sizes are all `dimensions` unless they are given.
    ///
    /// Dimensions that the heads do not divide are an error of the results.
    /// - Parameters:
    ///   - dimensions: of the projected queries and keys.
    ///   - numHeads: divides `dimensions` and `valueDimensions`.
    ///   - bias: whether the projections have biases.
    public init(
        dimensions: Int, numHeads: Int, queryInputDimensions: Int? = nil,
        keyInputDimensions: Int? = nil, valueInputDimensions: Int? = nil,
        valueDimensions: Int? = nil, valueOutputDimensions: Int? = nil, bias: Bool = false
    ) {
        self.numHeads = numHeads
        let valueDimensions = valueDimensions ?? dimensions
        _queryProjection = ModuleInfo(
            wrappedValue: Linear(queryInputDimensions ?? dimensions, dimensions, bias: bias),
            key: "query_proj")
        _keyProjection = ModuleInfo(
            wrappedValue: Linear(keyInputDimensions ?? dimensions, dimensions, bias: bias),
            key: "key_proj")
        _valueProjection = ModuleInfo(
            wrappedValue: Linear(valueInputDimensions ?? dimensions, valueDimensions, bias: bias),
            key: "value_proj")
        _outProjection = ModuleInfo(
            wrappedValue: Linear(valueDimensions, valueOutputDimensions ?? dimensions, bias: bias),
            key: "out_proj")
        super.init()
    }

    /// Applies the layer.
    /// - Parameters:
    ///   - queries: (N, L, queryInputDimensions).
    ///   - keys: (N, S, keyInputDimensions).
    ///   - values: (N, S, valueInputDimensions).
    ///   - mask: broadcasts to (N, heads, L, S): numbers to add to the scores, or bools that are
    ///     true where a query may look.
    /// - Returns: (N, L, valueOutputDimensions).
    open func callAsFunction(
        _ queries: MLXArray, keys: MLXArray, values: MLXArray, mask: MLXArray? = nil
    ) -> MLXArray {
        let (q, k, v) = (queryProjection(queries), keyProjection(keys), valueProjection(values))
        guard numHeads > 0, [q, k, v].allSatisfy({ $0.ndim == 3 && $0.dim(2) % numHeads == 0 })
        else {
            return invalidArray(
                ArrayError(
                    .shape, "MultiHeadAttention",
                    "needs sequences (N, L, D) with D divisible by the \(numHeads) heads",
                    shapes: [q.shape, k.shape, v.shape]), inputs: [q, k, v])
        }
        func heads(_ x: MLXArray) -> MLXArray {
            x.reshaped([x.dim(0), x.dim(1), numHeads, x.dim(2) / numHeads])
                .transposed(axes: [0, 2, 1, 3])
        }
        let scale = (1 / Float(max(q.dim(2) / numHeads, 1))).squareRoot()
        let y = MLXFast.scaledDotProductAttention(
            queries: heads(q), keys: heads(k), values: heads(v), scale: scale,
            mask: mask.map { .array($0.forProduct) } ?? .none)
        let merged = y.transposed(axes: [0, 2, 1, 3]).reshaped([q.dim(0), q.dim(1), v.dim(2)])
        return noted(outProjection(merged), from: queries, keys, values)
    }

    /// A mask (n, n) to add to scores: 0 up to the query's own position, -10⁹ after it (for
    /// float16 the least finite number).
    public static func createAdditiveCausalMask(_ n: Int, dtype: DType = .float32) -> MLXArray {
        let positions = MLXArray(0..<n)
        let isLater = positions.reshaped([n, 1]) .< positions
        let low: Float = dtype == .float16 ? -65504 : -1e9
        return isLater.asType(dtype) * MLXArray(low).asType(dtype)
    }
}
