import MLX
import MLXNN
import MLXOptimizers
import MLXQuantization
import Testing

/// The samples of Quantization.md, in its order, as a user's module with plain imports has them.
@Suite("Documentation of quantization") struct DocumentationQuantizationTests {
    private final class Network: Module, UnaryLayer {
        @ModuleInfo var first = Linear(32, 64)
        @ModuleInfo var norm = LayerNorm(dimensions: 64)
        @ModuleInfo var second = Linear(64, 64)
        @ModuleInfo var head = Linear(64, 4)

        func callAsFunction(_ x: MLXArray) -> MLXArray {
            head(relu(second(norm(relu(first(x))))))
        }
    }

    private let batches = (0..<2).map { MLXRandom.normal([16, 32], key: MLXRandom.key($0)) }

    @Test("Codes that are chosen with data") func codes() throws {
        let model = Network()
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let rows = try model.quantizeWeights(.gptq(), format, data: batches) { model($0) }
        for row in rows { print(row.path, row.error, row.errorOfNearest) }
        #expect(rows.map(\.path) == ["first", "second", "head"])
        #expect(rows.allSatisfy { $0.error < $0.errorOfNearest })
    }

    @Test("Formats by layer") func formats() throws {
        let model = Network()
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let eight = try AffineFormat(groupSize: 32, bits: 8)
        try model.quantizeWeights(
            .awq(), format, data: batches, formats: { path, _ in path == "head" ? eight : format }
        ) { model($0) }
        #expect((model.head as? QuantizedLinear)?.bits == 8)
        #expect((model.first as? QuantizedLinear)?.bits == 3)
    }

    @Test("What it costs") func report() throws {
        let model = Network()
        let report = try model.quantizationReport(data: batches, groupSize: 32, bits: 4)
        print(report)
        let kept = report.layersToKeep(relativeError: 0.02)
        quantize(model: model, groupSize: 32, bits: 4) { path, _ in !kept.contains(path) }
        #expect(report.layers.allSatisfy { $0.largestError <= $0.bound })
        #expect(
            type(of: model.head) == (kept.contains("head") ? Linear.self : QuantizedLinear.self))
    }

    @Test("Products within a tolerance") func precision() throws {
        let model = Network()
        let bound = ReducedPrecision.int8.errorBound(terms: 64)   // 0.036
        let y = withPrecision(.int8, tolerance: 0.05) { model(batches[0]) }
        print(try explain(y))
        #expect(abs(bound - 0.036) < 0.0005)
        #expect(abs(ReducedPrecision.int8.errorBound(terms: 1024) - 0.146) < 0.001)
        #expect(abs(y - model(batches[0])).max().item(Float.self) < 0.5)
    }

    @Test("Activations in 8 bits") func smoothing() throws {
        let model = Network()
        let before = model(batches[0])
        try model.smoothInputs(strength: 0.5, data: batches) { model($0) }
        quantizeInt8(model: model)
        let change = abs(model(batches[0]) - before).max() / abs(before).max()
        #expect(change.item(Float.self) < 0.05)
    }

    @Test("Scales that are known beforehand") func scales() throws {
        let model = Network()
        let scales = try model.activationScales(.entropy, data: batches) { model($0) }
        try model.quantizeStaticInt8(scales)
        #expect(scales.count == 3 && model.first is StaticInt8Linear)
    }

    @Test("Training that knows of the rounding") func training() throws {
        let model = Network()
        let optimizer = Adam(learningRate: 1e-3)
        let (x, y) = (batches[0], MLXArray.zeros([16, 4]))
        let before = square(model(x) - y).mean().item(Float.self)
        try model.beginQuantizedTraining(groupSize: 32, bits: 2)
        let step = valueAndGrad(model: model) { model, x, y in square(model(x) - y).mean() }
        for _ in 0..<20 {
            let (_, gradients) = step(model, x, y)
            optimizer.update(model: model, gradients: gradients)
        }
        try model.endQuantizedTraining()
        #expect(model.first is QuantizedLinear)
        #expect(square(model(x) - y).mean().item(Float.self) < before)
    }
}
