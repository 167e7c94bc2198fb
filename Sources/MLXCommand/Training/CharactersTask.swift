import MLX
import MLXData
import MLXNN
import MLXOptimizers
import MLXTrain

/// What `mlx train chars` trains: a decoder on the characters of the library's documentation. The
/// last tenth of the text is held back for validation.
struct CharactersTask {
    static let context = 128
    static let batchSize = 16
    static let steps = 500
    static let rate: Float = 1e-3
    static let warmup = 50

    let characterCount: Int
    let training: DataLoader<Example>
    let validation: DataLoader<Example>

    init(seed: UInt64) throws {
        let scalars = Array(try DocumentationText.bundled().unicodeScalars)
        let alphabet = Set(scalars).sorted()
        let numbers = Dictionary(
            uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, Int32($0.offset)) })
        let tokens = scalars.map { numbers[$0]! }
        let split = tokens.count / 10 * 9
        characterCount = alphabet.count
        training = try DataLoader(
            CharacterWindows(
                tokens: Array(tokens[..<split]), length: CharactersTask.context, stride: 1),
            batchSize: CharactersTask.batchSize, shuffle: RandomKey(seed: seed), dropsLast: true)
        validation = try DataLoader(
            CharacterWindows(
                tokens: Array(tokens[split...]), length: CharactersTask.context,
                stride: CharactersTask.context),
            batchSize: CharactersTask.batchSize)
    }

    /// A trainer of a fresh network.
    /// - Parameter steps: how many steps the learning rate falls over.
    func trainer(seed: UInt64, steps: Int) -> Trainer<CharacterDecoder, Example> {
        MLXRandom.seed(seed)
        let model = CharacterDecoder(
            characters: characterCount, context: CharactersTask.context, layers: 4, width: 256,
            heads: 4)
        let optimizer = AdamW(
            learningRate: CharactersTask.rate, betas: (0.9, 0.95), weightDecay: 0.1,
            biasCorrection: true)
        let trainer = Trainer(model, optimizer: optimizer, metrics: [.accuracy, .perplexity]) {
            (model: CharacterDecoder, batch: Example) in
            let logits = model(batch.input)
            return LossOutput(
                crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
                predictions: logits)
        }
        let (rate, warmup) = (CharactersTask.rate, CharactersTask.warmup)
        trainer.schedules = [
            joinSchedules(
                [
                    linearSchedule(rate / Float(warmup), end: rate, steps: warmup),
                    cosineDecay(rate, decaySteps: max(steps - warmup, 1), end: rate / 10),
                ], boundaries: [warmup])
        ]
        trainer.options.seed = seed
        trainer.options.clipNorm = 1
        trainer.options.validationInterval = 100
        return trainer
    }
}

/// Pieces of a text with the same pieces one character later, which is what is to be predicted.
struct CharacterWindows: BatchedDataset {
    let tokens: [Int32]
    let length: Int
    /// The distance between the beginnings of two pieces.
    let stride: Int

    var count: Int { max((tokens.count - length - 1) / stride + 1, 0) }

    func element(at index: Int) throws -> Example {
        let batch = try batch(at: [index])
        return Example(batch.input[0], batch.target[0])
    }

    func batch(at indices: [Int]) throws -> Example {
        var (inputs, targets): ([Int32], [Int32]) = ([], [])
        for index in indices {
            guard index >= 0, index < count else {
                throw ArrayError(.index, "windows", "there is no piece \(index) of \(count)")
            }
            let begin = index * stride
            inputs += tokens[begin..<begin + length]
            targets += tokens[begin + 1..<begin + length + 1]
        }
        let shape = [indices.count, length]
        return Example(MLXArray(inputs, shape), MLXArray(targets, shape))
    }
}
