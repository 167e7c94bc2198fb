import MLXBase

/// One tensor as a file describes it. A value that a loader hands out was checked: the shape has
/// no negative dimension and at most `Shape.maximumRank` axes, `byteCount` is exactly what shape
/// and dtype ask for, and the range lies inside the source.
package struct TensorDescription: Sendable, Hashable {
    package var name: String
    package var dtype: DType
    package var shape: [Int]
    /// Where the data starts in the tensor's source.
    package var byteOffset: Int
    package var byteCount: Int
    /// The data is column-major: reverse the shape, read, then transpose.
    package var fortranOrder: Bool
    /// The data in the source is big-endian; `StoredTensor.read` swaps it.
    package var bigEndian: Bool

    package init(
        name: String, dtype: DType, shape: [Int], byteOffset: Int, byteCount: Int,
        fortranOrder: Bool = false, bigEndian: Bool = false
    ) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.byteOffset = byteOffset
        self.byteCount = byteCount
        self.fortranOrder = fortranOrder
        self.bigEndian = bigEndian
    }

    /// The bytes that a shape and dtype take; nil when the shape is none or they do not fit.
    /// As in `Shape`, the product of the non-zero dimensions must fit too.
    package static func byteCount(shape: [Int], dtype: DType) -> Int? {
        guard shape.count <= Shape.maximumRank else { return nil }
        var product = 1
        var isEmpty = false
        for dim in shape {
            if dim < 0 { return nil }
            if dim == 0 {
                isEmpty = true
                continue
            }
            let (next, overflow) = product.multipliedReportingOverflow(by: dim)
            if overflow || next > 1 << 60 { return nil }
            product = next
        }
        let (bytes, overflow) = product.multipliedReportingOverflow(by: dtype.size)
        if overflow { return nil }
        return isEmpty ? 0 : bytes
    }
}

/// A tensor whose data is still in its source; it is read on demand, as often as wanted.
package struct StoredTensor: Sendable {
    package let description: TensorDescription
    package let source: any ByteSource

    package init(description: TensorDescription, source: any ByteSource) {
        self.description = description
        self.source = source
    }

    /// Reads the data as this machine wants it: little-endian, booleans 0 or 1.
    /// - Parameter destination: of exactly `description.byteCount` bytes.
    package func read(into destination: UnsafeMutableRawBufferPointer) throws(ArrayError) {
        guard destination.count == description.byteCount else {
            throw ArrayError(
                .argument, "load",
                "\(destination.count) bytes for a tensor of \(description.byteCount)")
        }
        try read(at: 0, into: destination)
    }

    /// Reads a part of the data.
    /// - Parameters:
    ///   - byteOffset: from the start of the tensor, at the start of an element.
    ///   - destination: of whole elements.
    package func read(
        at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        guard byteOffset >= 0, byteOffset <= description.byteCount,
            destination.count <= description.byteCount - byteOffset
        else {
            throw ArrayError(
                .argument, "load",
                "\(destination.count) bytes at \(byteOffset) of a tensor of"
                    + " \(description.byteCount)")
        }
        try source.read(at: description.byteOffset + byteOffset, into: destination)
        if description.bigEndian { swapBytes(destination) }
        if description.dtype == .bool { normalizeBooleans(destination) }
    }

    /// The data in memory of its own.
    package func bytes() throws(ArrayError) -> [UInt8] {
        try source.checkRange(description.byteOffset, description.byteCount)
        var failure: ArrayError?
        let count = description.byteCount
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(ArrayError) {
                let room = UnsafeMutableRawBufferPointer(buffer)
                try read(into: .init(rebasing: room[0..<count]))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// A complex number is two words of four bytes.
    private func swapBytes(_ data: UnsafeMutableRawBufferPointer) {
        switch description.dtype == .complex64 ? 4 : description.dtype.size {
        case 2: swapWords(data, as: UInt16.self)
        case 4: swapWords(data, as: UInt32.self)
        case 8: swapWords(data, as: UInt64.self)
        default: break
        }
    }

    private func swapWords<Word: FixedWidthInteger & BitwiseCopyable>(
        _ data: UnsafeMutableRawBufferPointer, as type: Word.Type
    ) {
        for offset in stride(from: 0, to: data.count, by: MemoryLayout<Word>.size) {
            let word = data.loadUnaligned(fromByteOffset: offset, as: type)
            data.storeBytes(of: word.byteSwapped, toByteOffset: offset, as: type)
        }
    }

    /// Kernels rely on booleans being 0 or 1; a file may hold anything.
    private func normalizeBooleans(_ data: UnsafeMutableRawBufferPointer) {
        for index in data.indices where data[index] > 1 { data[index] = 1 }
    }
}

/// A tensor to be written: little-endian, row-major data that the caller keeps alive and
/// unchanged until the writer returns.
package struct TensorContents {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    package let bytes: UnsafeRawBufferPointer

    package init(name: String, dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    /// Throws unless the data is exactly what shape and dtype ask for.
    func check() throws(ArrayError) {
        guard TensorDescription.byteCount(shape: shape, dtype: dtype) == bytes.count else {
            throw ArrayError(
                .argument, "save",
                "tensor '\(name)': \(bytes.count) bytes do not make a \(dtype) array of this shape",
                shapes: [shape], dtypes: [dtype])
        }
    }
}
