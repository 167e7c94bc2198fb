import CMLXKernels
import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps

// Reading values back. The blocking forms evaluate first.
extension MLXArray {
    /// Bytes of one element.
    public var itemSize: Int { dtype.size }
    /// The length of the first axis.
    public var count: Int { ndim == 0 ? 0 : dim(0) }
    /// The bytes of all elements, without what memory holds beyond them.
    public var nbytes: Int { size * itemSize }

    /// The length of an axis; negative axes count from the end. 0 for an axis that is not there.
    public func dim(_ dim: Int) -> Int {
        let shape = nodeShape
        let axis = dim < 0 ? dim + shape.ndim : dim
        return axis >= 0 && axis < shape.ndim ? shape[axis] : 0
    }

    /// The dimensions of an array of two axes; 0 for an axis that is not there.
    public var shape2: (Int, Int) { (dim(0), dim(1)) }
    /// The dimensions of an array of three axes; 0 for an axis that is not there.
    public var shape3: (Int, Int, Int) { (dim(0), dim(1), dim(2)) }
    /// The dimensions of an array of four axes; 0 for an axis that is not there.
    public var shape4: (Int, Int, Int, Int) { (dim(0), dim(1), dim(2), dim(3)) }

    /// Computes the array on the calling thread. An error ends the process outside `withError`.
    public func eval() { blockingEvaluate([self]) }

    /// Makes the array stand for the contents of another; every holder sees it.
    public func _updateInternal(_ array: MLXArray) { replace(with: array) }

    /// The value of an array with one element, of any rank, in the type that is asked for; computes
    /// it on the calling thread. Another number of elements is an error.
    /// ```swift
    /// let loss: Float = mean(ones([3])).item()    // 1
    /// ```
    public func item<T: HasDType>() -> T { item(T.self) }

    /// The value of an array with one element, of any rank; computes it on the calling thread.
    /// Another number of elements is an error. In asynchronous code there is `value(_:)`.
    /// ```swift
    /// let loss = mean(ones([3])).item(Float.self)    // 1
    /// ```
    public func item<T: HasDType>(_ type: T.Type) -> T {
        guard size == 1 || NodeReference(self).isPoisoned else {
            BlockingFailure.report(
                ArrayError(
                    .shape, "item", "needs an array with one element, not \(size)",
                    shapes: [shape]))
            return MLXArray.zero(type)
        }
        return asArray(type).first ?? MLXArray.zero(type)
    }

    /// The elements in row-major order, converted if the dtype differs; computes them on the
    /// calling thread. In asynchronous code there is `values(_:)`.
    /// ```swift
    /// let list = arange(3).asArray(Int.self)    // [0, 1, 2]
    /// ```
    public func asArray<T: HasDType>(_ type: T.Type) -> [T] {
        let source = readable(as: T.dtype)
        guard blockingEvaluate([source]) else { return [] }
        return source.elements(type)
    }

    /// The array in another dtype.
    func readable(as type: DType) -> MLXArray { Ops.cast(self, to: type) }

    /// The elements of an evaluated array of the right dtype, in row-major order.
    func elements<T: HasDType>(_ type: T.Type) -> [T] {
        guard let value else { return [] }
        assert(value.dtype == T.dtype)
        return [T](unsafeUninitializedCapacity: value.shape.size) { buffer, count in
            value.copyRowMajor(to: UnsafeMutableRawBufferPointer(buffer))
            count = value.shape.size
        }
    }

    private static func zero<T: HasDType>(_ type: T.Type) -> T {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 16) { bytes in
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            return bytes.baseAddress!.assumingMemoryBound(to: T.self).pointee
        }
    }

    // MARK: - Data

    /// Whose memory `asData` gives out.
    public enum AccessMethod {
        /// A copy, row-major.
        case copy
        /// The array's own memory when it is row-major, else a copy.
        case noCopyIfContiguous
        /// The array's own memory and its strides.
        case noCopy
    }

    /// Bytes of an array and how to walk them.
    public struct MLXArrayData {
        /// The bytes.
        public let data: Data
        /// The dimensions.
        public let shape: [Int]
        /// In elements.
        public let strides: [Int]
        /// The type of an element.
        public let dType: DType
    }

    /// The contents as bytes, in the byte order of the machine; computes them on the calling
    /// thread.
    /// - Parameter access: whether the bytes are a copy or the array's own memory.
    public func asData(access: AccessMethod = .copy) -> MLXArrayData {
        guard blockingEvaluate([self]), let own = value else {
            return MLXArrayData(data: Data(), shape: [0], strides: [1], dType: dtype)
        }
        if access == .noCopy || access == .noCopyIfContiguous && own.isRowMajor {
            return borrowed(own)
        }
        var data = Data(count: own.byteCount)
        data.withUnsafeMutableBytes { own.copyRowMajor(to: $0) }
        return MLXArrayData(
            data: data, shape: own.shape.array, strides: Array(own.shape.rowMajorStrides),
            dType: own.dtype)
    }

    /// The array's memory, kept alive by the data.
    private func borrowed(_ value: Value) -> MLXArrayData {
        let span = zip(value.shape.array, value.strides).reduce(1) {
            $0 + ($1.0 - 1) * Int($1.1.magnitude)
        }
        let keeper = Unmanaged.passRetained(value)
        let data = Data(
            bytesNoCopy: value.pointer,
            count: value.isRowMajor ? value.byteCount : span * value.dtype.size,
            deallocator: .custom { _, _ in keeper.release() })
        return MLXArrayData(
            data: data, shape: value.shape.array, strides: value.strides, dType: value.dtype)
    }

    /// The array of bytes that `asData(access:)` gave out, whatever their strides.
    public convenience init(data: MLXArrayData) {
        let contiguous =
            data.shape.isEmpty
            || contiguousStrides(shape: data.shape) == data.strides
        self.init(
            taking: contiguous
                ? MLXArray(data.data, data.shape, dtype: data.dType)
                : Ops.invalid(
                    ArrayError(.argument, "array", "data must be row-major"),
                    dtype: data.dType))
    }
}

extension Value {
    /// Copies the elements in row-major order.
    package func copyRowMajor(to bytes: UnsafeMutableRawBufferPointer) {
        assert(bytes.count == byteCount)
        guard let target = bytes.baseAddress, byteCount > 0 else { return }
        if isRowMajor {
            target.copyMemory(from: pointer, byteCount: byteCount)
        } else {
            mlx_strided_load(
                target, pointer.assumingMemoryBound(to: CChar.self), Int32(dtype.size),
                Int32(shape.ndim), shape.dims.baseAddress, strides, 0, shape.size)
        }
    }
}
