import MLXBase

// Metadata as JSON, for texts and listings: numbers as numbers, arrays as lists. Numbers that are
// not finite have no JSON and become null.

extension GGUFValue {
    /// The whole value.
    package var json: JSONValue { json(atMost: .max) }

    /// The value with the first elements of its arrays, and how many are left out.
    package func json(atMost limit: Int) -> JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .strings(let texts): GGUFValue.list(texts.count, limit) { .string(texts[$0]) }
        case .scalar(let dtype, let bytes): GGUFValue.number(dtype, bytes[...])
        case .array(let dtype, let bytes):
            GGUFValue.list(bytes.count / dtype.size, limit) {
                GGUFValue.number(dtype, bytes[$0 * dtype.size..<($0 + 1) * dtype.size])
            }
        case .list(let values):
            GGUFValue.list(values.count, limit) { values[$0].json(atMost: limit) }
        }
    }

    private static func list(
        _ count: Int, _ limit: Int, _ element: (Int) -> JSONValue
    ) -> JSONValue {
        let shown = (0..<min(count, limit)).map(element)
        return .array(
            count > limit ? shown + [.string("and \(count - limit) more")] : shown)
    }

    private static func number(_ dtype: DType, _ bytes: ArraySlice<UInt8>) -> JSONValue {
        let word = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        func real(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
        switch dtype {
        case .bool: return .boolean(word != 0)
        case .float32: return real(Double(Float(bitPattern: UInt32(word))))
        case .float64: return real(Double(bitPattern: word))
        case .int8: return .integer(Int(Int8(truncatingIfNeeded: word)))
        case .int16: return .integer(Int(Int16(truncatingIfNeeded: word)))
        case .int32: return .integer(Int(Int32(truncatingIfNeeded: word)))
        case .int64: return .integer(Int(Int64(bitPattern: word)))
        default: return Int(exactly: word).map(JSONValue.integer) ?? .number(Double(word))
        }
    }

    /// The value as one text: text as it is, anything else as JSON.
    package var text: String {
        if case .string(let text) = self { text } else { JSONWriter.text(of: json) }
    }

    /// The integer that a scalar is.
    package var integer: Int? {
        guard case .scalar = self else { return nil }
        return json.integer
    }
}
