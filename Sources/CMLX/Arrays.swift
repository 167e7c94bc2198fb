import CMLXInterface
import Glibc
import MLX
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps

// What is known of an array, and arrays from numbers and memory.

@c @implementation
public func cmlx_retain(_ array: cmlx_array) {
    if array != 0 { GraphStore.shared.retain(NodeHandle(raw: array).id) }
}

@c @implementation
public func cmlx_release(_ array: cmlx_array) {
    if array != 0 { GraphStore.shared.release(NodeHandle(raw: array).id) }
}

@c @implementation
public func cmlx_dtype(_ array: cmlx_array) -> Int32 {
    Int32(GraphStore.shared.dtype(of: NodeHandle(raw: array).id).rawValue)
}

/// The shape, as what happens next may depend on it: see `ShapeWatch`.
private func watchedShape(_ array: cmlx_array) -> Shape {
    GraphStore.shared.watchedShape(of: NodeHandle(raw: array).id)
}

@c @implementation
public func cmlx_rank(_ array: cmlx_array) -> Int32 {
    Int32(GraphStore.shared.shape(of: NodeHandle(raw: array).id).ndim)
}

@c @implementation
public func cmlx_shape(_ array: cmlx_array) -> UnsafePointer<Int64>? {
    let dims = watchedShape(array).dims
    return dims.baseAddress.map {
        // SAFETY: `Int` and `Int64` are the same 64 bits; the record is never freed.
        UnsafeRawPointer($0).assumingMemoryBound(to: Int64.self)
    }
}

@c @implementation
public func cmlx_size(_ array: cmlx_array) -> Int64 { Int64(watchedShape(array).size) }

@c @implementation
public func cmlx_dtype_size(_ number: Int32) -> Int32 {
    Int32((try? dtype(number))?.size ?? 0)
}

private let dtypeNames: [UInt8: UInt] = Dictionary(
    uniqueKeysWithValues: DType.allCases.map {
        ($0.rawValue, UInt(bitPattern: strdup($0.description)))
    })

@c @implementation
public func cmlx_dtype_name(_ number: Int32) -> UnsafePointer<CChar>? {
    UInt8(exactly: number).flatMap { dtypeNames[$0] }.flatMap { UnsafePointer(bitPattern: $0) }
}

@c @implementation
public func cmlx_promote(_ a: Int32, _ b: Int32) -> Int32 {
    guard let a = try? dtype(a), let b = try? dtype(b) else { return -1 }
    return Int32(DType.promote(a, b).rawValue)
}

@c @implementation
public func cmlx_is_evaluated(_ array: cmlx_array) -> Int32 {
    MLXArray(borrowing: array).value == nil ? 0 : 1
}

// MARK: - Numbers

@c @implementation
public func cmlx_scalar_array(_ scalar: cmlx_scalar, _ number: Int32) -> cmlx_array {
    do {
        let type = number < 0 ? scalar.ownType : try dtype(number)
        return try scalar.array(type).checked()
    } catch {
        Failure.note(error)
        return 0
    }
}

@c @implementation
public func cmlx_weak_array(_ scalar: cmlx_scalar, _ number: Int32) -> cmlx_array {
    do {
        return try scalar.array(scalar.weakType(beside: try dtype(number), checked: true)).checked()
    } catch {
        Failure.note(error)
        return 0
    }
}

extension cmlx_scalar {
    /// The dtype of the number alone.
    var ownType: DType {
        switch Int(kind) {
        case CMLX_SCALAR_BOOLEAN: .bool
        case CMLX_SCALAR_INTEGER: Int32(exactly: integer) == nil ? .int64 : .int32
        case CMLX_SCALAR_REAL: .float32
        default: .complex64
        }
    }

    /// The dtype of the number beside an array.
    /// - Throws: when it is an integer that the array's dtype cannot hold.
    func weakType(beside dtype: DType, checked: Bool = true) throws -> DType {
        switch Int(kind) {
        case CMLX_SCALAR_BOOLEAN: return dtype
        case CMLX_SCALAR_INTEGER:
            if dtype == .bool { return ownType }
            if checked, dtype.isInteger, !fits(dtype) {
                throw ArrayError(
                    .argument, "array",
                    "Converting \(integer) to \(dtype) would result in overflow.",
                    dtypes: [dtype])
            }
            return dtype
        case CMLX_SCALAR_REAL: return dtype.isFloatingPoint ? dtype : .float32
        default: return .complex64
        }
    }

