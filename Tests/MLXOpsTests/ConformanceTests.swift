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

    @Test("rows are complete", arguments: rowNames) func complete(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        #expect(!row.synopsis.isEmpty)
        #expect(!row.samples.samples().isEmpty)
        #expect(
            row.isElementwise || row.kernel != nil || !row.specialKernels.isEmpty,
            "nothing computes it")
        #expect(DeviceKind.allCases.contains { row.runs(on: $0) })
        let sample = row.samples.samples()[0]
        let shapes = try sample.shapes.map { try Shape(validating: $0) }
        let context = CostContext(
            shapes: shapes, output: sample.attributes.outputShape ?? shapes.first ?? .scalar,
            words: sample.attributes.words)
        #expect(row.work.flops(context) >= 0)
        #expect(row.work.bytes(context, operands: 10) <= 10)
    }

    @Test("devices agree with the reference", arguments: rowNames)
    func reference(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        for (number, sample) in row.samples.samples().enumerated() {
            for dtype in DType.allCases {
                let seed = UInt64(number * 100) + UInt64(dtype.rawValue)
                guard let item = try ConformanceCase(row, sample, dtype, seed: seed) else {
                    continue
                }
                try check(item, sample, dtype)
            }
        }
    }

    private func check(
        _ item: ConformanceCase, _ sample: SampleRule.Sample, _ dtype: DType
    ) throws {
        guard let wanted = item.reference else { return }
        let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? dtype }
        // Kernels meet every layout in tests of their own; tapes and windows only here.
        let isDirect = item.row.isElementwise || item.row.isView
        let layouts: [Layout] = isDirect ? Layout.allCases : [.rowMajor, .sliced]
        for kind in DeviceKind.allCases where item.row.runs(on: kind) {
            for layout in layouts {
                let result = Ops.record(
                    item.row.code, zip(item.inputs, types).map { $0.array($1, layout) },
                    item.attributes, stream: StreamID(kind, lane: 0))
                try checkedEval(result)
                #expect(result.dtype == item.output)
                item.compare(
                    Tensor(result), wanted, "\(item.description) on \(kind) \(layout)")
            }
        }
    }

    @Test("rows marked exact agree between devices bit for bit", arguments: rowNames)
    func exact(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        guard row.toleranceEpsilons == 0 else { return }
        let kinds = DeviceKind.general.filter { row.runs(on: $0) }
        for sample in row.samples.samples() {
            guard let item = try ConformanceCase(row, sample, .float32, seed: 7) else { continue }
            let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? DType.float32 }
            let inputs = zip(item.inputs, types).map { $0.array($1) }
            let results = kinds.map {
                Ops.record(row.code, inputs, item.attributes, stream: StreamID($0, lane: 0))
            }
            try checkedEval(results)
            for result in results.dropFirst() {
                #expect(
                    result.asData(access: .copy).data == results[0].asData(access: .copy).data)
            }
        }
    }
}
