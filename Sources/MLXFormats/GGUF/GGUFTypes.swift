import MLXBase

/// How tensors lie in a GGUF file: elements of a dtype, or blocks of 32 quantized ones.
enum GGUFLayout: Equatable {
    case elements(DType)
    /// A half scale and 32 numbers of 4 bits, less 8.
    case q4_0
    /// A half scale, a half minimum and 32 numbers of 4 bits.
    case q4_1
    /// A half scale and 32 signed numbers of 8 bits.
    case q8_0

    static let blockLength = 32

    init?(code: Int) {
        switch code {
        case 0: self = .elements(.float32)
        case 1: self = .elements(.float16)
        case 2: self = .q4_0
        case 3: self = .q4_1
        case 8: self = .q8_0
        case 24: self = .elements(.int8)
        case 25: self = .elements(.int16)
        case 26: self = .elements(.int32)
        case 27: self = .elements(.int64)
        case 28: self = .elements(.float64)
        case 30: self = .elements(.bfloat16)
        default: return nil
        }
    }

    /// The code of a dtype; nil for those that the format does not have.
    static func code(of dtype: DType) -> Int? {
        (0...30).first { GGUFLayout(code: $0) == .elements(dtype) }
    }

    /// Bytes of one block in the file, nil for plain elements.
    var blockByteCount: Int? {
        switch self {
        case .elements: nil
        case .q4_0: 18
        case .q4_1: 20
        case .q8_0: 34
        }
    }

    /// Bits of one quantized number.
    var bits: Int { self == .q8_0 ? 8 : 4 }
}

/// A value of a GGUF file's metadata. Arrays have one level.
package enum GGUFValue: Equatable, Sendable {
    case string(String)
    case strings([String])
    /// One number or bool, little-endian.
    case scalar(DType, [UInt8])
    /// Several, one after the other.
    case array(DType, [UInt8])

    /// The codes of the values' types in a file; 8 is a string, 9 an array.
    private static let dtypes: [Int: DType] = [
        0: .uint8, 1: .int8, 2: .uint16, 3: .int16, 4: .uint32, 5: .int32, 6: .float32,
        7: .bool, 10: .uint64, 11: .int64, 12: .float64,
    ]

    static let stringCode = 8
    static let arrayCode = 9
    static func dtype(code: Int) -> DType? { dtypes[code] }
    static func code(of dtype: DType) -> Int? {
        dtypes.first { $0.value == dtype }?.key
    }
}
