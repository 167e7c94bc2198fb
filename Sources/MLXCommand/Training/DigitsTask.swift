import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers
import MLXTrain

/// What `mlx train digits` and `mlx demo` train: a small convolutional network on handwritten
/// digits that are shifted by up to one pixel, with Adam and half a cosine. Seeds decide about
/// everything random, so equal seeds make equal models.
struct DigitsTask {
    static let batchSize = 64
    static let epochs = 60
    static let rate: Float = 2e-3

    let training: DataLoader<Example>
    let validation: DataLoader<Example>

    /// - Parameter labels: labels to train on instead of the digits' own.
    init(_ digits: Digits, seed: UInt64, labels: MLXArray? = nil) throws {
        let key = RandomKey(seed: seed)
        let (seen, held) = (digits.training, digits.test)
        training = try DataLoader(
            try ArrayDataset(Example(seen.images, labels ?? seen.labels)),
            batchSize: DigitsTask.batchSize, shuffle: key.derived(0)
        ).map(key: key.derived(1)) { batch, key in
            Example(DigitsTask.shifted(batch.input, key), batch.target)
        }
        validation = try DataLoader(held, batchSize: max(held.count, 1))
    }

    /// A trainer of a fresh network.
    /// - Parameter steps: how many steps the learning rate falls over.
    func trainer(seed: UInt64, steps: Int) -> Trainer<DigitsNet, Example> {
        MLXRandom.seed(seed)
        let trainer = Trainer(
            DigitsNet(), optimizer: Adam(learningRate: DigitsTask.rate, biasCorrection: true),
            metrics: [.accuracy]
        ) { (model: DigitsNet, batch: Example) in
            let logits = model(batch.input)
            return LossOutput(
                crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
                predictions: logits)
        }
        trainer.schedules = [cosineDecay(DigitsTask.rate, decaySteps: steps)]
        trainer.options.seed = seed
        return trainer
    }

    /// Images (N, 8, 8, 1) moved by up to one pixel, each on its own.
    private static func shifted(_ images: MLXArray, _ key: RandomKey) -> MLXArray {
        let count = images.dim(0)
        var generator = key.generator()
        func offsets() -> MLXArray {
            MLXArray(
                (0..<count).map { _ in Int32.random(in: 0...2, using: &generator) },
                [count, 1, 1])
        }
        let rows = offsets() + MLXArray(0..<8, [1, 8, 1])
        let columns = offsets() + MLXArray(0..<8, [1, 1, 8])
        let numbers = MLXArray(0..<count, [count, 1, 1])
        return padded(images, widths: [0, 1, 1, 0])[numbers, rows, columns]
    }
}
