import MLXBase

/// The safetensors format: 8 bytes of header length, a JSON header, the data. Opening reads and
/// checks the header only; a tensor's data is read when asked for. Written files have the header
/// padded to 8 bytes and wide dtypes first, so that every tensor is aligned in the file.
package struct Safetensors: Sendable {
    /// The format's own limit: a header must be shorter than this.
    package static let headerByteCountLimit = 100_000_000

    /// In the order of their data.
    package let tensors: [StoredTensor]
    package let metadata: [String: String]

    package static func open(path: String) throws(ArrayError) -> Safetensors {
        try open(FileSource(path: path))
    }

    package static func open(_ source: any ByteSource) throws(ArrayError) -> Safetensors {
        guard source.byteCount >= 10 else {
            throw .file("load", source.name, "is too short for a safetensors file")
        }
        let length = try source.bytes(at: 0, count: 8).word64(at: 0)
        guard length >= 2, length < UInt64(headerByteCountLimit),
            Int(length) <= source.byteCount - 8
        else {
            throw .file(
                "load", source.name,
                "its header of \(length) bytes is too short, too long or longer than the file")
        }
        let dataOffset = 8 + Int(length)
        let header = try SafetensorsHeader(
            source.bytes(at: 8, count: Int(length)), source: source.name, dataOffset: dataOffset,
            dataByteCount: source.byteCount - dataOffset)
        return Safetensors(
            tensors: header.tensors.map { StoredTensor(description: $0, source: source) },
            metadata: header.metadata)
    }

    // MARK: Writing

    package static func write(
        _ tensors: [TensorContents], metadata: [String: String] = [:], path: String
    ) throws(ArrayError) {
        let sink = try AtomicFileSink(path: path)
        try write(tensors, metadata: metadata, to: sink)
        try sink.commit()
    }

    package static func write(
        _ tensors: [TensorContents], metadata: [String: String] = [:], to sink: any ByteSink
    ) throws(ArrayError) {
        let ordered = tensors.sorted {
            ($1.dtype.size, $0.name) < ($0.dtype.size, $1.name)
        }
        let text = try header(of: ordered, metadata: metadata)
        var length: [UInt8] = []
        length.append64(text.count)
        try sink.write(length)
        try sink.write(text)
        for tensor in ordered { try sink.write(tensor.bytes) }
    }

    private static func header(
        of tensors: [TensorContents], metadata: [String: String]
    ) throws(ArrayError) -> [UInt8] {
        var members: [JSONValue.Member] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }
            members.append(
                .init("__metadata__", .object(pairs.map { .init($0.key, .string($0.value)) })))
        }
        guard tensors.count <= SafetensorsHeader.maximumTensorCount else {
            throw ArrayError(.limit, "save", "\(tensors.count) tensors are too many for one file")
        }
        var names: Set<String> = ["__metadata__"]
        var offset = 0
        for tensor in tensors {
            try tensor.check()
            guard !tensor.name.isEmpty, names.insert(tensor.name).inserted,
                tensor.name.utf8.count <= SafetensorsHeader.maximumNameByteCount
            else {
                throw ArrayError(
                    .argument, "save",
                    "the name '\(tensor.name.prefix(64))' is empty, too long, reserved or repeated"
                )
            }
            let end = offset + tensor.bytes.count
            members.append(
                .init(
                    tensor.name,
                    .object([
                        .init("dtype", .string(SafetensorsType.string(of: tensor.dtype))),
                        .init("shape", .array(tensor.shape.map(JSONValue.integer))),
                        .init("data_offsets", .array([.integer(offset), .integer(end)])),
                    ])))
            offset = end
        }
        var text = JSONWriter.bytes(of: .object(members))
        text.append(contentsOf: repeatElement(0x20, count: (8 - text.count % 8) % 8))
        guard text.count < headerByteCountLimit else {
            throw ArrayError(.limit, "save", "the header of these tensors has \(text.count) bytes")
        }
        return text
    }
}
