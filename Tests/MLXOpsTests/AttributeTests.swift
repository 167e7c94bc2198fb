import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// Attributes come from outside when functions are imported and when `mlx op` runs a row: whatever
/// they say, a row records an operation that can be computed, or an invalid array.
@Suite("Hostile attributes") struct AttributeTests {
    static let names = OpTable.rows.map(\.name)
    static let values = [
        -1, 0, 1, 2, 3, 7, 64, 65_535, 1 << 31, 1 << 62, .max, .min, -(1 << 31),
    ]

    @Test("no attributes trap", arguments: names)
    func anyAttributes(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        for sample in row.samples.samples() {
            if sample.shapes.contains(where: { $0.reduce(1, *) > 4000 }) { continue }
            var draws = Draws(seed: 3)
            let type: DType = BatchTests.integerRows.contains(name) ? .int32 : .float32
            let inputs = sample.shapes.enumerated().map { number, shape in
                let domain = number < sample.domains.count ? sample.domains[number] : -2...2
                let own = sample.fixedDTypes[number] ?? type
                return draws.tensor(shape, domain, own).array(own)
            }
            for attributes in AttributeTests.variations(of: sample.attributes) {
                try compute(row, inputs, attributes)
            }
            // Fewer, more and other inputs.
            for changed in [
                Array(inputs.dropLast()), inputs + inputs, inputs.reversed(), [],
                inputs.map { _ in MLXArray.zeros([2, 0, 3]) }, inputs.map { _ in MLXArray(1) },
            ] { try compute(row, changed, sample.attributes) }
        }
    }

    private func compute(
        _ row: OpRow, _ inputs: [MLXArray], _ attributes: Attributes
    ) throws {
        let result = Ops.record(row.code, inputs, attributes)
        if NodeReference(result).isPoisoned || result.size > 1 << 16 { return }
        do { try checkedEval(result) } catch {}
    }

    static func variations(of attributes: Attributes) -> [Attributes] {
        var result: [Attributes] = []
        for value in values {
            var changed = attributes
            changed.word = UInt64(bitPattern: Int64(value))
            result.append(changed)
        }
        for index in attributes.words.indices {
            for value in values {
                var changed = attributes
                changed.words[index] = value
                result.append(changed)
            }
        }
        for words in [[], Array(attributes.words.dropLast()), attributes.words + [1]] {
            var changed = attributes
            changed.words = words
            changed.dynamicCount = min(changed.dynamicCount, words.count)
            result.append(changed)
        }
        for dims in [[], [0], [1], [3], [2, 3], [5, 4, 3, 2], [1 << 10, 1 << 10]] {
            var changed = attributes
            changed.outputShape = try? Shape(validating: dims, operation: "test")
            result.append(changed)
        }
        for dtype in DType.allCases {
            var changed = attributes
            changed.outputDType = dtype
            result.append(changed)
        }
        var none = attributes
        none.outputShape = nil
        none.outputDType = nil
        result.append(none)
        return result
    }
}
