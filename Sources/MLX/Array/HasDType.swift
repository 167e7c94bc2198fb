import MLXBase
import MLXGraph
import MLXOps
import Numerics

/// A value that can stand where an array is expected: a number, an array of numbers, an array.
public protocol ScalarOrArray {
    /// The value as an array.
    /// - Parameter dtype: the dtype of the array it meets. A plain number is *weak*: it takes that
    ///   dtype where the dtype can hold its kind. nil asks for the value's own dtype.
    func asMLXArray(dtype: DType?) -> MLXArray

    /// The bits and dtype that `asMLXArray(dtype:)` would give a number; nil for arrays and for
    /// numbers that do not fit. Spares the operators an array object.
    func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)?
}

extension ScalarOrArray {
    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? { nil }
}

/// A Swift type that elements of an array can have.
public protocol HasDType: ScalarOrArray {
    /// The dtype of an array of this type.
    static var dtype: DType { get }
}

extension HasDType {
    public func asMLXArray(dtype: DType?) -> MLXArray { MLXArray(self, dtype: dtype ?? Self.dtype) }
}

extension MLXArray: ScalarOrArray {
    public func asMLXArray(dtype: DType?) -> MLXArray { self }
}

extension Array: ScalarOrArray where Element: HasDType {
    public func asMLXArray(dtype: DType?) -> MLXArray {
        let array = MLXArray(self)
        return dtype.map { array.asType($0) } ?? array
    }
}

extension Bool: HasDType {
    public static var dtype: DType { .bool }
}

extension Int: HasDType {
    /// int64. A single `Int` becomes an int32 array all the same, as in mlx-swift.
    public static var dtype: DType { .int64 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .int32))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .int32))
    }
}

/// Which dtype a number takes beside an array.
enum WeakScalar {
    /// Integers take any dtype but bool.
    static func integer(_ wanted: DType?, own: DType) -> DType {
        guard let wanted, wanted != .bool else { return own }
        return wanted
    }

    /// Floating-point numbers take any inexact dtype.
    static func float(_ wanted: DType?, own: DType) -> DType {
        guard let wanted, wanted.isFloatingPoint else { return own }
        return wanted
    }

    /// nil when the integer dtype cannot hold the value.
    static func bits(
        _ value: some FixedWidthInteger, _ dtype: DType
    ) -> (bits: UInt64, dtype: DType)? {
        guard fits(value, dtype) else { return nil }
        if dtype.isFloatingPoint { return (ScalarBits.encode(Double(value), dtype), dtype) }
        let pattern = UInt64(truncatingIfNeeded: value)
        return (dtype.size == 8 ? pattern : pattern & (1 << UInt64(dtype.size * 8) - 1), dtype)
    }

    static func fits(_ value: some FixedWidthInteger, _ dtype: DType) -> Bool {
        switch dtype {
        case .uint8: UInt8(exactly: value) != nil
        case .uint16: UInt16(exactly: value) != nil
        case .uint32: UInt32(exactly: value) != nil
        case .uint64: UInt64(exactly: value) != nil
        case .int8: Int8(exactly: value) != nil
        case .int16: Int16(exactly: value) != nil
        case .int32: Int32(exactly: value) != nil
        case .int64: Int64(exactly: value) != nil
        case .bool: value == 0 || value == 1
        default: true
        }
    }
}

/// A scalar array of an integer; one that does not fit is an invalid array.
func weakInteger(_ value: some FixedWidthInteger, _ dtype: DType) -> MLXArray {
    guard let (bits, dtype) = WeakScalar.bits(value, dtype) else {
        return Ops.invalid(
            ArrayError(.argument, "array", "\(value) does not fit \(dtype)", dtypes: [dtype]),
            dtype: dtype)
    }
    return Ops.scalar(bits: bits, dtype)
}
