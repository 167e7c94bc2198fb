import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Makes programs. The samples of the rows say which shapes, attributes and domains they take,
/// and results of earlier steps are fitted to them with further operations, so every row meets
/// every other. A program depends on its seed alone; consecutive seeds start with consecutive rows.
package struct FuzzGenerator {
    var random: SplitMix64
    private var program = FuzzProgram()
    /// The values recorded so far, never evaluated: for their shapes and dtypes.
    private(set) var values: [MLXArray] = []
    private var base = DType.float32

    /// Rows to choose from.
    package static let rows = OpTable.rows.filter { row in
        !row.traits.contains(.needsObject) && !row.samples.samples().isEmpty
    }

    private static let bases: [DType] = [
        .float32, .float32, .float32, .float32, .float16, .bfloat16, .float64, .complex64, .int32,
        .int64, .int8, .uint8, .uint32, .bool,
    ]

    private init(seed: UInt64) { random = SplitMix64(seed: seed) }

    package static func program(seed: UInt64) -> FuzzProgram {
        var generator = FuzzGenerator(seed: seed)
        generator.grow(first: rows[Int(seed % UInt64(rows.count))])
        return generator.program
    }

    private mutating func grow(first: OpRow) {
        base = FuzzGenerator.bases[random.below(FuzzGenerator.bases.count)]
        for _ in 0...random.below(2) { _ = leaf(randomShape(), base) }
        let count = 1 + random.below(7)
        for number in 0..<count {
            let rows = FuzzGenerator.rows
            let before = (program, values)
            if apply(number == 0 ? first : rows[random.below(rows.count)]) == nil {
                (program, values) = before
            }
        }
        if program.outputs.isEmpty { _ = append(.negative, [leaf(randomShape(), .float32)]) }
    }

    private mutating func randomShape() -> [Int] {
        let rank = random.below(4)
        return (0..<rank).map { _ in
            switch random.below(12) {
            case 0: 1
            case 1: 0
            case 2: 17 + random.below(50)
            case 3: 128 + random.below(6)
            default: 1 + random.below(7)
            }
        }
    }

    // MARK: - Steps

    /// Applies a row to earlier values.
    /// - Returns: the number of the result, nil when the row does not take what was found.
    private mutating func apply(_ row: OpRow) -> Int? {
        if let step = applyFreely(row) { return step }
        let samples = row.samples.samples()
        let sample = samples[random.below(samples.count)]
        guard sample.shapes.allSatisfy({ $0.reduce(1, *) <= 1 << 14 }) else { return nil }
        // The row may not take the program's dtype: then float32, then integers.
        for dtype in [base, .float32, .int32] {
            let before = (program, values)
            var inputs: [Int] = []
            for (number, shape) in sample.shapes.enumerated() {
                let domain = number < sample.domains.count ? sample.domains[number] : nil
                let type = sample.fixedDTypes[number] ?? dtype
                inputs.append(
                    fitted(
                        pick(), to: shape, type, domain,
                        isFixed: sample.fixedDTypes[number] != nil))
            }
            if let step = append(row.code, inputs, sample.attributes) { return step }
            (program, values) = before
        }
        return nil
    }

    /// Rows whose attributes can be drawn for any shape.
    private mutating func applyFreely(_ row: OpRow) -> Int? {
        if random.oneIn(3) { return nil }
        let x = pick()
        if let draw = row.draw {
            guard let attributes = draw.attributes(values[x].shape, { random.below($0) }) else {
                return nil
            }
            return append(row.code, [Int](repeating: x, count: draw.inputCount), attributes)
        }
        guard row.elementwise != nil, hasFreeDomain(row) else { return nil }
        return append(row.code, (0..<row.arity.lowerBound).map { _ in x })
    }

    private func hasFreeDomain(_ row: OpRow) -> Bool {
        row.samples.samples().allSatisfy { sample in
            sample.fixedDTypes.isEmpty && sample.attributes.outputShape == nil
                && sample.domains.allSatisfy { $0 == -4...4 }
        }
    }

    /// An earlier value, the later the likelier, or a new leaf.
    private mutating func pick() -> Int {
        if random.oneIn(5) || values.isEmpty { return leaf(randomShape(), base) }
        return max(random.below(values.count), random.below(values.count))
    }

    mutating func leaf(
        _ shape: [Int], _ dtype: DType, constant: Double? = nil
    ) -> Int {
        let leaf = FuzzProgram.Leaf(
            shape: shape, dtype: dtype, seed: random.next(), constant: constant,
            hasSpecials: constant == nil && random.oneIn(6))
        program.nodes.append(.leaf(leaf))
        values.append(leaf.array())
        return values.count - 1
    }

    mutating func append(
        _ code: OpCode, _ inputs: [Int], _ attributes: Attributes = .none
    ) -> Int? {
        let result = Ops.record(code, inputs.map { values[$0] }, attributes)
        guard !NodeReference(result).isPoisoned, result.size <= 1 << 16 else { return nil }
        program.nodes.append(
            .step(.init(op: code, inputs: inputs, attributes: attributes)))
        values.append(result)
        return values.count - 1
    }
}
