import Foundation
import MLX
import MLXNN
import MLXOptimizers
import Testing

/// A two-layer perceptron with layers behind property wrappers, as language models write them.
private class FeedForward: Module, UnaryLayer {
    @ModuleInfo(key: "up_proj") var up: Linear
    @ModuleInfo(key: "down_proj") var down: Linear
    @ModuleInfo var norm: LayerNorm
    @ParameterInfo(key: "layer_scale") var scale: MLXArray

    init(_ dimensions: Int, hidden: Int) {
        _up.wrappedValue = Linear(dimensions, hidden, bias: false)
        self._down.wrappedValue = Linear(hidden, dimensions)
        self.norm = LayerNorm(dimensions: dimensions)
        self._scale.wrappedValue = MLXArray.ones([dimensions]) * 0.5
        super.init()
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray {
        x + scale * down(gelu(up(norm(x))))
    }
}

/// Arrays, optionals, dictionaries and private members of modules.
private class Stack: Module {
    let layers: [FeedForward]
    let embedding: Embedding
    let head: Linear?
    let missing: Linear?
    private let _offset: MLXArray
    private var hidden = MLXArray.zeros([2])
    let name = "stack"
    let blocks: [String: Linear]

    init(count: Int, dimensions: Int) {
        layers = (0 ..< count).map { _ in FeedForward(dimensions, hidden: 2 * dimensions) }
        embedding = Embedding(embeddingCount: 10, dimensions: dimensions)
        head = Linear(dimensions, 10)
        missing = nil
        _offset = MLXArray(1.0 as Float)
        blocks = ["a": Linear(1, 1), "b": Linear(1, 1, bias: false)]
    }

    func callAsFunction(_ tokens: MLXArray) -> MLXArray {
        var x = embedding(tokens) + _offset
        for layer in layers { x = layer(x) }
        return head?(x) ?? x
    }
}

@Suite("Modules") struct ModuleProgramTests {
    @Test("parameters are found by reflection") func parameters() {
        let model = Stack(count: 2, dimensions: 4)
        let names = Set(model.parameters().flattened().map { $0.0 })
        for name in [
            "layers.0.up_proj.weight", "layers.1.down_proj.bias", "layers.0.layer_scale",
            "layers.1.norm.weight", "embedding.weight", "head.bias", "hidden",
            "blocks.a.bias", "blocks.b.weight",
        ] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(!names.contains { $0.hasPrefix("missing") })
        // An underscore hides an array that is no parameter.
        #expect(!names.contains { $0.contains("offset") })
        #expect(model.namedModules().map { $0.0 }.contains("layers.1.norm"))
        #expect(model.leafModules().flattened().count > 5)
        #expect(model.children().flattened().count > 3)
        #expect(model.modules().contains { $0 is LayerNorm })
        #expect(model.items().keys.contains("embedding"))
        #expect(model.description.contains("FeedForward"))
        #expect(model(MLXArray([1, 2, 3])).shape == [3, 10])
    }

    @Test("updating parameters and modules") func updating() throws {
        let model = Stack(count: 1, dimensions: 4)
        let zeroed = model.parameters().mapValues { MLXArray.zeros(like: $0) }
        model.update(parameters: zeroed)
        #expect(model(MLXArray([1, 2])).sum().item(Float.self) == 0)
        let flat: [String: MLXArray] = ["head.bias": MLXArray.ones([10])]
        try model.update(parameters: ModuleParameters.unflattened(flat), verify: [.noUnusedKeys])
        #expect(model(MLXArray([1])).sum().item(Float.self) == 10)
        #expect(throws: (any Error).self) {
            try model.update(
                parameters: ModuleParameters.unflattened(["nothing.weight": MLXArray(1)]),
                verify: .all)
        }
        let halves = model.mapParameters { $0.asType(.float16) }
        model.update(parameters: halves)
        #expect(model.embedding.weight.dtype == .float16)
        model.apply { $0.asType(.float32) }
        #expect(model.embedding.weight.dtype == .float32)
        let feed = FeedForward(4, hidden: 8)
        let wide = Linear(4, 8, bias: true)
        feed.update(modules: ModuleChildren.unflattened([("up_proj", wide)]))
        #expect(feed.up === wide)
        eval(model)
        eval(model, feed)
        eval(model.parameters())
    }

