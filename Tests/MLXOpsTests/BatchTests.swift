import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// The batch rule of every row against a loop over the batch, for every choice of batched inputs.
/// Rows without a tolerance must give the same bits.
@Suite("Batches") struct BatchTests {
    /// Rows that refuse floats.
    static let integerRows: Set = [
        "bitwise_invert", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift",
    ]
    static let mappable = OpTable.rows.filter { $0.arity.upperBound > 0 }.map(\.name)

    @Test("vmap equals a loop", arguments: mappable)
    func vmapEqualsLoop(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        var draws = Draws(seed: 5)
        for sample in row.samples.samples() where !sample.shapes.isEmpty {
            if sample.shapes.contains(where: { $0.reduce(1, *) > 4000 }) { continue }
            let count = sample.shapes.count
            for choice in Set([1 << count - 1, 1, 1 << (count - 1)]) {
                let isMapped = (0..<count).map { choice >> $0 & 1 == 1 }
                try check(row, sample, isMapped, &draws)
            }
        }
    }

    private func check(
        _ row: OpRow, _ sample: SampleRule.Sample, _ isMapped: [Bool], _ draws: inout Draws
    ) throws {
        let size = 3
        let own: DType = BatchTests.integerRows.contains(row.name) ? .int32 : .float32
        var drawn: [Tensor] = []
        var types: [DType] = []
        for (number, shape) in sample.shapes.enumerated() {
            let domain = number < sample.domains.count ? sample.domains[number] : -2...2
            let type = sample.fixedDTypes[number] ?? own
            let dims = isMapped[number] ? [size] + shape : shape
            drawn.append(draws.tensor(dims, domain, type))
            types.append(type)
        }
        let inputs = zip(Matrices.prepared(row.name, drawn), types).map { $0.array($1) }
        let function = { (x: [MLXArray]) in [Ops.record(row.code, x, sample.attributes)] }
        let got = vmap(function, inAxes: isMapped.map { $0 ? 0 : nil })(inputs)[0]
        let wanted = MLX.stacked(
            (0..<size).map { element in
                function(zip(inputs, isMapped).map { $1 ? $0[element] : $0 })[0]
            })
        let what = "\(row.name) of \(sample.shapes), mapped \(isMapped)"
        try checkedEval(got, wanted)
        try #require(got.shape == wanted.shape && got.dtype == wanted.dtype, "\(what)")
        if got.asData().data == wanted.asData().data { return }
        try #require(row.toleranceEpsilons > 0, "\(what): \(got), not \(wanted)")
        let (a, b) = (Tensor(got), Tensor(wanted))
        let largest = b.values.reduce(0) { Swift.max($0, Swift.abs($1)) }
        for (x, y) in zip(a.values, b.values) where x != y {
            let bound = row.toleranceEpsilons * Double(Float.ulpOfOne) * Swift.max(largest, 1e-3)
            #expect(Swift.abs(x - y) <= bound, "\(what): \(x), not \(y)")
        }
    }
}
