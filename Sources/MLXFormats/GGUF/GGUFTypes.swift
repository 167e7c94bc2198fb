import MLXBase

/// How tensors lie in a GGUF file: elements of a dtype, or blocks of quantized ones.
enum GGUFLayout: Equatable {
    case elements(DType)
    case blocks(GGUFBlockType)

    init?(code: Int) {
        switch code {
        case 0: self = .elements(.float32)
        case 1: self = .elements(.float16)
        case 24: self = .elements(.int8)
        case 25: self = .elements(.int16)
        case 26: self = .elements(.int32)
        case 27: self = .elements(.int64)
        case 28: self = .elements(.float64)
        case 30: self = .elements(.bfloat16)
        default:
            guard let type = GGUFBlockType(rawValue: code) else { return nil }
            self = .blocks(type)
        }
    }

    /// The code of a dtype; nil for those that the format does not have.
    static func code(of dtype: DType) -> Int? {
        (0...30).first { GGUFLayout(code: $0) == .elements(dtype) }
    }

    /// What ggml calls a type, also one that is not read here.
    static func name(code: UInt64) -> String {
        guard let code = Int(exactly: code) else { return "unknown" }
        return names[code] ?? "unknown"
    }

    private static let names: [Int: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
        10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
        17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
        23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
        30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
}

/// A type of blocks, under its code in files. A block has one or two half-precision scales for all
/// of its elements; those of 256 elements have small scales of 16 or 32 elements besides.
enum GGUFBlockType: Int, CaseIterable {
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case q2_K = 10
    case q3_K = 11
    case q4_K = 12
    case q5_K = 13
    case q6_K = 14
    case iq4_NL = 20
    case iq4_XS = 23

    var name: String { GGUFLayout.name(code: UInt64(rawValue)) }

    /// Elements of one block.
    var length: Int {
        switch self {
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_NL: 32
        default: 256
        }
    }

    /// Bytes of one block in the file.
    var byteCount: Int {
        switch self {
        case .q4_0, .iq4_NL: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q2_K: 84
        case .q3_K: 110
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        case .iq4_XS: 136
        }
    }

    /// Bits of a number where blocks are MLX's affine groups of 32 as they are; nil for those that
    /// are decoded.
    var affineBits: Int? {
        switch self {
        case .q4_0, .q4_1: 4
        case .q8_0: 8
        default: nil
        }
    }
}

/// A value of a GGUF file's metadata.
package enum GGUFValue: Equatable, Sendable {
    case string(String)
    case strings([String])
    /// One number or bool, little-endian.
    case scalar(DType, [UInt8])
    /// Several, one after the other.
    case array(DType, [UInt8])
    /// Arrays in an array; no element is a string or a scalar.
    case list([GGUFValue])

    /// Arrays inside each other.
    static let maximumDepth = 8

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
