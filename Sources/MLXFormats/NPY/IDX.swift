import MLXBase

/// The format of MNIST and its relatives for one array: two zero bytes, the type, the number of
/// axes, big-endian sizes and data. Files may be packed with gzip, as they are published. A file
/// with more or fewer bytes than its sizes ask for is refused.
package enum IDX {
    package static func open(path: String) throws(ArrayError) -> StoredTensor {
        let source = try FileSource(path: path)
        let start = try source.bytes(at: 0, count: min(2, source.byteCount))
        guard start == [0x1F, 0x8B] else { return try open(source) }
        let packed = try source.contents()
        return try open(MemorySource(Gzip.unpack(packed, source: path), name: path))
    }

    package static func open(_ source: any ByteSource) throws(ArrayError) -> StoredTensor {
        func malformed(_ message: String) -> ArrayError { .file("load", source.name, message) }

        let start = try source.bytes(at: 0, count: min(4, source.byteCount))
        guard start.count == 4, start[0] == 0, start[1] == 0 else {
            throw malformed("is not an idx file")
        }
        guard let dtype = dtype(start[2]) else {
            throw malformed("no idx type has the number \(start[2])")
        }
        let rank = Int(start[3])
        guard rank <= Shape.maximumRank, source.byteCount >= 4 + 4 * rank else {
            throw malformed("\(rank) axes are too many, or end early")
        }
        let sizes = try source.bytes(at: 4, count: 4 * rank)
        let shape = (0..<rank).map { sizes.bigWord32(at: 4 * $0) }
        guard let byteCount = TensorDescription.byteCount(shape: shape, dtype: dtype) else {
            throw malformed("its shape \(Shape.describe(shape)) has too many elements")
        }
        let offset = 4 + 4 * rank
        guard byteCount == source.byteCount - offset else {
            throw malformed(
                "\(byteCount) bytes of data are due and \(source.byteCount - offset) there")
        }
        return StoredTensor(
            description: TensorDescription(
                name: "", dtype: dtype, shape: shape, byteOffset: offset, byteCount: byteCount,
                bigEndian: true),
            source: source)
    }

    private static func dtype(_ code: UInt8) -> DType? {
        switch code {
        case 0x08: .uint8
        case 0x09: .int8
        case 0x0B: .int16
        case 0x0C: .int32
        case 0x0D: .float32
        case 0x0E: .float64
        default: nil
        }
    }
}
