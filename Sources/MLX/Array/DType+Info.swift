import MLXBase
import MLXGraph
import MLXOps

// The limits of the floating-point dtypes.
extension DType {
    /// Limits of a floating-point dtype; nil for the others. complex64 has float32's.
    public var finfo: FInfo? { isFloatingPoint ? FInfo(dtype: self) : nil }

    /// The largest finite number, as an array without axes.
    public var greatestFiniteMagnitudeArray: MLXArray { Ops.scalar(finfo?.max ?? 0, self) }

    /// Limits of a floating-point dtype.
    public struct FInfo: Sendable {
        /// The dtype whose limits these are.
        public let dtype: DType

        /// The distance from 1 to the next larger number.
        public var eps: Double {
            switch dtype {
            case .float16: 0x1p-10
            case .bfloat16: 0x1p-7
            case .float64: 0x1p-52
            default: 0x1p-23
            }
        }

        /// The lowest finite number.
        public var min: Double { -max }

        /// The largest finite number.
        public var max: Double {
            switch dtype {
            case .float16: 65504
            case .bfloat16: 0x1.FEp127
            case .float64: Double.greatestFiniteMagnitude
            default: Double(Float.greatestFiniteMagnitude)
            }
        }

        /// The smallest positive number of full precision.
        public var smallestNormal: Double {
            switch dtype {
            case .float16: 0x1p-14
            case .float64: 0x1p-1022
            default: 0x1p-126
            }
        }

        /// The smallest positive number.
        public var smallestSubnormal: Double {
            switch dtype {
            case .float16: 0x1p-24
            case .bfloat16: 0x1p-133
            case .float64: Double.leastNonzeroMagnitude
            default: 0x1p-149
            }
        }
    }
}

extension MLXArray {
    /// The lowest finite number of a dtype, to fill masked places with before a softmax.
    public static func maskFill(for dtype: DType) -> MLXArray {
        Ops.scalar(dtype.finfo?.min ?? 0, dtype)
    }

    /// The elements converted to a dtype; the array itself when it has it already.
    public func asType(_ type: DType, stream: StreamOrDevice = .default) -> MLXArray {
        Ops.cast(self, to: type, stream: stream.id)
    }

    /// The elements converted to a Swift type's dtype.
    public func asType(
        _ type: (some HasDType).Type, stream: StreamOrDevice = .default
    ) -> MLXArray {
        asType(type.dtype, stream: stream)
    }

    /// The elements times the imaginary unit.
    public func asImaginary(stream: StreamOrDevice = .default) -> MLXArray {
        recordBinary(.multiply, self, Complex<Float>(0, 1), stream)
    }

    /// The real parts, float32.
    public func realPart(stream: StreamOrDevice = .default) -> MLXArray {
        Ops.unary(.real, self, stream: stream.id)
    }

    /// The imaginary parts, float32.
    public func imaginaryPart(stream: StreamOrDevice = .default) -> MLXArray {
        Ops.unary(.imag, self, stream: stream.id)
    }
}
