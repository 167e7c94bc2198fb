import MLXBase

/// The dtype codes of safetensors. The 8-bit float types have no dtype here and load as their
/// bytes, uint8; C64 is MLX's addition to the format.
enum SafetensorsType {
    static func string(of dtype: DType) -> String {
        switch dtype {
        case .bool: "BOOL"
        case .uint8: "U8"
        case .uint16: "U16"
        case .uint32: "U32"
        case .uint64: "U64"
        case .int8: "I8"
        case .int16: "I16"
        case .int32: "I32"
        case .int64: "I64"
        case .float16: "F16"
        case .float32: "F32"
        case .float64: "F64"
        case .bfloat16: "BF16"
        case .complex64: "C64"
        }
    }

    static func dtype(of string: String) -> DType? { dtypes[string] }

    private static let dtypes: [String: DType] = {
        var dtypes = Dictionary(
            uniqueKeysWithValues: DType.allCases.map { (SafetensorsType.string(of: $0), $0) })
        dtypes["F8_E4M3"] = .uint8
        dtypes["F8_E8M0"] = .uint8
        return dtypes
    }()
}
