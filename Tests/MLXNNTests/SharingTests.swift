import Foundation
import MLX
import MLXLoRA
import MLXNN
import Testing

/// Weights in files, models that tasks share, summaries, replacement by quantized and adaptable
/// layers, and what bad input does.
@Suite("Models as a whole") struct SharingTests {
    private final class Net: Module, UnaryLayer {
        @ModuleInfo var first: Linear
        @ModuleInfo var norm: BatchNorm
        @ModuleInfo(key: "layers") var rest: [any UnaryLayer]

        init(width: Int = 64) {
            first = Linear(8, width)
            norm = BatchNorm(featureCount: width)
            _rest = ModuleInfo(
                wrappedValue: [GELU(), Dropout(p: 0.5), Linear(width, 64), Linear(64, 4)],
                key: "layers")
            super.init()
        }

        func callAsFunction(_ x: MLXArray) -> MLXArray {
            rest.reduce(norm(first(x))) { $1($0) }
        }
    }

    private let x = GradientGolden.wave(5, 8)

    private func temporary(_ name: String) -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString)-\(name)")
    }

    private func values(_ model: Module) -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: model.parameters().flattened().map {
                ($0.0, $0.1.asArray(Float.self))
            })
    }

    @Test("weights come back from a file", arguments: ["safetensors", "npz", "gguf"])
    func roundTrip(format: String) throws {
        let url = temporary("weights.\(format)")
        defer { try? FileManager.default.removeItem(at: url) }
        let (model, other) = (Net(), Net())
        try model.saveWeights(to: url)
        try other.loadWeights(from: url)
        #expect(values(model) == values(other))
        model.train(false)
        other.train(false)
        #expect(allClose(model(x), other(x), atol: 1e-6).item())
    }

    @Test("weights that do not fit are listed, and change nothing") func misfit() throws {
        let url = temporary("weights.safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        let model = Net()
        var weights = Dictionary(uniqueKeysWithValues: model.parameters().flattened())
        weights["norm.bias"] = nil
        weights["first.bias"] = nil
        weights["extra.weight"] = MLXArray.zeros([2])
        weights["first.weight"] = MLXArray.zeros([2, 3])
        try save(arrays: weights, url: url)
        let before = values(model)
        let error = #expect(throws: WeightsError.self) { try model.loadWeights(from: url) }
        #expect(error?.missing == ["first.bias", "norm.bias"])
        #expect(error?.unexpected == ["extra.weight"])
        #expect(
            error?.mismatched.map { "\($0.key) \($0.expected) \($0.found)" }
                == ["first.weight [64, 8] [2, 3]"])
        #expect(error?.description.contains("extra.weight") == true)
        #expect(values(model) == before)
        #expect(throws: WeightsError.self) { try model.loadWeights(from: url, strict: false) }
        weights["first.weight"] = MLXArray.ones([64, 8])
        try model.setWeights(weights, strict: false)
        #expect(model.first.weight.asArray(Float.self) == [Float](repeating: 1, count: 512))
        #expect(throws: (any Error).self) {
            try model.loadWeights(from: self.temporary("none.safetensors"))
        }
    }

    @Test("many tasks share one model") func sharing() async throws {
        let model = Net()
        let snapshot = model.parameters()
        model.train(false)
        let expected = model(x).asArray(Float.self)
        let handle = try InferenceModel(parameters: snapshot) { Net() }
        // Training goes on; the handle serves the parameters it was given.
        model.update(parameters: snapshot.mapValues { $0 * 2 })
        eval(model)
        let input = x
        let results = try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<64 {
                group.addTask { try await handle(input).values(Float.self) }
            }
            return try await group.reduce(into: [[Float]]()) { $0.append($1) }
        }
        #expect(results.count == 64 && results.allSatisfy { $0 == results[0] })
        #expect(zip(results[0], expected).allSatisfy { abs($0 - $1) < 1e-5 })
        let byteCount = model.parameters().flattenedValues().reduce(0) { $0 + $1.nbytes }
        #expect(handle.byteCount == byteCount)
        #expect(handle.read { $0.trainableParameters().isEmpty && !$0.training })
        #expect(throws: WeightsError.self) {
            _ = try InferenceModel(parameters: snapshot) { Net(width: 32) }
        }
    }

    @Test("a summary lists calls, shapes and sizes") func summaries() {
        let model = Net()
        let summary = model.summary(input: x, prints: false)
        #expect(
            summary.rows.map(\.path) == [
                "first", "norm", "layers.0", "layers.1", "layers.2", "layers.3",
            ])
        #expect(
            summary.rows.map(\.outputShape) == [
                [5, 64], [5, 64], [5, 64], [5, 64], [5, 64], [5, 4],
            ])
        #expect(summary.rows[0].parameterCount == 576 && summary.rows[0].byteCount == 2304)
        #expect(summary.rows[0].flops >= 2 * 5 * 8 * 64 && summary.rows[0].flops < 2 * 5 * 9 * 65)
        #expect(summary.rows[2].flops > 0)
        let total = model.parameters().flattenedValues().reduce(0) { $0 + $1.size }
        #expect(summary.parameterCount == total && summary.trainableParameterCount == total - 128)
        let text = summary.description
        #expect(text.contains("BatchNorm") && text.contains("128 are frozen"))
        let transformer = Transformer(
            dimensions: 8, numHeads: 2, encoderLayerCount: 1, decoderLayerCount: 1)
        let y = GradientGolden.wave(1, 3, 8)
        let table = MLXNN.summary(of: transformer) { _ = $0(source: y, target: y) }
        #expect(table.rows.contains { $0.type == "MultiHeadAttention" && $0.flops > 0 })
        #expect(table.rows.last?.path == "" && table.rows.last?.outputShape == [1, 3, 8])
        let lazy = Sequential(layers: Linear(8, 4))
        let unused = MLXNN.summary(of: lazy) { _ in }
        #expect(unused.rows.map(\.outputShape) == [nil] && unused.parameterCount == 36)
    }

    @Test("layers are replaced by quantized ones") func quantization() throws {
        let model = seeded { Net() }
        model.train(false)
        let exact = model(x)
        quantize(model: model, groupSize: 32, bits: 8) { path, _ in path != "first" }
        #expect(model.rest[2] is QuantizedLinear && model.rest[3] is QuantizedLinear)
        #expect(!(model.first is QuantizedLinear))
        #expect(allClose(model(x), exact, rtol: 0.05, atol: 0.02).item())
        #expect(
            model.rest[2].description
                == "QuantizedLinear(inputDimensions=64, outputDimensions=64, bias=true)")
        model.unfreeze()
        #expect(
            !model.trainableParameters().flattened().map(\.0).contains { $0.hasPrefix("layers") })
        // Quantized layers are not quantized again.
        let before = model.rest[2]
        quantize(model: model) { _, _ in (32, 4, .affine) }
        #expect(model.rest[2] === before)
        #expect(quantizeSingle(layer: GELU()) == nil)
        #expect(Linear(64, 8).toQuantized(groupSize: 64, bits: 8, mode: .int8) is Int8Linear)
        let bytes = QuantizedEmbedding(embeddingCount: 6, dimensions: 8, mode: .int8)
        #expect(bytes(MLXArray([0, 3] as [Int32])).shape == [2, 8])
        #expect(bytes.asLinear(MLXArray.ones([1, 8])).shape == [1, 6])
    }

    @Test("low-rank changes are trained beside frozen weights", arguments: [false, true])
    func lowRank(isQuantized: Bool) throws {
        let model = seeded { Net() }
        if isQuantized {
            quantize(model: model, groupSize: 32, bits: 8) { $0 != "first" && $1 is Linear }
        }
        model.train(false)
        let before = model(x)
        let paths = model.addLoRA(rank: 2, scale: 2) { path, _ in path.hasPrefix("layers") }
        #expect(paths.sorted() == ["layers.2", "layers.3"])
        #expect(allClose(model(x), before).item())
        #expect(
            Set(model.trainableParameters().flattened().map(\.0)) == [
                "layers.2.lora_a", "layers.2.lora_b", "layers.3.lora_a", "layers.3.lora_b",
            ])
        let adapters = model.loraWeights().mapValues { ones(like: $0) * 0.05 }
        try model.setWeights(adapters, strict: false)
        let changed = model(x)
        #expect(!allClose(changed, before, atol: 1e-3).item())
        model.fuseLoRA(dequantize: true)
        #expect(type(of: model.rest[2]) == Linear.self)
        #expect(allClose(model(x), changed, rtol: 1e-3, atol: 1e-3).item())
        model.addLoRA(rank: 2)
        model.removeLoRA()
        #expect(allClose(model(x), changed, rtol: 1e-3, atol: 1e-3).item())
    }

    @Test("bad input is an error of the result") func badInput() {
        let image = GradientGolden.wave(1, 4, 4, 2)
        let bad: [MLXArray] = [
            RNN(inputSize: 4, hiddenSize: 3)(MLXArray.zeros([4])),
            GRU(inputSize: 4, hiddenSize: 3)(MLXArray.zeros([2, 5])),
            LSTM(inputSize: 4, hiddenSize: 3)(MLXArray(1 as Float)).0,
            MultiHeadAttention(dimensions: 6, numHeads: 4)(
                MLXArray.zeros([1, 2, 6]), keys: MLXArray.zeros([1, 2, 6]),
                values: MLXArray.zeros([1, 2, 6])),
            SinusoidalPositionalEncoding(dimensions: 5)(image), ALiBi()(attentionScores: x),
            Upsample(scaleFactor: FloatOrArray(Float.nan))(image),
            Upsample(scaleFactor: [1, 2, 3])(image),
            Upsample(scaleFactor: -1.0)(image), Upsample(scaleFactor: 1e30)(image),
            Upsample(scaleFactor: 0.5, mode: .linear(alignCorners: true), antialias: true)(image),
            Upsample(scaleFactor: 0.5, mode: .nearest, antialias: true)(image),
            MaxPool3d(kernelSize: 2, stride: 2)(image), QQLinear(64, 32)(x),
            Conv3d(inputChannels: 2, outputChannels: 4, kernelSize: 1, groups: 0)(image),
            ConvTransposed3d(inputChannels: 2, outputChannels: 4, kernelSize: 1)(image),
            GroupNorm(groupCount: 0, dimensions: 2, pytorchCompatible: true)(image),
        ]
        for (index, array) in bad.enumerated() {
            #expect(throws: (any Error).self, "\(index)") { try checkedEval(array) }
        }
        #expect(RNN(inputSize: 4, hiddenSize: 3)(MLXArray.zeros([2, 0, 4])).shape == [2, 0, 3])
        #expect(Upsample(scaleFactor: 0.1, mode: .cubic())(image).shape == [1, 0, 0, 2])
    }
}
