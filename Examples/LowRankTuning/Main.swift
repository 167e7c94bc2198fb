import MLX
import MLXData
import MLXLoRA
import MLXNN
import MLXOptimizers

// Fine-tuning with low-rank layers (Hu et al., 2022): a network that reads dark digits on light
// paper meets light digits on dark paper. The weights stay as they are; two thin matrices beside
// each of them learn the difference, are a file of their own, and come off again.

final class Net: Module, UnaryLayer {
    @ModuleInfo var first = Linear(64, 256)
    @ModuleInfo var second = Linear(256, 256)
    @ModuleInfo var output = Linear(256, 10)

    func callAsFunction(_ images: MLXArray) -> MLXArray {
        let x = relu(first(images.reshaped([images.dim(0), 64])))
        return output(relu(second(x)))
    }
}

func train(_ model: Net, _ images: MLXArray, _ labels: MLXArray, epochs: Int, rate: Float) throws {
    let optimizer = Adam(learningRate: rate)
    let lossAndGrad = valueAndGrad(model: model) { (model: Net, x: MLXArray, y: MLXArray) in
        crossEntropy(logits: model(x), targets: y, reduction: .mean)
    }
    for _ in 0..<epochs {
        for start in stride(from: 0, to: images.dim(0) - 64, by: 64) {
            let (loss, gradients) = lossAndGrad(
                model, images[start..<start + 64], labels[start..<start + 64])
            optimizer.update(model: model, gradients: gradients)
            try withError { eval(loss, model, optimizer) }
        }
    }
}

func percent(_ model: Net, _ images: MLXArray, _ labels: MLXArray) -> String {
    let right = mean((argMax(model(images), axis: -1) .== labels).asType(.float32))
    return "\(Double(Int(right.item(Float.self) * 1000)) / 10) %"
}

func count(_ parameters: ModuleParameters) -> Int {
    parameters.flattenedValues().reduce(0) { $0 + $1.size }
}

@main enum LowRankTuning {
    static func main() throws {
        MLXRandom.seed(3)
        let digits = try Digits.bundled()
        let (training, test) = (digits.training, digits.test)
        let (dark, darkTest) = (1 - training.images, 1 - test.images)
        let model = Net()

        func report(_ what: String) {
            let plain = percent(model, test.images, test.labels)
            let inverted = percent(model, darkTest, test.labels)
            print("\(what): \(plain) of digits, \(inverted) of inverted digits")
        }

        try train(model, training.images, training.labels, epochs: 10, rate: 1e-3)
        report("trained on digits")

        let all = count(model.parameters())
        let layers = model.addLoRA(rank: 8, scale: 2)
        let trainable = count(model.trainableParameters())
        let names = layers.joined(separator: ", ")
        print("  adapted \(names): \(trainable) of \(all) parameters train")
        try train(model, dark, training.labels, epochs: 20, rate: 1e-3)
        report("low-rank layers trained on inverted digits")

        let adapter = model.loraWeights()
        let bytes = adapter.values.reduce(0) { $0 + $1.nbytes }
        print("  the adapter is \(adapter.count) arrays of \(bytes) bytes in all")

        let before = model(darkTest)
        eval(before)
        model.fuseLoRA()
        let difference = abs(model(darkTest) - before).max().item(Float.self)
        print("fused into ordinary layers: the logits differ by \(difference) at most")
    }
}
