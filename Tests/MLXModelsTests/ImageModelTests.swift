import Foundation
import MLX
import MLXModels
import MLXNN
import Testing

/// Image models: a narrow ResNet-18 against PyTorch (Scripts/image-model-fixtures), and that each
/// model's weights survive a file. NUMERICS: logits within 1e-4, as for all models; gradients
/// within 1e-3 of the largest, because norms over 16 values come after 17 convolutions.
@Suite("Image models") struct ImageModelTests {
    private func fixture(_ name: String) throws -> URL {
        try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)")
    }

    private func narrow() -> ResNet {
        ResNet(blocks: (2, 2, 2, 2), width: 4, channels: 3, classes: 5)
    }

    private func difference(_ a: MLXArray, _ b: MLXArray) throws -> Float {
        try #require(a.shape == b.shape)
        return abs(a - b).max().item(Float.self)
    }

    @Test("ResNet agrees with PyTorch: inference, training, gradients") func resNet() throws {
        let model = narrow()
        try model.loadTorchWeights(from: fixture("resnet.safetensors"))
        let expected = try loadArrays(url: fixture("resnet-expected.safetensors"))
        let images = try #require(expected["images"]).transposed(0, 2, 3, 1)
        let labels = try #require(expected["labels"]).asType(.int32)
        model.train(false)
        #expect(try difference(model(images), #require(expected["inference"])) <= 1e-4)
        model.train(true)
        #expect(try difference(model(images), #require(expected["training"])) <= 1e-4)
        let slope = valueAndGrad(model: model) { (model: ResNet, arrays: [MLXArray]) in
            [crossEntropy(logits: model(arrays[0]), targets: arrays[1], reduction: .mean)]
        }
        let gradients = Dictionary(
            slope(model, [images, labels]).1.flattened()
        ) { first, _ in first }
        // Statistics are no parameters to learn.
        #expect(gradients["bn1.running_mean"] == nil)
        for name in ["conv1.weight", "layer2.0.downsample.1.weight"] {
            let torch = try #require(expected[name])
            let wanted = torch.ndim == 4 ? torch.transposed(0, 2, 3, 1) : torch
            let bound = 1e-3 * abs(wanted).max().item(Float.self)
            #expect(try difference(#require(gradients[name]), wanted) <= bound, "\(name)")
        }
    }

    @Test("weights in the wrong layout or of another size are listed, and nothing is loaded")
    func misfits() throws {
        let model = narrow()
        let before = try #require(model.parameters().flattened().first { $0.0 == "fc.weight" }).1
            .asArray(Float.self)
        let file = try fixture("resnet.safetensors")
        let error = #expect(throws: WeightsError.self) { try model.loadWeights(from: file) }
        #expect(error?.unexpected.contains("bn1.num_batches_tracked") == true)
        #expect(error?.mismatched.contains { $0.key == "conv1.weight" } == true)
        let wide = ResNet(blocks: (2, 2, 2, 2), width: 8, channels: 3, classes: 5)
        #expect(throws: WeightsError.self) { try wide.loadTorchWeights(from: file) }
        let deep = ResNet(blocks: (2, 2, 3, 2), width: 4, channels: 3, classes: 5)
        let missing = #expect(throws: WeightsError.self) { try deep.loadTorchWeights(from: file) }
        #expect(missing?.missing.contains("layer3.2.conv1.weight") == true)
        let after = try #require(model.parameters().flattened().first { $0.0 == "fc.weight" }).1
        #expect(after.asArray(Float.self) == before)
    }

    @Test("own weights survive a file") func roundTrips() throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("weights-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: place) }
        func check<Model: Module & UnaryLayer>(
            _ make: () -> Model, _ input: [Int], _ output: [Int]
        ) throws {
            let model = make()
            let x = MLXRandom.normal(input, key: MLXRandom.key(1))
            model.train(false)
            try model.saveWeights(to: place)
            let copy = make()
            copy.train(false)
            try copy.loadWeights(from: place)
            let y = model(x)
            #expect(y.shape == output)
            #expect(y.asArray(Float.self) == copy(x).asArray(Float.self))
        }
        try check(narrow, [2, 32, 32, 3], [2, 5])
        try check({ LeNet(channels: 1, classes: 10) }, [3, 28, 28, 1], [3, 10])
        try check({ MLP(inputs: 6, hidden: [8, 4], outputs: 2, dropout: 0.5) }, [5, 6], [5, 2])
    }

    @Test("parameters are as many as published") func sizes() {
        func count(_ model: Module) -> Int {
            model.trainableParameters().flattened().reduce(0) { $0 + $1.1.size }
        }
        #expect(count(LeNet()) == 61_706)
        #expect(count(ResNet.resNet18()) == 11_689_512)
        #expect(count(MLP(inputs: 784, hidden: [256], outputs: 10)) == 203_530)
    }

    @Test("inputs of other shapes are errors of the result") func misfitInputs() {
        for model in [LeNet(), narrow(), MLP(inputs: 6, hidden: [], outputs: 2)] as [any UnaryLayer]
        {
            for shape in [[2, 5], [3], [1, 9, 9, 9]] {
                #expect(throws: (any Error).self) { try checkedEval(model(MLXArray.zeros(shape))) }
            }
        }
    }
}
