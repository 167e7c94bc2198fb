import Foundation
import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// Ranges of activations against NumPy: `numpy.histogram` of the same numbers, and each rule
/// written down on its counts. NUMERICS: bins are found in float32 here, so that a number at the
/// edge of one may lie in its neighbour.
@Suite("Ranges of activations") struct ActivationTests {
    /// Sums of four waves, every 997th eight times as large.
    private func numbers() -> [Float] {
        (0..<20_000).map { index in
            let i = Double(index)
            let sum = sin(0.37 * i) + sin(0.73 * i + 1) + sin(1.31 * i + 2) + sin(2.17 * i + 3)
            return Float(index >= 1500 && (index - 1500) % 997 == 0 ? 8 * sum : sum)
        }
    }

    private func histogram() throws -> ActivationHistogram {
        var histogram = ActivationHistogram()
        try histogram.add(MLXArray.zeros([0]))
        // The range of the first part is too small for the second and is doubled.
        let all = numbers()
        try histogram.add(MLXArray(Array(all[..<1000])))
        try histogram.add(MLXArray(Array(all[1000...]), [19, 1000]))
        return histogram
    }

    @Test("counts are NumPy's") func counts() throws {
        let histogram = try histogram()
        #expect(abs(histogram.range - 30.874235153198242) < 1e-4)
        #expect(abs(histogram.largest - 27.324674606323242) < 1e-5)
        #expect(histogram.counts.reduce(0, +) == 20_000)
        let expected = [166, 161, 177, 179, 150, 166]
        #expect(zip(histogram.counts, expected).allSatisfy { abs($0 - $1) <= 1 })
    }

    @Test(
        "thresholds are NumPy's",
        arguments: [
            (RangeRule.largest, 27.324674606323242), (.percentile(99), 3.3919447800144553),
            (.percentile(99.9), 3.8894300144165754), (.percentile(50), 1.0100457789376378),
            (.squaredError, 24.994864201173186), (.entropy, 3.934655944816768),
        ])
    func thresholds(rule: RangeRule, expected: Double) throws {
        let histogram = try histogram()
        #expect(abs(try histogram.threshold(rule) / expected - 1) < 0.005)
        #expect(abs(Double(try histogram.scale(rule)) / (expected / 127) - 1) < 0.005)
    }

    @Test("zeros have a scale, and what is not finite is refused") func edges() throws {
        var histogram = ActivationHistogram()
        try histogram.add(MLXArray.zeros([10]))
        for rule in [RangeRule.largest, .percentile(99), .squaredError, .entropy] {
            #expect(try histogram.threshold(rule) == 0 && histogram.scale(rule) == 1)
        }
        #expect(throws: QuantizationError.self) {
            var bad = histogram
            try bad.add(MLXArray([1, Float.nan]))
        }
        for share in [0, 100.5, .nan, -1] {
            #expect(throws: QuantizationError.self) {
                try histogram.threshold(.percentile(share))
            }
        }
        // One number only.
        try histogram.add(MLXArray([3] as [Float]))
        #expect(try histogram.threshold(.entropy) == 3)
        #expect(abs(try histogram.threshold(.squaredError) - 3) < 0.01)
    }

    @Test("layers with static scales compute in integers") func layer() throws {
        let plain = Linear(weight: drawn([4, 64], seed: 1), bias: drawn([4], seed: 2))
        let x = drawn([8, 64], seed: 3)
        let layer = StaticInt8Linear(plain, inputScale: 0.02)
        let codes = clip(round(x / 0.02), min: Float(-127), max: Float(127))
        let weight = layer.weight.asType(.float32) * layer.scales.expandedDimensions(axis: 1)
        let expected = matmul(codes * 0.02, weight.T) + (plain.bias ?? MLXArray(Float(0)))
        #expect(difference(layer(x), expected) < 1e-5)
        #expect(difference(layer(x), plain(x)) < 0.03)
    }

    @Test("models get static scales") func models() throws {
        let model = SmallBlock()
        let data = SmallBlock.data
        let before = model(data[0])
        let scales = try model.activationScales(.largest, data: data) { model($0) }
        #expect(
            scales.keys.sorted()
                == ["down", "gate", "head", "key", "output", "query", "up", "value"])
        let rows = concatenated(data.map { model.norm1(model.table($0) * 8) }, axis: 0)
        #expect(abs((scales["query"] ?? 0) * 127 / abs(rows).max().item(Float.self) - 1) < 1e-5)
        try model.quantizeStaticInt8(scales)
        let query = try #require(model.query as? StaticInt8Linear)
        #expect(query.inputScale.item(Float.self) == scales["query"])
        // The layer's inputs have a channel that is far larger than the others.
        #expect(difference(model(data[0]), before) < 1.5)
        #expect(throws: QuantizationError.self) { try model.quantizeStaticInt8(["query": 1]) }
        #expect(throws: QuantizationError.self) { try SmallBlock().quantizeStaticInt8(["x": 1]) }
        #expect(throws: QuantizationError.self) { try SmallBlock().quantizeStaticInt8(["up": 0]) }
    }

    @Test("smoothing helps static scales") func smoothing() throws {
        let data = SmallBlock.data
        func loss(_ smooths: Bool) throws -> Float {
            let model = SmallBlock()
            let before = concatenated(data.map { model($0) }, axis: 0)
            if smooths { try model.smoothInputs(data: data) { model($0) } }
            try model.quantizeStaticInt8(
                try model.activationScales(.squaredError, data: data) { model($0) })
            let after = concatenated(data.map { model($0) }, axis: 0)
            return square(after - before).sum().item(Float.self)
        }
        #expect(try loss(true) < 0.7 * loss(false))
    }
}
