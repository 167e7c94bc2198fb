import MLXBase
import MLXGraph
import MLXOps
import Numerics

// The number types as elements and as weak scalars: integers keep their dtype beside bool and
// take any other; floating-point numbers take inexact dtypes; complex numbers stay complex.

extension Int8: HasDType {
    public static var dtype: DType { .int8 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .int8))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .int8))
    }
}

extension Int16: HasDType {
    public static var dtype: DType { .int16 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .int16))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .int16))
    }
}

extension Int32: HasDType {
    public static var dtype: DType { .int32 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .int32))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .int32))
    }
}

extension Int64: HasDType {
    public static var dtype: DType { .int64 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .int64))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .int64))
    }
}

extension UInt8: HasDType {
    public static var dtype: DType { .uint8 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .uint8))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .uint8))
    }
}

extension UInt16: HasDType {
    public static var dtype: DType { .uint16 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .uint16))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .uint16))
    }
}

extension UInt32: HasDType {
    public static var dtype: DType { .uint32 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .uint32))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .uint32))
    }
}

extension UInt64: HasDType {
    public static var dtype: DType { .uint64 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .uint64))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .uint64))
    }
}

extension UInt: HasDType {
    public static var dtype: DType { .uint64 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        weakInteger(self, WeakScalar.integer(dtype, own: .uint64))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        WeakScalar.bits(self, WeakScalar.integer(dtype, own: .uint64))
    }
}

extension Float16: HasDType {
    public static var dtype: DType { .float16 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        Ops.scalar(Double(self), WeakScalar.float(dtype, own: .float16))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        let type = WeakScalar.float(dtype, own: .float16)
        return (ScalarBits.encode(Double(self), type), type)
    }
}

extension Float: HasDType {
    public static var dtype: DType { .float32 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        Ops.scalar(Double(self), WeakScalar.float(dtype, own: .float32))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        let type = WeakScalar.float(dtype, own: .float32)
        return (ScalarBits.encode(Double(self), type), type)
    }
}

extension Double: HasDType {
    public static var dtype: DType { .float64 }

    public func asMLXArray(dtype: DType?) -> MLXArray {
        Ops.scalar(Double(self), WeakScalar.float(dtype, own: .float32))
    }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        let type = WeakScalar.float(dtype, own: .float32)
        return (ScalarBits.encode(Double(self), type), type)
    }
}

extension Complex: ScalarOrArray where RealType == Float {
    public func asMLXArray(dtype: DType?) -> MLXArray { MLXArray(self) }

    public func _scalarBits(dtype: DType) -> (bits: UInt64, dtype: DType)? {
        (UInt64(real.bitPattern) | UInt64(imaginary.bitPattern) << 32, .complex64)
    }
}

extension Complex: HasDType where RealType == Float {
    public static var dtype: DType { .complex64 }
}

/// Two operands as arrays: a number takes the dtype of the array beside it.
public func toArrays(_ a: some ScalarOrArray, _ b: some ScalarOrArray) -> (MLXArray, MLXArray) {
    if let left = a as? MLXArray {
        return (left, b.asMLXArray(dtype: left.dtype))
    }
    if let right = b as? MLXArray {
        return (a.asMLXArray(dtype: right.dtype), right)
    }
    return (a.asMLXArray(dtype: nil), b.asMLXArray(dtype: nil))
}
