import MLXBase

/// The JSON header of a safetensors file, read and checked before anybody sees a tensor: offsets
/// must tile the data exactly, without gap or overlap, and each span must be what shape and dtype
/// ask for. Memory taken is proportional to the header's bytes.
struct SafetensorsHeader {
    /// Tensors of one file.
    static let maximumTensorCount = 1 << 20
    /// UTF-8 bytes of one name.
    static let maximumNameByteCount = 4096

    private(set) var tensors: [TensorDescription] = []
    private(set) var metadata: [String: String] = [:]

    private let source: String
    private let dataOffset: Int
    private let dataByteCount: Int
    private var names: Set<String> = []
    private var hasMetadata = false

    init(
        _ text: [UInt8], source: String, dataOffset: Int, dataByteCount: Int
    ) throws(ArrayError) {
        self.source = source
        self.dataOffset = dataOffset
        self.dataByteCount = dataByteCount
        try parse(text)
        try checkTiling()
    }

    private func malformed(_ message: String) -> ArrayError { .file("load", source, message) }

    private mutating func parse(_ text: [UInt8]) throws(ArrayError) {
        // Padding goes behind the object; what stands before it would hide the header's start.
        guard text.first == UInt8(ascii: "{") else {
            throw malformed("its header is not an object")
        }
        let source = source
        let failed = { (error: JSONError) -> ArrayError in
            .file("load", source, "its header is malformed: \(error)")
        }
        var cursor = JSONCursor(text)
        var header = self
        try cursor.object(
            { (cursor, name) throws(ArrayError) in
                if name == "__metadata__" {
                    try header.readMetadata(&cursor, failed)
                } else {
                    try header.readTensor(name, &cursor, failed)
                }
            }, failed: failed)
        do throws(JSONError) { try cursor.expectEnd() } catch { throw failed(error) }
        header.names = []
        self = header
    }

    private mutating func readMetadata(
        _ cursor: inout JSONCursor, _ failed: (JSONError) -> ArrayError
    ) throws(ArrayError) {
        guard !hasMetadata else { throw malformed("'__metadata__' occurs twice") }
        hasMetadata = true
        // MLX writes null where there is none.
        if cursor.peek() == UInt8(ascii: "n") {
            do throws(JSONError) { try cursor.word("null") } catch { throw failed(error) }
            return
        }
        var found: [String: String] = [:]
        let source = source
        try cursor.object(
            { (cursor, key) throws(ArrayError) in
                do throws(JSONError) {
                    guard cursor.peek() == UInt8(ascii: "\"") else {
                        throw cursor.failure("the metadata '\(key.prefix(64))' is not a string")
                    }
                    let text = try cursor.string()
                    guard found.updateValue(text, forKey: key) == nil else {
                        throw cursor.failure("the metadata '\(key.prefix(64))' occurs twice")
                    }
                } catch {
                    throw .file("load", source, "its header is malformed: \(error)")
                }
            }, failed: failed)
        metadata = found
    }

    private mutating func readTensor(
        _ name: String, _ cursor: inout JSONCursor, _ failed: (JSONError) -> ArrayError
    ) throws(ArrayError) {
        let shown = name.prefix(64)
        guard !name.isEmpty, name.utf8.count <= SafetensorsHeader.maximumNameByteCount else {
            throw malformed("a tensor's name is empty or too long")
        }
        guard names.insert(name).inserted else { throw malformed("tensor '\(shown)' occurs twice") }
        guard tensors.count < SafetensorsHeader.maximumTensorCount else {
            throw malformed("more than \(SafetensorsHeader.maximumTensorCount) tensors")
        }
        var fields = TensorFields()
        do throws(JSONError) {
            try cursor.object(
                { (cursor, key) throws(JSONError) in try fields.read(key, &cursor) },
                failed: { $0 })
        } catch { throw failed(error) }
        guard let code = fields.dtype, let shape = fields.shape, let span = fields.offsets else {
            throw malformed("tensor '\(shown)' lacks dtype, shape or data_offsets")
        }
        guard let dtype = SafetensorsType.dtype(of: code) else {
            throw malformed("tensor '\(shown)' has the unknown dtype '\(code.prefix(32))'")
        }
        guard let due = TensorDescription.byteCount(shape: shape, dtype: dtype) else {
            throw malformed("tensor '\(shown)' has too many elements")
        }
        guard span.begin <= span.end, span.end <= dataByteCount else {
            throw malformed("tensor '\(shown)' lies outside the file")
        }
        guard span.end - span.begin == due else {
            throw malformed(
                "tensor '\(shown)' spans \(span.end - span.begin) bytes where its shape and dtype "
                    + "take \(due)")
        }
        tensors.append(
            TensorDescription(
                name: name, dtype: dtype, shape: shape, byteOffset: dataOffset + span.begin,
                byteCount: due))
    }

    /// The tensors, by offset, must follow each other from the start of the data to its end.
    private mutating func checkTiling() throws(ArrayError) {
        tensors.sort { ($0.byteOffset, $0.byteCount) < ($1.byteOffset, $1.byteCount) }
        var offset = dataOffset
        for tensor in tensors {
            guard tensor.byteOffset == offset else {
                let what = tensor.byteOffset < offset ? "overlaps" : "leaves a gap to"
                throw malformed("tensor '\(tensor.name.prefix(64))' \(what) the one before it")
            }
            offset += tensor.byteCount
        }
        guard offset == dataOffset + dataByteCount else {
            throw malformed("\(dataOffset + dataByteCount - offset) bytes belong to no tensor")
        }
    }
}

/// One tensor's entry of the header, field by field.
private struct TensorFields {
    var dtype: String?
    var shape: [Int]?
    var offsets: (begin: Int, end: Int)?

    mutating func read(_ key: String, _ cursor: inout JSONCursor) throws(JSONError) {
        switch key {
        case "dtype" where dtype == nil: dtype = try cursor.string()
        case "shape" where shape == nil:
            shape = try counts(&cursor, atMost: Shape.maximumRank)
        case "data_offsets" where offsets == nil:
            let pair = try counts(&cursor, atMost: 2)
            guard pair.count == 2 else { throw cursor.failure("data_offsets are not two") }
            offsets = (pair[0], pair[1])
        default: throw cursor.failure("the key '\(key.prefix(64))' is unknown or occurs twice")
        }
    }

    private func counts(
        _ cursor: inout JSONCursor, atMost limit: Int
    ) throws(JSONError) -> [Int] {
        var counts: [Int] = []
        try cursor.array { (cursor) throws(JSONError) in
            guard counts.count < limit else { throw cursor.failure("more than \(limit) numbers") }
            counts.append(try cursor.count())
        }
        return counts
    }
}
