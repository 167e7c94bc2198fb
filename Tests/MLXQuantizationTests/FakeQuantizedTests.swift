import MLX
import MLXNN
import MLXOptimizers
import Testing

@testable import MLXQuantization

/// Training that knows of the rounding: gradients by the formula, layers that become the quantized
/// ones they stood for, and that it helps.
@Suite("Fake quantization") struct FakeQuantizedTests {
    @Test("gradients pass the rounding", arguments: [QuantizationMode.affine, .int8])
    func gradients(mode: QuantizationMode) throws {
        let layer = FakeQuantizedLinear(
            Linear(weight: drawn([4, 64], seed: 1), bias: drawn([4], seed: 2)), groupSize: 32,
            bits: 3, mode: mode)
        let (x, target) = (drawn([5, 64], seed: 3), drawn([5, 4], seed: 4))
        let (_, gradients) = valueAndGrad(model: layer) { model, x, y in
            square(model(x) - y).sum()
        }(layer, x, target)
        // L = Σ (y - t)²: dL/dW = 2 (y - t)ᵀ q(x), dL/db = Σ 2 (y - t), with y after rounding.
        let outer = 2 * (layer(x) - target)
        let input = mode == .int8 ? fakeInt8(x) : x
        let found = Dictionary(uniqueKeysWithValues: gradients.flattened())
        #expect(difference(try #require(found["weight"]), matmul(outer.T, input)) < 1e-5)
        #expect(difference(try #require(found["bias"]), outer.sum(axis: 0)) < 1e-5)
        // By x: outer q(W).
        let own = grad { (x: MLXArray) in square(layer(x) - target).sum() }(x)
        let rounded = fakeQuantized(layer.weight, groupSize: 32, bits: layer.bits, mode: mode)
        #expect(difference(own, matmul(outer, rounded)) < 1e-5)
    }

