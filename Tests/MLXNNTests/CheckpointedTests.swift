import MLX
import MLXNN
import Testing

/// Gradient checkpointing of layers gives the values and gradients of plain calls.
@Suite struct CheckpointedTests {
    /// A layer with everything that calling twice could get wrong: draws and running statistics.
    private final class Block: Module, UnaryLayer {
        let linear = Linear(6, 6)
        let norm = BatchNorm(featureCount: 6)
        let dropout = Dropout(p: 0.5)

        func callAsFunction(_ x: MLXArray) -> MLXArray { x + dropout(tanh(norm(linear(x)))) }
    }

    private final class Stack: Module {
        let blocks: [Block]
        let isCheckpointed: Bool

        init(isCheckpointed: Bool) {
            blocks = withRandomState(MLXRandom.RandomState(seed: 4)) { [Block(), Block()] }
            self.isCheckpointed = isCheckpointed
        }

        func callAsFunction(_ x: MLXArray) -> MLXArray {
            blocks.reduce(x) { isCheckpointed ? $1.checkpointed($0) : $1($0) }
        }
    }

    @Test("Values, gradients and running statistics are those of plain calls")
    func equalsPlain() throws {
        let x = MLXRandom.normal([5, 6], key: MLXRandom.key(9))
        func outcome(_ isCheckpointed: Bool) throws -> [[Float]] {
            let model = Stack(isCheckpointed: isCheckpointed)
            return try withRandomState(MLXRandom.RandomState(seed: 7)) {
                let differentiate = valueAndGrad(model: model) { (model: Stack, x, _) in
                    square(model(x)).sum()
                }
                let (loss, gradients) = differentiate(model, x, x)
                let next = MLXRandom.uniform(low: 0, high: 1, [1])
                let arrays = [loss] + gradients.flattenedValues() + model.innerState() + [next]
                try checkedEval(arrays)
                return arrays.map { $0.asArray(Float.self) }
            }
        }
        let (plain, checkpointed) = (try outcome(false), try outcome(true))
        #expect(plain.count == checkpointed.count)
        for (a, b) in zip(plain, checkpointed) { #expect(a == b) }
        #expect(plain.dropFirst().prefix(8).allSatisfy { $0.contains { $0 != 0 } })
    }

    @Test("A function of several arrays, and a frozen part")
    func severalArrays() throws {
        let attention = withRandomState(MLXRandom.RandomState(seed: 4)) {
            MultiHeadAttention(dimensions: 8, numHeads: 2)
        }
        attention.keyProjection.freeze()
        let x = MLXRandom.normal([2, 3, 8], key: MLXRandom.key(1))
        func gradients(_ isCheckpointed: Bool) throws -> [[Float]] {
            let differentiate = valueAndGrad(model: attention) { (attention, x, _) in
                let call: ([MLXArray]) -> [MLXArray] = {
                    [attention($0[0], keys: $0[1], values: $0[1])]
                }
                let checkpointed = checkpoint(attention) { [$0($1[0], keys: $1[1], values: $1[1])] }
                return square((isCheckpointed ? checkpointed : call)([x, x * 2])[0]).sum()
            }
            let (loss, gradients) = differentiate(attention, x, x)
            let arrays = [loss] + gradients.flattenedValues()
            try checkedEval(arrays)
            return arrays.map { $0.asArray(Float.self) }
        }
        #expect(try gradients(false) == gradients(true))
    }
}
