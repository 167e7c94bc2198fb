import MLX
import MLXNN
import MLXOptimizers

/// Steps of training: a perceptron of three layers on 256 examples with SGD, and a small GPT with
/// Adam.
extension PeerWorkloads {
    static let training: [PeerWorkload] = [perceptron, gpt]

    private static let perceptron: PeerWorkload = {
        let (batch, sizes) = (256, [784, 1024, 1024, 10])
        let products = zip(sizes, sizes.dropFirst()).map { Double($0 * $1) }
        let parameters = products.reduce(0, +)
        // Forwards, by the weights, and by the inputs but those of the first layer.
        let flops = 2 * Double(batch) * (3 * parameters - products[0])
        return PeerWorkload(
            name: "mlp_train", metric: .steps, work: 1, flops: flops, bytes: 8 * parameters
        ) { _ in
            let model = Sequential(
                layers: [
                    Linear(sizes[0], sizes[1]), ReLU(), Linear(sizes[1], sizes[2]), ReLU(),
                    Linear(sizes[2], sizes[3]),
                ])
            let optimizer = SGD(learningRate: 0.01)
            let x = try Inputs.normal(batch, sizes[0])
            let y = MLXRandom.randInt(0..<10, [batch])
            let step = valueAndGrad(model: model) {
                (model: Sequential, x: MLXArray, y: MLXArray) in
                crossEntropy(logits: model(x), targets: y, reduction: .mean)
            }
            try checkedEval(model, y)
            return {
                let (loss, gradients) = step(model, x, y)
                optimizer.update(model: model, gradients: gradients)
                try checkedEval(loss, model)
            }
        }
    }()

    private static let gpt: PeerWorkload = {
        let size = SmallGPT.benchmark
        let (batch, length) = (16, size.length)
        let tokens = Double(batch * length)
        return PeerWorkload(
            name: "gpt_train", metric: .tokens, work: tokens,
            flops: 3 * tokens * size.flopsEachToken, bytes: 24 * size.parameterCount
        ) { _ in
            let model = SmallGPT(size)
            let optimizer = Adam(learningRate: 1e-4)
            let tokens = MLXRandom.randInt(0..<size.vocabulary, [batch, length + 1])
            try checkedEval(model, tokens)
            let step = valueAndGrad(model: model) {
                (model: SmallGPT, x: MLXArray, y: MLXArray) in
                crossEntropy(logits: model(x), targets: y, reduction: .mean)
            }
            return {
                let (loss, gradients) = step(
                    model, tokens[0..., ..<length], tokens[0..., 1...])
                optimizer.update(model: model, gradients: gradients)
                try checkedEval(loss, model, optimizer)
            }
        }
    }()
}
