/// The element type of an array. The raw value is the code that files and encoders carry, the
/// declaration order is the order of `allCases`.
///
/// ```swift
/// let x = MLXArray.zeros([2, 3], dtype: .float16)
/// print(x.dtype, x.dtype.size)    // float16 2
/// ```
public enum DType: UInt8, Hashable, Sendable, CaseIterable, BitwiseCopyable {
    /// True or false, one byte.
    case bool = 0
    /// 0 to 255.
    case uint8 = 1
    /// 0 to 65,535.
    case uint16 = 2
    /// 0 to 2³² - 1.
    case uint32 = 3
    /// 0 to 2⁶⁴ - 1.
    case uint64 = 4
    /// -128 to 127.
    case int8 = 5
    /// -32,768 to 32,767.
    case int16 = 6
    /// -2³¹ to 2³¹ - 1; what integer literals become.
    case int32 = 7
    /// -2⁶³ to 2⁶³ - 1.
    case int64 = 8
    /// IEEE half precision: 11 bits of precision, up to 65,504.
    case float16 = 9
    /// IEEE single precision: 24 bits; what floating literals become.
    case float32 = 10
    /// The upper half of a float32: 8 bits of precision, the range of float32.
    case bfloat16 = 12
    /// A complex number of two float32.
    case complex64 = 13
    /// IEEE double precision: 53 bits.
    case float64 = 11

    /// Bytes of one element.
    public var size: Int {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .complex64: 8
        }
    }

    /// Whether two types are the same. Written out, because what the compiler derives is a call
    /// from every other module.
    @inlinable public static func == (a: DType, b: DType) -> Bool {
        unsafeBitCast(a, to: UInt8.self) == unsafeBitCast(b, to: UInt8.self)
    }

    /// True for the inexact types, complex64 among them.
    public var isFloatingPoint: Bool { rawValue >= DType.float16.rawValue }

    /// True for complex64.
    public var isComplex: Bool { self == .complex64 }

    /// True for signed and unsigned integers; false for bool.
    public var isInteger: Bool { rawValue >= 1 && rawValue <= DType.int64.rawValue }

    /// True for int8, int16, int32 and int64.
    public var isSignedInteger: Bool {
        rawValue >= DType.int8.rawValue && rawValue <= DType.int64.rawValue
    }

    /// The numbers of an integer dtype, as far as an `Int64` has them; 0 and 1 of bool.
    package var integerRange: ClosedRange<Int64> {
        switch self {
        case .bool: 0...1
        case .int8: -0x80...0x7F
        case .int16: -0x8000...0x7FFF
        case .int32: -0x8000_0000...0x7FFF_FFFF
        case .uint8: 0...0xFF
        case .uint16: 0...0xFFFF
        case .uint32: 0...0xFFFF_FFFF
        case .uint64: 0 ... .max
        default: .min ... .max
        }
    }

    package var isUnsignedInteger: Bool { rawValue >= 1 && rawValue <= DType.uint64.rawValue }

    /// float16 and bfloat16, which kernels widen to float32.
    package var isHalf: Bool { self == .float16 || self == .bfloat16 }

    /// The type arithmetic is done in: float32 for the half types, the type itself otherwise.
    package var computeType: DType { isHalf ? .float32 : self }

    /// The result type of functions that leave the integers: inexact types stay, all others
    /// become float32.
    package var atLeastFloat: DType { isFloatingPoint ? self : .float32 }
}

extension DType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .bool: "bool"
        case .uint8: "uint8"
        case .uint16: "uint16"
        case .uint32: "uint32"
        case .uint64: "uint64"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .float16: "float16"
        case .float32: "float32"
        case .bfloat16: "bfloat16"
        case .complex64: "complex64"
        case .float64: "float64"
        }
    }
}

extension DType: Codable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(UInt32(rawValue))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let code = try container.decode(UInt32.self)
        guard let raw = UInt8(exactly: code), let dtype = DType(rawValue: raw) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(code) is not the code of a dtype")
        }
        self = dtype
    }
}

extension DType {
    /// The dtype that an operation on two arrays computes in. Symmetric; JAX's lattice, where an
    /// integer with a half type stays half and float16 with bfloat16 is float32.
    package static func promote(_ a: DType, _ b: DType) -> DType {
        if a == b { return a }
        if a == .bool { return b }
        if b == .bool { return a }
        if a == .complex64 || b == .complex64 { return .complex64 }
        if a == .float64 || b == .float64 { return .float64 }
        switch (a.isFloatingPoint, b.isFloatingPoint) {
        case (true, true): return .float32  // unequal, and neither is complex64 nor float64
        case (true, false): return a
        case (false, true): return b
        case (false, false): return promoteIntegers(a, b)
        }
    }

    private static func promoteIntegers(_ a: DType, _ b: DType) -> DType {
        if a.isSignedInteger == b.isSignedInteger { return a.size >= b.size ? a : b }
        let (signed, unsigned) = a.isSignedInteger ? (a, b) : (b, a)
        if unsigned == .uint64 { return .float32 }
        if signed.size > unsigned.size { return signed }
        switch unsigned {
        case .uint8: return .int16
        case .uint16: return .int32
        default: return .int64
        }
    }
}
