import FoundationEssentials
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps

// Arrays from and for other libraries of the same process, without copying, by DLPack
// (https://dmlc.github.io/dlpack): structs with the layout of dlpack.h, version 0.8.

/// A device as DLPack names it; arrays here lie in memory of the CPU, kind 1.
public struct DLDevice: Sendable, Equatable {
    /// The kind of device; 1 is the CPU.
    public var device_type: Int32
    /// Which of several devices of the kind.
    public var device_id: Int32
    /// The CPU unless said otherwise.
    public init(device_type: Int32 = 1, device_id: Int32 = 0) {
        self.device_type = device_type
        self.device_id = device_id
    }
}

/// An element type as DLPack names it: code 0 signed, 1 unsigned, 2 float, 4 bfloat, 5 complex,
/// 6 bool.
public struct DLDataType: Sendable, Equatable {
    /// 0 signed, 1 unsigned, 2 float, 4 bfloat, 5 complex, 6 bool.
    public var code: UInt8
    /// The bits of one lane.
    public var bits: UInt8
    /// The numbers in an element; 1 for a scalar type.
    public var lanes: UInt16
    /// A type of `lanes` numbers of `bits` bits.
    public init(code: UInt8, bits: UInt8, lanes: UInt16 = 1) {
        self.code = code
        self.bits = bits
        self.lanes = lanes
    }

    init(_ dtype: DType) {
        let code: UInt8
        switch dtype {
        case .bool: code = 6
        case .bfloat16: code = 4
        case .complex64: code = 5
        default: code = dtype.isFloatingPoint ? 2 : dtype.isUnsignedInteger ? 1 : 0
        }
        self.init(code: code, bits: UInt8(dtype.size * 8))
    }

    /// The dtype here, nil where there is none.
    public var dtype: DType? { DType.allCases.first { DLDataType($0) == self } }
}

/// An array in memory. Strides are in elements; nil means row-major.
public struct DLTensor {
    /// The first byte of the memory.
    public var data: UnsafeMutableRawPointer?
    /// Where the memory lies.
    public var device: DLDevice
    /// The number of axes.
    public var ndim: Int32
    /// The type of an element.
    public var dtype: DLDataType
    /// `ndim` dimensions.
    public var shape: UnsafeMutablePointer<Int64>?
    /// `ndim` strides in elements; nil means row-major.
    public var strides: UnsafeMutablePointer<Int64>?
    /// Where the first element lies, in bytes from `data`.
    public var byte_offset: UInt64
}

/// An array and the function that its consumer calls when it is done with it.
public struct DLManagedTensor {
    /// The array.
    public var dl_tensor: DLTensor
    /// What the producer needs to release it.
    public var manager_ctx: UnsafeMutableRawPointer?
    /// Releases the array; its consumer calls it once, with the address of this value.
    public var deleter: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
}

/// What an exported tensor keeps alive.
private final class Exported {
    let value: Value
    let extents: UnsafeMutablePointer<Int64>

    init(_ value: Value) {
        self.value = value
        let rank = value.shape.ndim
        extents = .allocate(capacity: max(2 * rank, 1))
        for (axis, (dim, stride)) in zip(value.shape.array, value.strides).enumerated() {
            extents[axis] = Int64(dim)
            extents[rank + axis] = Int64(stride)
        }
    }

    deinit { extents.deallocate() }
}

extension MLXArray {
    /// The array for another library, without copying. Computes it first. The consumer calls the
    /// tensor's `deleter` with its address, once; until then the memory stays.
    ///
    /// ```swift
    /// let tensor = try array.asDLPack()
    /// consume(tensor)      // calls tensor.pointee.deleter!(tensor)
    /// ```
    /// - Throws: the array's error when it cannot be computed.
    public func asDLPack() throws -> UnsafeMutablePointer<DLManagedTensor> {
        try checkedEval(self)
        guard let value else {
            throw ArrayError(.argument, "dlpack", "the array has no contents", shapes: [shape])
        }
        let exported = Exported(value)
        let tensor = UnsafeMutablePointer<DLManagedTensor>.allocate(capacity: 1)
        let rank = value.shape.ndim
        // SAFETY: the context owns the array's value and the extents until the deleter runs.
        tensor.initialize(
            to: DLManagedTensor(
                dl_tensor: DLTensor(
                    data: value.pointer, device: DLDevice(), ndim: Int32(rank),
                    dtype: DLDataType(value.dtype), shape: exported.extents,
                    strides: exported.extents + rank, byte_offset: 0),
                manager_ctx: Unmanaged.passRetained(exported).toOpaque(),
                deleter: { address in
                    guard let address else { return }
                    let tensor = address.assumingMemoryBound(to: DLManagedTensor.self)
                    if let context = tensor.pointee.manager_ctx {
                        Unmanaged<Exported>.fromOpaque(context).release()
                    }
                    tensor.deallocate()
                }))
        return tensor
    }

    /// An array of another library, in place; it must be row-major. Its deleter is
    /// called when nobody uses the memory any more, or at once after an error.
    ///
    /// ```swift
    /// let array = MLXArray(dlpack: tensor)
    /// ```
    /// - Parameter tensor: on the CPU, of a dtype known here; anything else is an invalid array.
    public convenience init(dlpack tensor: UnsafeMutablePointer<DLManagedTensor>) {
        // SAFETY: the consumer of a managed tensor owns it and may call its deleter on any thread.
        nonisolated(unsafe) let tensor = tensor
        let finish: @Sendable () -> Void = { tensor.pointee.deleter?(tensor) }
        do throws(ArrayError) {
            self.init(try MLXArray.imported(tensor.pointee.dl_tensor, finish))
        } catch {
            finish()
            self.init(taking: Ops.invalid(error))
        }
    }

    private static func imported(
        _ tensor: DLTensor, _ finish: @escaping @Sendable () -> Void
    ) throws(ArrayError) -> Value {
        guard tensor.device.device_type == 1 else {
            throw ArrayError(
                .argument, "dlpack", "device \(tensor.device.device_type) is not the cpu")
        }
        guard let dtype = tensor.dtype.dtype, tensor.ndim >= 0,
            tensor.ndim <= Shape.maximumRank, tensor.ndim == 0 || tensor.shape != nil
        else {
            throw ArrayError(.dtype, "dlpack", "\(tensor.ndim) axes of \(tensor.dtype)")
        }
        let rank = Int(tensor.ndim)
        let dims = (0..<rank).map { Int(tensor.shape![$0]) }
        let shape = try Shape(validating: dims, operation: "dlpack")
        guard shape.size == 0 || tensor.data != nil,
            let offset = Int(exactly: tensor.byte_offset)
        else { throw ArrayError(.argument, "dlpack", "no data", shapes: [dims]) }
        let strides = tensor.strides.map { strides in (0..<rank).map { Int(strides[$0]) } }
        if let strides, !Value.isRowMajor(strides: strides, shape: shape) {
            throw ArrayError(
                .argument, "dlpack", "only row-major arrays are taken in place",
                shapes: [dims, strides])
        }
        let start =
            tensor.data.map { $0 + offset }
            ?? UnsafeMutableRawPointer(bitPattern: 64)!
        let buffer = Buffer(
            adopting: start, byteCount: shape.size * dtype.size, finalizer: finish)
        return Value(buffer: buffer, dtype: dtype, shape: shape)
    }
}
