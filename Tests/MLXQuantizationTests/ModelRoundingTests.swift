import MLX
import MLXNN
import Testing

@testable import MLXQuantization

/// Models that are rounded with data: what is found out about them, that folding changes nothing in
/// floats, and that the result is better than that of nearest codes.
@Suite("Rounding models") struct ModelRoundingTests {
    private let data = SmallBlock.data

    /// ‖z' - z‖ / ‖z‖ on other data than the calibration's.
    private func loss(_ model: SmallBlock, _ expected: [MLXArray]) -> Float {
        let found = (0..<3).map { model(SmallBlock.batch(UInt64($0) + 70)) }
        let pairs = zip(found, expected)
        let change = pairs.reduce(Float(0)) { $0 + square($1.0 - $1.1).sum().item(Float.self) }
        let size = expected.reduce(Float(0)) { $0 + square($1).sum().item(Float.self) }
        return (change / size).squareRoot()
    }

    private var expected: [MLXArray] {
        let model = SmallBlock()
        return (0..<3).map { model(SmallBlock.batch(UInt64($0) + 70)) }
    }

    private func rounded(_ method: WeightRounding, bits: Int = 3) throws -> Float {
        let model = SmallBlock()
        let format = try AffineFormat(groupSize: 32, bits: bits)
        let isTable: (String, Module) -> AffineFormat? = { $1 is Embedding ? nil : format }
        try model.quantizeWeights(method, format, data: data, formats: isTable) { model($0) }
        return loss(model, expected)
    }

