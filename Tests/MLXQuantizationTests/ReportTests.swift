import Foundation
import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// Reports: figures against their definitions, the bound against many inputs, the layers to keep.
@Suite("Quantization reports") struct ReportTests {
    private let data = SmallBlock.data

    @Test("figures are what they are said to be") func figures() throws {
        let model = SmallBlock()
        let before = model(data[0])
        let report = try model.quantizationReport(data: data, groupSize: 32, bits: 4)
        #expect(arrayEqual(model(data[0]), before).item(Bool.self))
        #expect(
            report.layers.map(\.path)
                == ["query", "key", "value", "output", "gate", "up", "down", "head"])
        let row = try #require(report.layers.first { $0.path == "value" })
        let small = QuantizedLinear(model.value, groupSize: 32, bits: 4)
        let inputs = concatenated(data.map { model.norm1(model.table($0) * 8) }, axis: 0)
        let (y, z) = (model.value(inputs), small(inputs))
        let relative = sqrt(square(z - y).sum() / square(y).sum()).item(Float.self)
        #expect(abs(row.relativeError / relative - 1) < 1e-4)
        #expect(abs(row.largestError / abs(z - y).max().item(Float.self) - 1) < 1e-4)
        let cosine = ((z * y).sum() / sqrt(square(z).sum() * square(y).sum())).item(Float.self)
        #expect(abs(row.cosine - cosine) < 1e-5)
        // The model with this layer alone.
        let other = SmallBlock()
        quantize(model: other, groupSize: 32, bits: 4) { path, _ in path == "value" }
        let all = concatenated(data.map { model($0) }, axis: 0)
        let changed = concatenated(data.map { other($0) }, axis: 0)
        let sensitivity = sqrt(square(changed - all).sum() / square(all).sum()).item(Float.self)
        #expect(abs(row.sensitivity / sensitivity - 1) < 1e-4)
    }

    /// Ordinary inputs (6, 64), a large one among them, and signs that let all errors add up.
    private func inputs(_ layer: Linear, _ decoded: MLXArray, _ seed: UInt64) -> MLXArray {
        let x = drawn([6, 64], seed: seed)
        x[1, 3] = MLXArray(Float(1000))
        x[2] = sign(decoded - layer.weight)[0]
        return x
    }

    /// How many times the largest error the bound is.
    private func ratio(
        _ layer: Linear, _ small: any UnaryLayer, _ x: MLXArray
    ) throws -> Float {
        let error = abs(small(x) - layer(x))
        let bound = errorBound(layer, small, x)
        try checkedEval([error, bound])
        #expect(all(error .<= bound).item(Bool.self))
        return (bound.max() / error.max()).item(Float.self)
    }

    private func layer(_ seed: UInt64) -> Linear {
        Linear(weight: drawn([8, 64], seed: seed), bias: drawn([8], seed: seed + 1))
    }

    @Test("no error exceeds its bound, which is tight", arguments: [2, 3, 4, 8])
    func bounds(bits: Int) throws {
        let ratios = try (0..<100).map { number in
            let seed = UInt64(10 * number + bits)
            let layer = layer(seed)
            let small = QuantizedLinear(layer, groupSize: 32, bits: bits)
            let decoded = dequantized(
                small.weight, scales: small.scales, biases: small.biases, groupSize: 32,
                bits: bits)
            return try ratio(layer, small, inputs(layer, decoded, seed + 2))
        }
        #expect(ratios.sorted()[50] <= 8)
    }

    @Test("inputs that are rounded to int8 are in the bound") func integerBounds() throws {
        try Device.withDefaultDevice(.npu) {
            for number in 0..<100 {
                let seed = UInt64(10 * number)
                let layer = layer(seed)
                let small = Int8Linear(layer)
                let decoded =
                    small.weight.asType(.float32) * small.scales.expandedDimensions(axis: 1)
                _ = try ratio(layer, small, inputs(layer, decoded, seed + 2))
                // Without a large input among small ones the bound is tight as well.
                #expect(try ratio(layer, small, drawn([64, 64], seed: seed + 3)) <= 16)
            }
        }
    }

    @Test("modes of MLX are reported too", arguments: [QuantizationMode.mxfp4, .mxfp8, .nvfp4])
    func modes(mode: QuantizationMode) throws {
        let report = try SmallBlock().quantizationReport(data: data, mode: mode)
        #expect(report.bits == (mode == .mxfp8 ? 8 : 4))
        #expect(report.groupSize == (mode == .nvfp4 ? 16 : 32))
        #expect(report.layers.count == 8)
        for row in report.layers {
            #expect(row.largestError > 0 && row.largestError <= row.bound, "\(row.path)")
        }
    }

    @Test("convolutions in mode int8 are measured too") func convolution() throws {
        final class Net: Module, UnaryLayer {
            @ModuleInfo var first = Conv2d(inputChannels: 2, outputChannels: 4, kernelSize: 3)
            @ModuleInfo var last = Linear(4 * 36, 3)
            func callAsFunction(_ x: MLXArray) -> MLXArray {
                last(relu(first(x)).reshaped([x.dim(0), -1]))
            }
        }
        let report = try Net().quantizationReport(
            data: [drawn([2, 8, 8, 2], seed: 1)], mode: .int8)
        #expect(report.layers.map(\.path) == ["first", "last"])
        #expect(report.layers[0].bound.isNaN && report.layers[0].relativeError < 0.02)
        #expect(report.layers[1].largestError <= report.layers[1].bound)
    }

    private func row(_ path: String, _ sensitivity: Float) -> QuantizedLayerError {
        QuantizedLayerError(
            path: path, parameterCount: 1, relativeError: 0, cosine: 1, largestError: 0, bound: 0,
            sensitivity: sensitivity)
    }

    @Test("the most sensitive layers are kept, and no more than needed") func kept() {
        let rows = [row("a", 0.03), row("b", 0.3), row("c", 0.04), row("d", 0.1)]
        func report(_ error: Float) -> QuantizationReport {
            QuantizationReport(
                mode: .affine, groupSize: 64, bits: 4, layers: rows, modelError: error)
        }
        #expect(report(0.2).layersToKeep(relativeError: 1).isEmpty)
        #expect(report(0.2).layersToKeep(relativeError: 0.2) == ["b"])
        #expect(report(0.2).layersToKeep(relativeError: 0.051) == ["b", "d"])
        #expect(report(0.2).layersToKeep(relativeError: 0.049) == ["b", "d", "c"])
        #expect(report(0.2).layersToKeep(relativeError: 0) == ["b", "d", "c", "a"])
        // Errors that do not cancel: the measured one is 2 times the root of the squares.
        let sum = (0.0009 + 0.09 + 0.0016 + 0.01 as Float).squareRoot()
        #expect(report(2 * sum).layersToKeep(relativeError: 0.061) == ["b", "d", "c"])
    }

    @Test("what a report keeps in floats is accurate enough") func target() throws {
        let model = SmallBlock()
        let report = try model.quantizationReport(data: data, groupSize: 32, bits: 3)
        let target = report.modelError / 2
        let kept = report.layersToKeep(relativeError: target)
        #expect(!kept.isEmpty && kept.count < report.layers.count)
        let all = concatenated(data.map { model($0) }, axis: 0)
        quantize(model: model, groupSize: 32, bits: 3) { path, layer in
            layer is Linear && !kept.contains(path)
        }
        let found = concatenated(data.map { model($0) }, axis: 0)
        let error = sqrt(square(found - all).sum() / square(all).sum()).item(Float.self)
        #expect(error < 1.5 * target)
    }

    @Test("reports are printed and coded") func coding() throws {
        let report = try SmallBlock().quantizationReport(data: data, bits: 4)
        let text = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(QuantizationReport.self, from: text) == report)
        let lines = report.description.split(separator: "\n")
        #expect(lines.count == report.layers.count + 2)
        #expect(lines.last?.hasPrefix("affine, 4 bits, groups of 64") == true)
    }

    @Test("refuses what there is not") func errors() throws {
        let model = SmallBlock()
        #expect(throws: ArrayError.self) {
            try model.quantizationReport(data: self.data, groupSize: 48)
        }
        #expect(throws: QuantizationError.self) { try model.quantizationReport(data: []) }
        #expect(throws: QuantizationError.self) {
            try model.quantizationReport(data: self.data) { _, _ in false }
        }
    }
}