    private func fits(_ dtype: DType) -> Bool {
        dtype == .uint64 ? integer >= 0 : dtype.integerRange.contains(integer)
    }

    /// The bits of a constant of a dtype; nil for complex numbers that are not real.
    @inline(__always) func bits(_ dtype: DType) -> UInt64? {
        switch Int(kind) {
        case CMLX_SCALAR_BOOLEAN, CMLX_SCALAR_INTEGER:
            return ScalarBits.encode(Int(integer), dtype)
        case CMLX_SCALAR_REAL: return ScalarBits.encode(real, dtype)
        default:
            guard dtype == .complex64 else { return ScalarBits.encode(real, dtype) }
            return UInt64(Float(real).bitPattern) | UInt64(Float(imaginary).bitPattern) << 32
        }
    }

    func array(_ dtype: DType) -> MLXArray { Ops.scalar(bits: bits(dtype) ?? 0, dtype) }
}

// MARK: - Memory

private func shape(_ dims: UnsafePointer<Int64>?, _ rank: Int32) throws -> Shape {
    try Shape(validating: (0..<Int(rank)).map { Int(dims![$0]) }, operation: "array")
}

@c @implementation
public func cmlx_copy(
    _ bytes: UnsafeRawPointer?, _ number: Int32, _ dims: UnsafePointer<Int64>?, _ rank: Int32
) -> cmlx_array {
    do {
        let type = try dtype(number)
        let shape = try shape(dims, rank)
        let count = shape.size * type.size
        if shape.ndim == 0, let bytes, count <= 8 {
            // A constant: plans take it as an input, and the graph keeps no buffer for it.
            var word: UInt64 = 0
            memcpy(&word, bytes, count)
            return Ops.scalar(bits: word, type).given()
        }
        let contents = UnsafeRawBufferPointer(start: bytes, count: count)
        return try MLXArray.copying(contents, type, shape.array).checked()
    } catch {
        Failure.note(error)
        return 0
    }
}

@c @implementation
public func cmlx_adopt(
    _ bytes: UnsafeMutableRawPointer?, _ number: Int32, _ dims: UnsafePointer<Int64>?,
    _ rank: Int32, _ finish: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
    _ context: UnsafeMutableRawPointer?
) -> cmlx_array {
    do {
        let type = try dtype(number)
        let shape = try shape(dims, rank)
        // SAFETY: the caller lets the context be used from any thread.
        nonisolated(unsafe) let context = context
        let buffer = Buffer(
            adopting: bytes ?? UnsafeMutableRawPointer(bitPattern: 64)!,
            byteCount: shape.size * type.size, finalizer: { finish?(context) })
        return MLXArray(Value(buffer: buffer, dtype: type, shape: shape)).given()
    } catch {
        Failure.note(error)
        return 0
    }
}

@c @implementation
public func cmlx_read(
    _ array: cmlx_array, _ contents: UnsafeMutablePointer<cmlx_contents>?
) -> Int32 {
    guarded {
        guard let contents, let value = MLXArray(borrowing: array).value else {
            throw ArrayError(.argument, "read", "the array is not evaluated")
        }
        contents.pointee.bytes = value.pointer
        contents.pointee.dtype = Int32(value.dtype.rawValue)
        contents.pointee.rank = Int32(value.shape.ndim)
        contents.pointee.shape = value.shape.dims.baseAddress.map {
            UnsafeRawPointer($0).assumingMemoryBound(to: Int64.self)
        }
        contents.pointee.is_row_major = value.isRowMajor ? 1 : 0
        withUnsafeMutableBytes(of: &contents.pointee.strides) { bytes in
            let strides = bytes.bindMemory(to: Int64.self)
            for (axis, stride) in value.strides.enumerated() { strides[axis] = Int64(stride) }
        }
    }
}

@c @implementation
public func cmlx_write(
    _ array: cmlx_array, _ bytes: UnsafeMutableRawPointer?, _ count: Int
) -> Int32 {
    guarded {
        guard let value = MLXArray(borrowing: array).value, value.byteCount == count else {
            throw ArrayError(.argument, "write", "the array is not evaluated or has another size")
        }
        value.copyRowMajor(to: UnsafeMutableRawBufferPointer(start: bytes, count: count))
    }
}