    @Test("freezing") func freezing() throws {
        let model = Stack(count: 2, dimensions: 4)
        let all = model.trainableParameters().flattened().count
        model.embedding.freeze()
        #expect(model.trainableParameters().flattened().count == all - 1)
        model.freeze()
        #expect(model.trainableParameters().flattened().isEmpty)
        model.unfreeze(recursive: true)
        #expect(model.trainableParameters().flattened().count == all)
        model.freeze(recursive: true, keys: ["bias"])
        #expect(!model.trainableParameters().flattened().contains { $0.0.hasSuffix("bias") })
        try model.unfreeze(recursive: true, keys: ["bias"], strict: false)
        model.train(false)
        #expect(model.layers.allSatisfy { !$0.training })
        model.train()
        #expect(model.training)
        let weights = model.filterMap(
            filter: Module.filterValidParameters,
            map: Module.mapParameters { $0.ndim > 1 ? $0 : nil })
        #expect(weights.flattened().allSatisfy { $0.1.ndim > 1 })
    }

    @Test("saving and loading weights") func files() throws {
        let model = Stack(count: 1, dimensions: 4)
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent(UUID().uuidString).appendingPathExtension("safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        let weights = Dictionary(uniqueKeysWithValues: model.parameters().flattened())
        try save(arrays: weights, metadata: ["format": "mlx"], url: url)
        let (loaded, metadata) = try loadArraysAndMetadata(url: url)
        #expect(metadata["format"] == "mlx")
        let other = Stack(count: 1, dimensions: 4)
        try other.update(parameters: ModuleParameters.unflattened(loaded), verify: [.all])
        let tokens = MLXArray([4, 5])
        #expect(model(tokens).allClose(other(tokens)).item(Bool.self))
        #expect(try loadArrays(url: url, stream: .cpu).count == weights.count)
        let array = url.deletingPathExtension().appendingPathExtension("npy")
        defer { try? FileManager.default.removeItem(at: array) }
        try save(array: tokens, url: array)
        #expect(try loadArray(url: array).arrayEqual(tokens).item())
        let data = try saveToData(arrays: ["tokens": tokens])
        #expect(try loadArrays(data: data)["tokens"]?.shape == [2])
        #expect(throws: LoadSaveError.self) {
            try save(arrays: weights, url: url.appendingPathExtension("unknown"))
        }
    }

    @Test("nested dictionaries") func nested() {
        let parameters = ModuleParameters(values: [
            "a": .value(MLXArray(1)),
            "b": .dictionary(["c": .value(MLXArray(2)), "d": .array([.value(MLXArray(3))])]),
        ])
        #expect(parameters.flattened().map(\.0).sorted() == ["a", "b.c", "b.d.0"])
        #expect(parameters.flattenedValues().count == 3)
        let doubled = parameters.mapValues { $0 * 2 }
        #expect((doubled["a"]?.unwrap() as? MLXArray)?.item(Int.self) == 2)
        let back = NestedDictionary<String, MLXArray>.unflattened(doubled.flattened())
        #expect(back.flattened().count == 3)
        if case .value(let a)? = parameters["a"] { #expect(a.item(Int.self) == 1) }
        #expect(parameters.mapValues(transform: { $0.shape }).flattened().count == 3)
    }

    @Test("subclasses override layers and optimizers") func subclasses() {
        final class Doubled: Linear {
            override func callAsFunction(_ x: MLXArray) -> MLXArray {
                2 * super.callAsFunction(x)
            }
        }
        final class Signs: OptimizerBase<MLXArray> {
            override func newState(parameter: MLXArray) -> MLXArray {
                MLXArray.zeros(like: parameter)
            }
            override func applySingle(
                gradient: MLXArray, parameter: MLXArray, state: MLXArray
            ) -> (MLXArray, MLXArray) {
                (parameter - 0.1 * sign(gradient), state)
            }
        }
        let layer = Doubled(2, 2)
        let optimizer = Signs()
        let before = layer.weight.asArray(Float.self)
        optimizer.update(model: layer, gradients: layer.parameters())
        eval(layer, optimizer)
        #expect(layer.weight.asArray(Float.self) != before)
    }
}
