import MLXBase

/// NumPy's type strings (`<f4`): byte order, kind, bytes of one element. bfloat16 has none of its
/// own and is written as two opaque bytes, `<V2`, as ml_dtypes and MLX do.
enum NPYType {
    static func string(of dtype: DType) -> String {
        switch dtype {
        case .bool: "|b1"
        case .uint8: "|u1"
        case .uint16: "<u2"
        case .uint32: "<u4"
        case .uint64: "<u8"
        case .int8: "|i1"
        case .int16: "<i2"
        case .int32: "<i4"
        case .int64: "<i8"
        case .float16: "<f2"
        case .float32: "<f4"
        case .float64: "<f8"
        case .bfloat16: "<V2"
        case .complex64: "<c8"
        }
    }

    /// The dtype of a type string; nil when it is none of ours.
    static func parse(_ text: String) -> (dtype: DType, bigEndian: Bool)? {
        var characters = Substring(text)
        var bigEndian = false
        if let order = characters.first, "<>|=".contains(order) {
            bigEndian = order == ">"
            characters.removeFirst()
        }
        guard let dtype = dtypes[String(characters)] else { return nil }
        return (dtype, bigEndian)
    }

    private static let dtypes: [String: DType] = [
        "?": .bool, "b1": .bool, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
        "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "f2": .float16, "f4": .float32,
        "f8": .float64, "V2": .bfloat16, "c8": .complex64,
    ]

    /// Why a type string is refused.
    static func refusal(_ text: String) -> String {
        let kind = text.drop { "<>|=".contains($0) }.first
        if kind == "O" { return "arrays of Python objects (pickle) are never loaded" }
        return "the type '\(text.prefix(32))' is not supported"
    }
}
