import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// Numbers that look drawn and are the same everywhere.
func drawn(_ shape: [Int], seed: UInt64) -> MLXArray {
    MLXRandom.normal(shape, key: MLXRandom.key(seed))
}

/// Inputs (rows, width) whose channels go together and differ in size, as those of trained layers.
func correlated(_ rows: Int, _ width: Int, seed: UInt64) -> MLXArray {
    let mixed = matmul(drawn([rows, width], seed: seed), drawn([width, width], seed: seed + 1))
    let sizes = exp(drawn([width], seed: seed + 2))
    return mixed * sizes / Float(width).squareRoot()
}

/// A matrix in float64.
func doubles(_ array: MLXArray) -> [[Double]] {
    let flat = array.asType(.float32).asArray(Float.self).map(Double.init)
    let width = array.dim(-1)
    return stride(from: 0, to: flat.count, by: width).map { Array(flat[$0..<$0 + width]) }
}

/// ‖X Δᵀ‖² for a change of the weight.
func productLoss(_ x: MLXArray, _ rounded: MLXArray, _ weight: MLXArray) -> Float {
    square(matmul(x, (rounded - weight).T)).sum().item(Float.self)
}

/// A gated network and attention of one head, with norms, as decoders have them.
final class SmallBlock: Module, UnaryLayer {
    @ModuleInfo var table: Embedding
    @ModuleInfo var norm1: RMSNorm
    @ModuleInfo var query: Linear
    @ModuleInfo var key: Linear
    @ModuleInfo var value: Linear
    @ModuleInfo var output: Linear
    @ModuleInfo var norm2: LayerNorm
    @ModuleInfo var gate: Linear
    @ModuleInfo var up: Linear
    @ModuleInfo var down: Linear
    @ModuleInfo var head: Linear

    init(width: Int = 64) {
        table = Embedding(embeddingCount: 32, dimensions: width)
        norm1 = RMSNorm(dimensions: width)
        query = Linear(width, width)
        key = Linear(width, width)
        value = Linear(width, width)
        output = Linear(width, width)
        norm2 = LayerNorm(dimensions: width)
        gate = Linear(width, 2 * width, bias: false)
        up = Linear(width, 2 * width)
        down = Linear(2 * width, width)
        head = Linear(width, 32)
        super.init()
        // Weights by keys: tests that run side by side share the generator that layers draw from.
        let leaves = leafModules().flattened().sorted { $0.0 < $1.0 }.map(\.1)
        for (number, leaf) in leaves.enumerated() {
            let (linear, table) = (leaf as? Linear, leaf as? Embedding)
            guard let weight = linear?.weight ?? table?.weight else { continue }
            let seed = UInt64(100 + 2 * number)
            weight._updateInternal(drawn(weight.shape, seed: seed) / Float(width).squareRoot())
            linear?.bias?._updateInternal(drawn([weight.dim(0)], seed: seed + 1) * 0.1)
        }
        // Channels that are much larger than others, as trained models have them.
        norm1.weight._updateInternal(exp(drawn([width], seed: 3) * 1.5))
        norm2.weight?._updateInternal(exp(drawn([width], seed: 4)))
        norm2.bias?._updateInternal(drawn([width], seed: 5) * 0.3)
    }

    func callAsFunction(_ tokens: MLXArray) -> MLXArray {
        let x = table(tokens) * 8
        let y = norm1(x)
        let attended = MLXFast.scaledDotProductAttention(
            queries: query(y).expandedDimensions(axis: 1),
            keys: key(y).expandedDimensions(axis: 1),
            values: value(y).expandedDimensions(axis: 1), scale: 0.125, mask: .causal)
        let middle = x + output(attended.squeezed(axis: 1))
        let z = norm2(middle)
        // The residual sum is a second use of what `down` makes, and of nothing that is scaled.
        return head(middle + down(silu(gate(z)) * up(z)))
    }

    /// Token ids (4, 16).
    static func batch(_ seed: UInt64) -> MLXArray {
        MLXRandom.randInt(low: 0, high: 32, [4, 16], key: MLXRandom.key(seed))
    }
    static let data = (0..<3).map { batch(UInt64($0) + 20) }
}

/// The largest difference relative to the largest number.
func difference(_ a: MLXArray, _ b: MLXArray) -> Float {
    (abs(a - b).max() / abs(b).max()).item(Float.self)
}