    @Test("inputs are shared, and scales are folded where they can be") func sources() throws {
        let model = SmallBlock()
        let observed = try ObservedModel(model, data) { model($0) }
        let groups = try observed.groups()
        #expect(
            groups.map { $0.layers.map(\.path) }
                == [["query", "key", "value"], ["output"], ["gate", "up"], ["down"], ["head"]])
        let before = model(data[0])
        let sources = try observed.sources(groups, of: groups)
        #expect(sources.map { $0?.path } == ["norm1", "value", "norm2", "up", nil])
        #expect(arrayEqual(model(data[0]), before).item(Bool.self))
    }

    @Test("moments are those of all data") func moments() throws {
        let model = SmallBlock()
        let observed = try ObservedModel(model, data) { model($0) }
        let sums = try observed.sums(of: [model.query], wantsMoments: true)
        let own = try #require(sums[ObjectIdentifier(model.query)])
        let rows = concatenated(
            data.map { model.norm1(model.table($0) * 8).reshaped([-1, 64]) }, axis: 0)
        #expect(own.rows == 192)
        let moments = try #require(own.moments)
        #expect(difference(moments, matmul(rows.T, rows) / 192) < 1e-5)
        #expect(difference(try #require(own.magnitudes), abs(rows).mean(axis: 0)) < 1e-5)
        #expect(difference(try #require(own.largest), abs(rows).max(axis: 0)) == 0)
    }

    @Test("every method is better than nearest codes") func methods() throws {
        let nearest = try rounded(.nearest)
        // Less error of the weights, but not always of what they are multiplied with.
        #expect(try rounded(.leastSquares) < 1.1 * nearest)
        #expect(try rounded(.gptq()) < 0.8 * nearest)
        #expect(try rounded(.awq()) < 0.9 * nearest)
        #expect(try rounded(.awq(AWQOptions(gptq: GPTQOptions()))) < 0.8 * nearest)
        let kept = AWQOptions(keepsInputScales: true)
        #expect(try rounded(.awq(kept)) < 0.9 * nearest)
    }

    @Test("rows say what rounding did") func rows() throws {
        let model = SmallBlock()
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let rows = try model.quantizeWeights(
            .awq(AWQOptions(keepsInputScales: true)), format, data: data
        ) { model($0) }
        #expect(rows.count == 8)
        #expect(rows.allSatisfy { $0.error < $0.errorOfNearest && $0.error > 0 })
        #expect(rows.first { $0.path == "down" }?.scaledBy == "up")
        #expect(rows.first { $0.path == "head" }?.scaledBy == nil)
        #expect(type(of: model.head) == InputScaledLinear.self)
        #expect(type(of: model.down) == QuantizedLinear.self)
        #expect(model.table is QuantizedEmbedding)
    }

    @Test("scales change nothing in floats") func scales() throws {
        let model = SmallBlock()
        let before = model(data[1])
        // 8 bits in one part: what is left is rounding to 256 steps.
        let format = try AffineFormat(groupSize: 32, bits: 8)
        try model.quantizeWeights(.awq(), format, data: data) { model($0) }
        #expect(difference(model(data[1]), before) < 0.02)
    }

    @Test("little memory makes more parts, with a result as good") func parts() throws {
        let model = SmallBlock()
        let format = try AffineFormat(groupSize: 32, bits: 3)
        let rows = try model.quantizeWeights(
            .gptq(), format, data: data, memoryLimit: 1,
            formats: { $1 is Embedding ? nil : format }
        ) { model($0) }
        #expect(rows.count == 8)
        #expect(try loss(model, expected) < 0.8 * rounded(.nearest))
        let groups = try ObservedModel(SmallBlock(), data) { $0 }.groups()
        #expect(groups.isEmpty)
    }

    @Test("formats by layer, and layers that stay") func formats() throws {
        let model = SmallBlock()
        let (four, eight) = (try AffineFormat(), try AffineFormat(groupSize: 32, bits: 8))
        try model.quantizeWeights(
            .gptq(), four, data: data,
            formats: { path, _ in path == "head" ? nil : path == "up" ? eight : four }
        ) { model($0) }
        #expect(type(of: model.head) == Linear.self)
        #expect((model.up as? QuantizedLinear)?.bits == 8)
        #expect((model.gate as? QuantizedLinear)?.bits == 4)
    }

    @Test("refuses data that there is none of, and failing models") func errors() throws {
        let model = SmallBlock()
        let format = try AffineFormat()
        #expect(throws: QuantizationError.self) {
            try model.quantizeWeights(.gptq(), format, data: [MLXArray]()) { model($0) }
        }
        let bad = [MLXArray.zeros([2, 3, 4, 5])]
        #expect(throws: (any Error).self) {
            try model.quantizeWeights(.gptq(), format, data: bad) { model.head($0) }
        }
        #expect(type(of: model.head) == Linear.self && model.training)
    }

    @Test("without data the search is used") func withoutData() throws {
        let model = SmallBlock()
        let rows = try model.quantizeWeights(try AffineFormat(groupSize: 32, bits: 3))
        #expect(rows.count == 9)
        #expect(rows.allSatisfy { $0.error < $0.errorOfNearest })
    }

    @Test("smoothing changes nothing in floats, and less in int8") func smoothing() throws {
        let model = SmallBlock()
        let before = model(data[1])
        let rows = try model.smoothInputs(data: data) { model($0) }
        #expect(difference(model(data[1]), before) < 1e-5)
        #expect(rows.map(\.source) == ["norm1", "value", "norm2", "up", nil])
        let norm = try #require(rows.first)
        #expect(norm.largestAfter < 0.5 * norm.largest)
        // By the formula: s_j = sqrt(max|x_j| / max|w_j|).
        let plain = SmallBlock()
        let x = concatenated(
            data.map { plain.norm1(plain.table($0) * 8).reshaped([-1, 64]) }, axis: 0)
        let weights = concatenated([plain.query.weight, plain.key.weight, plain.value.weight])
        let scales = sqrt(abs(x).max(axis: 0) / abs(weights).max(axis: 0))
        #expect(difference(model.norm1.weight, plain.norm1.weight / scales) < 1e-5)
        #expect(throws: QuantizationError.self) {
            try model.smoothInputs(strength: 2, data: self.data) { model($0) }
        }
    }
}
