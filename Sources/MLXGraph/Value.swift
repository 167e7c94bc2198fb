import MLXBase
import MLXMemory

/// The evaluated contents of a node: a window onto a buffer. Several values may share one buffer
/// (slices, transposes); the buffer is freed with the last of them.
@usableFromInline package final class Value: @unchecked Sendable {
    // SAFETY: constant; the buffer is a variable only because that is how one asks whether a
    // reference is the only one, which `isBufferShared` does and nothing else.
    @exclusivity(unchecked) package private(set) var buffer: Buffer
    /// Where the element at index zero of every axis lies.
    package let byteOffset: Int
    package let dtype: DType
    package let shape: Shape
    /// Strides in elements when they are not row-major.
    package let customStrides: [Int]?

    package init(
        buffer: Buffer, byteOffset: Int = 0, dtype: DType, shape: Shape, strides: [Int]? = nil
    ) {
        assert(strides == nil || strides!.count == shape.ndim)
        self.buffer = buffer
        self.byteOffset = byteOffset
        self.dtype = dtype
        self.shape = shape
        customStrides = strides.flatMap {
            Value.isRowMajor(strides: $0, shape: shape) ? nil : $0
        }
    }

    package var isRowMajor: Bool { customStrides == nil }
    /// Whether another value, or anybody, has the buffer too. Asked by the only owner of a value.
    package var isBufferShared: Bool { !isKnownUniquelyReferenced(&buffer) }
    package var strides: [Int] { customStrides ?? Array(shape.rowMajorStrides) }
    package var pointer: UnsafeMutableRawPointer { buffer.pointer + byteOffset }
    package var byteCount: Int { shape.size * dtype.size }

    /// Axes of size one may have any stride; an empty array is row-major with any.
    package static func isRowMajor(strides: [Int], shape: Shape) -> Bool {
        if shape.size <= 1 { return true }
        let expected = shape.rowMajorStrides
        for axis in 0..<shape.ndim where shape[axis] != 1 && strides[axis] != expected[axis] {
            return false
        }
        return true
    }
}
