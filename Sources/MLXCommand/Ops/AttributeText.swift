import MLXBase
import MLXFormats
import MLXOps

/// Attributes of a row as JSON, by name: `{"axes": [0], "keepDims": true}`. `shape` and `dtype` are
/// those of the result, for rows that are told them; `word` and `words` say the same in the node's
/// own terms.
enum AttributeText {
    static func attributes(_ text: String, of row: OpRow) throws -> Attributes {
        let tree: JSONValue
        do { tree = try JSONValue(parsing: text) } catch {
            throw ArrayError(.argument, "op", "--attributes is no JSON: \(error)")
        }
        guard let members = tree.members else {
            throw ArrayError(.argument, "op", "--attributes must be a JSON object")
        }
        let names = row.attributeNames.map(plain)
        let known = Set(names + ["shape", "dtype", "word", "words", "keepDims"])
        if let wrong = members.first(where: { !known.contains($0.key) }) {
            throw ArrayError(
                .argument, "op",
                "\(row.name) has no attribute '\(wrong.key)', only"
                    + " \((names + ["shape", "dtype"]).joined(separator: ", "))")
        }
        var result = Attributes()
        if let shape = tree["shape"] {
            result.outputShape = try Shape(
                validating: try integers(shape, "shape"), operation: row.name)
        }
        if let name = tree["dtype"]?.string {
            guard let dtype = DType.allCases.first(where: { $0.description == name }) else {
                throw ArrayError(.dtype, "op", "there is no dtype '\(name)'")
            }
            result.outputDType = dtype
        }
        try encode(tree, names, row, &result)
        if let word = tree["word"]?.integer { result.word = UInt64(bitPattern: Int64(word)) }
        if let words = tree["words"] { result.words = try integers(words, "words") }
        return result
    }

    /// A name without the mark that says it is a list.
    static func plain(_ name: String) -> String {
        String(name.prefix { $0 != "…" })
    }

    private static func encode(
        _ tree: JSONValue, _ names: [String], _ row: OpRow, _ result: inout Attributes
    ) throws {
        switch row.attributeForm {
        case .words:
            for name in names { result.words += try integers(tree[name], name) }
        case .axisMask:
            let axes = try integers(tree["axes"], "axes")
            guard axes.allSatisfy({ (0..<Shape.maximumRank).contains($0) }) else {
                throw ArrayError(.axis, "op", "axes \(axes) must count from the front")
            }
            result.word =
                AxisMask(axes, keepDims: tree["keepDims"]?.boolean ?? false).word
        case .permutation:
            let axes = try integers(tree[names[0]], names[0])
            guard axes.allSatisfy({ (0..<Shape.maximumRank).contains($0) }) else {
                throw ArrayError(.axis, "op", "\(axes) is no permutation")
            }
            result.word = Permutation(axes).word
        case .integer:
            if let name = names.first, let value = tree[name]?.integer {
                result.word = UInt64(bitPattern: Int64(value))
            }
        case .scalars:
            let dtype = result.outputDType ?? .float32
            for name in names {
                let value = tree[name]?.double ?? 0
                result.words.append(
                    Int(truncatingIfNeeded: Int64(bitPattern: ScalarBits.encode(value, dtype))))
            }
        }
    }

    /// A number or a list of numbers; nothing is an empty list.
    private static func integers(_ value: JSONValue?, _ name: String) throws -> [Int] {
        guard let value else { return [] }
        if let one = value.integer { return [one] }
        guard let list = value.array else {
            throw ArrayError(.argument, "op", "'\(name)' must be a list of integers")
        }
        return try list.map {
            guard let one = $0.integer else {
                throw ArrayError(.argument, "op", "'\(name)' must be a list of integers")
            }
            return one
        }
    }
}
