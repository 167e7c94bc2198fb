import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// Every row of the op table, on every device that has a kernel for it, in every dtype it takes
/// and every layout, against the naive reference.
@Suite("Conformance") struct ConformanceTests {
    static let rowNames = OpTable.rows.map(\.name)
    private static let dtypes: [DType] = [
        .bool, .uint8, .int8, .int16, .int32, .uint32, .int64, .uint64, .float16, .bfloat16,
        .float32, .float64,
    ]

    @Test("rows are complete", arguments: rowNames) func complete(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        #expect(!row.synopsis.isEmpty)
        #expect(!row.samples.samples().isEmpty)
        #expect(
            row.isElementwise || (row.kernels.cpu != nil && row.kernels.gpu != nil),
            "cpu and gpu have kernels of their own")
        let sample = row.samples.samples()[0]
        let shapes = try sample.shapes.map { try Shape(validating: $0) }
        let context = CostContext(
            shapes: shapes, output: sample.attributes.outputShape ?? shapes.first ?? .scalar,
            words: sample.attributes.words)
        #expect(row.flops(context) >= 0)
    }

    @Test("devices agree with the reference", arguments: rowNames)
    func reference(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        for (number, sample) in row.samples.samples().enumerated() {
            for dtype in Self.dtypes {
                try check(row, sample, dtype, seed: UInt64(number * 100) + UInt64(dtype.rawValue))
            }
        }
    }

    private func check(
        _ row: OpRow, _ sample: SampleRule.Sample, _ dtype: DType, seed: UInt64
    ) throws {
        var draws = Draws(seed: seed)
        let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? dtype }
        guard accepts(row, sample, types) else { return }
        var inputs = zip(sample.shapes, types).enumerated().map { index, input in
            let domain = index < sample.domains.count ? sample.domains[index] : -4...4
            return draws.tensor(input.0, domain, input.1)
        }
        if row.name.hasPrefix("max_pool2d_") {
            // The second input is the pool's own output.
            inputs[1] = try #require(
                Reference.evaluate(
                    OpTable[.maxPool], [inputs[0]], sample.attributes,
                    output: sample.shapes[1]))
        }
        inputs = Matrices.prepared(row.name, inputs)
        guard isDefined(row, inputs, dtype) else { return }
        for kind in DeviceKind.allCases
        where row.kernels[kind] != nil || row.isElementwise && kind != .npu {
            for layout in Layout.allCases {
                let result = Ops.record(
                    row.code, zip(inputs, types).map { $0.array($1, layout) }, sample.attributes,
                    stream: StreamID(kind, lane: 0))
                try checkedEval(result)
                guard
                    let wanted = Reference.evaluate(
                        row, inputs, sample.attributes, output: result.shape)
                else { return }
                compare(
                    Tensor(result), wanted, row, result.dtype,
                    "\(row.name) \(dtype) on \(kind) \(layout) \(sample.shapes)")
            }
        }
    }

    private func accepts(
        _ row: OpRow, _ sample: SampleRule.Sample, _ types: [DType]
    ) -> Bool {
        guard let shapes = try? sample.shapes.map({ try Shape(validating: $0) }) else {
            return false
        }
        let context = RuleContext(
            row: row, shapes: shapes, dtypes: types, attributes: sample.attributes)
        if row.name.hasPrefix("int8") && types[0] != .float32 { return false }
        if row.name == "random_bits" && types[0] != .uint32 { return false }
        return (try? row.dtype.apply(context)) != nil
    }

    /// Left out: what wraps around in narrow integers, where the reference counts on.
    private func isDefined(_ row: OpRow, _ inputs: [Tensor], _ dtype: DType) -> Bool {
        if dtype.isFloatingPoint { return true }
        switch row.name {
        case "prod": return inputs[0].values.reduce(1, { $0 * Swift.abs($1) }) < 0x1p31
        case "negative", "subtract": return !dtype.isUnsignedInteger && dtype != .bool
        case "add", "multiply", "square", "power", "left_shift", "right_shift",
            "floor_divide", "remainder", "sign", "scatter_add", "scatter_prod", "maximum",
            "minimum", "cumsum", "cumprod":
            return dtype != .bool && dtype != .int8 && dtype != .uint8
                && !(row.name == "power" && inputs[1].values.contains { $0 < 0 })
        default: return true
        }
    }

    private func compare(
        _ got: Tensor, _ wanted: Tensor, _ row: OpRow, _ dtype: DType, _ what: String
    ) {
        #expect(got.shape == wanted.shape, "\(what)")
        let epsilon = dtype.finfo?.eps ?? 0
        let units = max(row.toleranceEpsilons, row.isElementwise ? 16 : 4)
        let scale = wanted.values.reduce(1.0) { max($0, Swift.abs($1)) }
        for (x, y) in zip(got.values, wanted.values) {
            if x == y || x.isNaN && y.isNaN { continue }
            // Sums and products are judged by the size of what went into them.
            let size = row.isElementwise ? max(Swift.abs(y), 0.25) : scale
            if !(Swift.abs(x - y) <= units * epsilon * size) {
                Issue.record("\(what): \(x), not \(y)")
                return
            }
        }
    }

    @Test("rows marked exact agree between devices bit for bit", arguments: rowNames)
    func exact(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        guard row.toleranceEpsilons == 0 else { return }
        for sample in row.samples.samples() {
            let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? DType.float32 }
            guard accepts(row, sample, types) else { continue }
            var draws = Draws(seed: 7)
            let inputs = zip(sample.shapes, types).enumerated().map { index, input in
                let domain = index < sample.domains.count ? sample.domains[index] : -4...4
                return draws.tensor(input.0, domain, input.1).array(input.1)
            }
            let results = [DeviceKind.cpu, .gpu].map {
                Ops.record(
                    row.code, inputs, sample.attributes, stream: StreamID($0, lane: 0))
            }
            try checkedEval(results)
            #expect(
                results[0].asData(access: .copy).data == results[1].asData(access: .copy).data)
        }
    }
}