    @Test("rounds inputs as int8 products do") func inputs() {
        let x = MLXArray([0, 1, -2, 0.3, 0, 0, 0, 0] as [Float], [2, 4])
        let step = Float(2) / 127
        let expected: [Float] = [0, 64 * step, -127 * step, 19 * step, 0, 0, 0, 0]
        #expect(
            allClose(fakeInt8(x), MLXArray(expected, [2, 4]), rtol: 0, atol: 1e-6).item(Bool.self))
    }

    private final class Net: Module, UnaryLayer {
        @ModuleInfo var table = Embedding(embeddingCount: 16, dimensions: 32)
        @ModuleInfo var convolution = Conv2d(
            inputChannels: 32, outputChannels: 32, kernelSize: 1, stride: 2)
        @ModuleInfo var linear = Linear(32, 32)
        @ModuleInfo var head = Linear(32, 3)

        /// (N, H, W) ids.
        func callAsFunction(_ x: MLXArray) -> MLXArray {
            head(relu(linear(relu(convolution(table(x))).mean(axes: [1, 2]))))
        }
    }

    private let ids = MLXRandom.randInt(low: 0, high: 16, [4, 4, 4], key: MLXRandom.key(1))

    @Test("layers become what they stood for", arguments: [QuantizationMode.affine, .int8])
    func conversion(mode: QuantizationMode) throws {
        let net = Net()
        let keys = Set(net.parameters().flattened().map(\.0))
        let plain = net(ids)
        let paths = try net.beginQuantizedTraining(groupSize: 32, bits: 4, mode: mode) {
            path, _ in path != "head"
        }
        #expect(paths == ["convolution", "linear", "table"])
        #expect(Set(net.parameters().flattened().map(\.0)) == keys)
        #expect(type(of: net.head) == Linear.self)
        let faked = net(ids)
        #expect(difference(faked, plain) > 1e-4)
        try net.endQuantizedTraining()
        #expect(net.linear is any Quantized && net.table is QuantizedEmbedding)
        #expect(net.convolution is any Quantized)
        // NUMERICS: mode int8 rounds inputs on the NPU only; affine layers agree to rounding.
        #expect(difference(net(ids), faked) < (mode == .int8 ? 0.02 : 1e-4))
    }

    @Test("reverting gives the layers back, with what was trained") func reverting() throws {
        let net = Net()
        let before = net(ids)
        try net.beginQuantizedTraining(groupSize: 32)
        try net.endQuantizedTraining(reverting: true)
        #expect(type(of: net.linear) == Linear.self && type(of: net.table) == Embedding.self)
        #expect(type(of: net.convolution) == Conv2d.self)
        #expect(arrayEqual(net(ids), before).item(Bool.self))
    }

    private final class Perceptron: Module, UnaryLayer {
        @ModuleInfo var first = Linear(32, 64)
        @ModuleInfo var second = Linear(64, 4)
        func callAsFunction(_ x: MLXArray) -> MLXArray { second(relu(first(x))) }
    }

    private func loss(_ model: Perceptron, _ x: MLXArray, _ y: MLXArray) -> MLXArray {
        square(model(x) - y).mean()
    }

    private func train(_ model: Perceptron, _ x: MLXArray, _ y: MLXArray, _ rate: Float) {
        let optimizer = Adam(learningRate: rate)
        let step = valueAndGrad(model: model, loss)
        for _ in 0..<200 {
            let (_, gradients) = step(model, x, y)
            optimizer.update(model: model, gradients: gradients)
            eval(model, optimizer)
        }
    }

    @Test("training with rounding is better than rounding after training") func training() throws {
        let (x, mixing) = (drawn([256, 32], seed: 5), drawn([32, 4], seed: 8))
        let y = sin(matmul(x, mixing) * 0.3)
        let model = Perceptron()
        model.first.weight._updateInternal(drawn([64, 32], seed: 1) * 0.2)
        model.second.weight._updateInternal(drawn([4, 64], seed: 2) * 0.1)
        for layer in [model.first, model.second] {
            if let bias = layer.bias { bias._updateInternal(MLXArray.zeros(bias.shape)) }
        }
        train(model, x, y, 0.01)
        let floats = loss(model, x, y).item(Float.self)
        let after = Perceptron()
        try after.setWeights(Dictionary(uniqueKeysWithValues: model.parameters().flattened()))
        quantize(model: after, groupSize: 32, bits: 3)
        let rounded = loss(after, x, y).item(Float.self)
        try model.beginQuantizedTraining(groupSize: 32, bits: 3)
        // Steps that get smaller: codes go on jumping while they are large.
        for rate in [0.01, 0.001, 0.0001] as [Float] { train(model, x, y, rate) }
        try model.endQuantizedTraining()
        #expect(type(of: model.first) == QuantizedLinear.self)
        let trained = loss(model, x, y).item(Float.self)
        #expect(floats < trained && trained < 0.6 * rounded, "\(trained), \(rounded)")
    }

    @Test("refuses formats that there are not") func errors() {
        #expect(throws: ArrayError.self) { try Net().beginQuantizedTraining(groupSize: 48) }
        #expect(throws: QuantizationError.self) { try Net().beginQuantizedTraining(mode: .mxfp4) }
    }

    @Test("quantized convolutions compute with the decoded weights") func convolutions() {
        let plain = Conv2d(
            inputChannels: 32, outputChannels: 4, kernelSize: 3, stride: 2, padding: 1)
        let small = QuantizedConv2d(plain, groupSize: 32, bits: 8)
        let x = drawn([2, 9, 9, 32], seed: 6)
        let rows = plain.weight.reshaped([4, -1])
        let parts = quantized(rows, groupSize: 32, bits: 8)
        let decoded = dequantized(
            parts.wq, scales: parts.scales, biases: parts.biases, groupSize: 32, bits: 8)
        let expected =
            conv2d(x, decoded.reshaped(plain.weight.shape), stride: 2, padding: 1)
            + (plain.bias ?? MLXArray(Float(0)))
        #expect(difference(small(x), expected) < 1e-6)
        #expect(difference(small(x), plain(x)) < 0.02)
        #expect(small.trainableParameters().isEmpty)
        // 27 weights of an output are no whole groups: an error of the result, not a trap.
        let bad = QuantizedConv2d(
            Conv2d(inputChannels: 3, outputChannels: 4, kernelSize: 3), groupSize: 32)
        #expect(throws: (any Error).self) { try checkedEval(bad(drawn([1, 5, 5, 3], seed: 1))) }
    }
}
