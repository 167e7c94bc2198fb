import MLX

/// A table of vectors, looked up by number.
open class Embedding: Module, UnaryLayer {
    /// (embeddings, dimensions)
    public let weight: MLXArray

    /// (embeddings, dimensions)
    open var shape: (Int, Int) { weight.shape2 }

    /// A table drawn normally with standard deviation 1/√dimensions.
    public init(embeddingCount: Int, dimensions: Int) {
        let scale = (1 / Float(dimensions)).squareRoot()
        weight = MLXRandom.normal([embeddingCount, dimensions]) * scale
        super.init()
    }

    /// A table with the given vectors, also for subclasses that store them otherwise.
    public init(weight: MLXArray) {
        self.weight = weight
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String { weight.shape.description }

    /// The vectors of the numbers; the result's shape is x's with the dimensions at the end.
    open func callAsFunction(_ x: MLXArray) -> MLXArray { noted(take(weight, x, axis: 0), from: x) }

    /// x Wᵀ, for models that end with the table they begin with.
    open func asLinear(_ x: MLXArray) -> MLXArray { matmul(x.forProduct, weight.forProduct.T) }
}
