import MLXBase

/// NumPy's format for one array: magic, version, a header in Python syntax, the data. Versions 1,
/// 2 and 3 are read; 1 is written, because no header of ours outgrows it. A file with bytes beyond
/// its data is refused: something else than one array is in it.
package enum NPY {
    /// Bytes of a header. Those of plain arrays take less than 400, and only structured types,
    /// which are refused, need more than version 1 can say.
    package static let maximumHeaderByteCount = 65_536

    /// The data of a written file starts at a multiple of this.
    private static let alignment = 64

    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

    package static func open(path: String) throws(ArrayError) -> StoredTensor {
        try open(FileSource(path: path))
    }

    package static func open(
        _ source: any ByteSource, name: String = ""
    ) throws(ArrayError) -> StoredTensor {
        let description = try describe(source, name: name)
        return StoredTensor(description: description, source: source)
    }

    private static func describe(
        _ source: any ByteSource, name: String
    ) throws(ArrayError) -> TensorDescription {
        func malformed(_ message: String) -> ArrayError { .file("load", source.name, message) }

        let start = try source.bytes(at: 0, count: min(12, source.byteCount))
        guard start.count >= 10, Array(start[0..<6]) == magic else {
            throw malformed("is not an npy file")
        }
        let version = start[6]
        guard (1...3).contains(version), start[7] == 0, version == 1 || start.count >= 12 else {
            throw malformed("has an unknown npy version")
        }
        let prefix = version == 1 ? 10 : 12
        let headerByteCount = version == 1 ? start.word16(at: 8) : start.word32(at: 8)
        guard headerByteCount <= source.byteCount - prefix else {
            throw malformed("its header is said to be longer than the file")
        }
        guard headerByteCount <= maximumHeaderByteCount else {
            throw malformed("its header has more than \(maximumHeaderByteCount) bytes")
        }
        let header = try source.bytes(at: prefix, count: headerByteCount)
        let dictionary: NPYDictionary
        do throws(NPYDictionary.Malformed) {
            dictionary = try NPYDictionary(header[...], maximumRank: Shape.maximumRank)
        } catch {
            throw malformed(error.message)
        }
        guard let descr = dictionary.descr, let fortranOrder = dictionary.fortranOrder,
            let shape = dictionary.shape
        else { throw malformed("its header lacks 'descr', 'fortran_order' or 'shape'") }
        guard let (dtype, bigEndian) = NPYType.parse(descr) else {
            throw malformed(NPYType.refusal(descr))
        }
        guard let byteCount = TensorDescription.byteCount(shape: shape, dtype: dtype) else {
            throw malformed("its shape \(Shape.describe(shape)) has too many elements")
        }
        let offset = prefix + headerByteCount
        guard byteCount == source.byteCount - offset else {
            throw malformed(
                "\(byteCount) bytes of data are due and \(source.byteCount - offset) there")
        }
        return TensorDescription(
            name: name, dtype: dtype, shape: shape, byteOffset: offset, byteCount: byteCount,
            fortranOrder: fortranOrder, bigEndian: bigEndian)
    }

    // MARK: Writing

    package static func write(_ tensor: TensorContents, path: String) throws(ArrayError) {
        let sink = try AtomicFileSink(path: path)
        try write(tensor, to: sink)
        try sink.commit()
    }

    package static func write(
        _ tensor: TensorContents, to sink: any ByteSink
    ) throws(ArrayError) {
        try tensor.check()
        try sink.write(header(dtype: tensor.dtype, shape: tensor.shape))
        try sink.write(tensor.bytes)
    }

    /// Everything before the data.
    static func header(dtype: DType, shape: [Int]) -> [UInt8] {
        let dims = shape.map { "\($0)" }.joined(separator: ", ")
        let tuple = shape.count == 1 ? "(\(dims),)" : "(\(dims))"
        let text =
            "{'descr': '\(NPYType.string(of: dtype))', 'fortran_order': False, 'shape': \(tuple), }"
        let unpadded = 10 + text.utf8.count + 1
        let padding = (alignment - unpadded % alignment) % alignment
        var bytes = magic + [1, 0]
        bytes.append16(text.utf8.count + padding + 1)
        bytes.append(contentsOf: text.utf8)
        bytes.append(contentsOf: repeatElement(0x20, count: padding))
        bytes.append(0x0A)
        return bytes
    }
}
