import Foundation
import MLX
import MLXBase
import MLXFuzz
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

    // MARK: - One form

    /// What a function file or `mlx op` may ask for, as a row records it.
    private func refused(
        _ name: String, _ inputs: [MLXArray], _ attributes: Attributes,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let row = try #require(OpTable.find(name: name))
        let result = Ops.record(row.code, inputs, attributes)
        let isRefused = NodeReference(result).isPoisoned
        #expect(
            isRefused, "\(name) takes \(attributes)",
            sourceLocation: sourceLocation)
    }

    @Test("attributes lie where their row has them, and nowhere else", arguments: names)
    func oneForm(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        for sample in row.samples.samples() where !row.traits.contains(.needsObject) {
            let inputs = sample.shapes.enumerated().map { number, shape in
                MLXArray.zeros(shape).asType(sample.fixedDTypes[number] ?? .float32)
            }
            var attributes = sample.attributes
            switch row.attributeForm {
            case .words, .scalars:
                for word: UInt64 in [1, 650, .max] {
                    attributes.word = word
                    try refused(name, inputs, attributes)
                }
            case .axisMask, .permutation, .integer:
                for words in [[0], [650], [1, 2, 3]] {
                    attributes.words = words
                    try refused(name, inputs, attributes)
                }
                attributes.words = []
                if row.attributeNames.isEmpty {
                    attributes.word = 1
                    try refused(name, inputs, attributes)
                }
            }
        }
    }

    @Test("a rank that is checked is the rank that is used") func ranks() throws {
        let x = MLXArray.zeros([2, 600])
        for name in ["partition", "argpartition"] {
            try refused(name, [x], Attributes(words: [650]))
            try refused(name, [x], Attributes(word: 600))
            try refused(name, [x], Attributes(word: 5, words: [650]))
        }
        try refused("depends", [MLXArray.zeros([1]), MLXArray.zeros([9, 9])], Attributes(word: 1))
    }

    @Test("windows and strides that overflow are errors, those of nothing cost nothing")
    func offsets() throws {
        let x = MLXArray(0..<12, [3, 4])
        let largest = Int.max
        for offset in [0, 1, -1, largest, .min] {
            for stride in [0, 1, largest, .min, 1 << 62, -(1 << 62)] {
                for shape in [[0, 2], [2, 0], [1, 1], [2, 2], [1, 0], []] {
                    let strides = shape.map { _ in stride }
                    let y = asStrided(x, shape, strides: strides, offset: offset)
                    _ = try? checkedEval(y, y + 1, asStrided(y, [1], strides: [stride], offset: 0))
                    if shape.contains(0) { #expect(y.shape == shape) }
                }
            }
        }
        for start in [0, 3, 4, -1, largest, .min] {
            for step in [1, -1, 4, largest, .min] {
                for size in [0, 1, 2] {
                    let row = try #require(OpTable.find(name: "slice"))
                    let result = Ops.record(
                        row.code, [x.transposed()],
                        Attributes(
                            words: [start, 0, step, 1],
                            outputShape: try Shape(validating: [size, 3])))
                    if !NodeReference(result).isPoisoned { try checkedEval(result + 1) }
                }
            }
        }
        _ = eye(1, m: .max)
        #expect(x[0..<1, stride(by: .max)].shape == [1, 1])
    }

    @Test("steps of windows are structure: a plan of one is not another's") func plans() throws {
        let x = MLXArray(0..<100)
        let row = try #require(OpTable.find(name: "slice"))
        for step in [1, 9, -3] {
            let start = step < 0 ? 40 : 2
            let result = Ops.record(
                row.code, [x],
                Attributes(words: [start, step], outputShape: try Shape(validating: [10])))
            let values = (result + 0).asArray(Int32.self)
            #expect(values == (0..<10).map { Int32(start + $0 * step) })
        }
    }

    @Test("calls made of random bytes end in an array or an error") func randomCalls() {
        let rounds =
            ProcessInfo.processInfo.environment["MLX_FUZZ_ROUNDS"].flatMap(Int.init) ?? 4000
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix64(seed: seed)
        var outcomes: [HostileCall.Outcome: Int] = [:]
        for _ in 0..<rounds {
            var bytes = FuzzBytes(
                (0..<Int.random(in: 4...64, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                })
            outcomes[HostileCall(&bytes).run(), default: 0] += 1
        }
        #expect(outcomes[.computed, default: 0] > rounds / 50, "seed \(seed): \(outcomes)")
        #expect(outcomes[.refused, default: 0] > rounds / 50, "seed \(seed): \(outcomes)")
    }
}
