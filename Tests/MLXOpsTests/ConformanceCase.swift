import MLXBase
import MLXOps
import Testing

/// A row, one of its samples and a dtype: inputs drawn from a seed, and what must come out.
struct ConformanceCase {
    let row: OpRow
    let attributes: Attributes
    let inputs: [Tensor]
    /// The inputs' dtypes as the kernel gets them.
    let types: [DType]
    let output: DType
    let shape: [Int]
    private let dtype: DType

    /// Nil where the row does not take the dtype, or where the reference counts on and the dtype
    /// wraps around.
    init?(_ row: OpRow, _ sample: SampleRule.Sample, _ dtype: DType, seed: UInt64) throws {
        var types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? dtype }
        let shapes = try sample.shapes.map { try Shape(validating: $0) }
        let context = RuleContext(
            code: row.code, shapes: shapes, dtypes: types, attributes: sample.attributes)
        guard let rule = try? row.dtype.apply(context), ConformanceCase.takes(row, types) else {
            return nil
        }
        var draws = Draws(seed: seed)
        var inputs = zip(sample.shapes, types).enumerated().map { index, input in
            let domain = index < sample.domains.count ? sample.domains[index] : -4...4
            return draws.tensor(input.0, domain, input.1)
        }
        if row.name.hasPrefix("max_pool2d_") {
            // The second input is the pool's own output.
            inputs[1] = try #require(
                Reference.evaluate(
                    OpTable[.maxPool], [inputs[0]], sample.attributes, output: sample.shapes[1]))
        }
        inputs = Matrices.prepared(row.name, inputs)
        guard ConformanceCase.isDefined(row, inputs, dtype) else { return nil }
        if let cast = rule.0 {
            types = types.map { _ in cast }
        }
        self.row = row
        self.inputs = inputs
        self.types = types
        self.dtype = dtype
        attributes = sample.attributes
        output = rule.1
        let known = RuleContext(
            code: row.code, shapes: shapes, dtypes: types, attributes: sample.attributes)
        guard let shape = try? row.shape.apply(known) else { return nil }
        self.shape = shape.array
    }

    var description: String { "\(row.name) \(dtype) \(inputs.map(\.shape))" }

    var reference: Tensor? {
        Reference.evaluate(row, inputs, attributes, output: shape)
    }

    var blank: Tensor { Tensor(shape) { _ in 0 } }

    func stored(_ layout: KernelLayout) throws -> [StoredTensor] {
        try zip(inputs, types).map { try StoredTensor($0, $1, layout) }
    }

    /// The inputs broadcast to the result's shape.
    func spread() throws -> [StoredTensor] {
        try zip(inputs, types).map { input, type in
            try StoredTensor(Tensor(shape) { input[Tensor.index($0, shape)] }, type)
        }
    }

    private static func takes(_ row: OpRow, _ types: [DType]) -> Bool {
        if row.name.hasPrefix("int8") { return types[0] == .float32 }
        if row.name == "random_bits" { return types[0] == .uint32 }
        return true
    }

    /// Left out: what wraps around in narrow integers, where the reference counts on.
    private static func isDefined(_ row: OpRow, _ inputs: [Tensor], _ dtype: DType) -> Bool {
        if dtype.isFloatingPoint || dtype == .complex64 { return true }
        switch row.name {
        case "prod": return inputs[0].values.reduce(1, { $0 * Swift.abs($1) }) < 0x1p31
        case "negative", "subtract": return !dtype.isUnsignedInteger && dtype != .bool
        case "bitwise_invert": return !dtype.isUnsignedInteger && dtype != .bool
        case "add", "multiply", "multiply_or_zero", "square", "power", "left_shift", "right_shift",
            "floor_divide", "remainder", "sign", "scatter_add", "scatter_prod", "maximum",
            "minimum", "cumsum", "cumprod":
            return dtype != .bool && dtype != .int8 && dtype != .uint8
                && !(row.name == "power" && inputs[1].values.contains { $0 < 0 })
        default: return true
        }
    }

    /// Records an issue unless the result is within the row's bound.
    @discardableResult
    func compare(_ got: Tensor, _ wanted: Tensor, _ what: String) -> Bool {
        guard got.shape == wanted.shape else {
            Issue.record("\(what): \(got.shape), not \(wanted.shape)")
            return false
        }
        let epsilon = output.finfo?.eps ?? 0
        let units = max(row.toleranceEpsilons, row.isElementwise ? 16 : 4)
        let scale = wanted.values.reduce(1.0) { max($0, Swift.abs($1)) }
        for (x, y) in zip(got.values, wanted.values) {
            if x == y || x.isNaN && y.isNaN { continue }
            // Sums and products are judged by the size of what went into them.
            let size = row.isElementwise ? max(Swift.abs(y), 0.25) : scale
            if !(Swift.abs(x - y) <= units * epsilon * size) {
                Issue.record("\(what): \(x), not \(y)")
                return false
            }
        }
        return true
    }
}
