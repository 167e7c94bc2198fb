import MLXBase

/// The GGUF format of ggml, versions 2 and 3: metadata, tensor descriptions, aligned data. Opening
/// reads and checks the header only. Tensors in Q4_0, Q4_1 and Q8_0 become three, as MLX has them:
/// packed weights, scales and biases of groups of 32; those in other blocks become float16.
/// Dimensions are stored innermost first and are reversed here.
package struct GGUF: Sendable {
    /// In the order of their data; the three of a quantized tensor follow each other.
    package let tensors: [StoredTensor]
    package let metadata: [String: GGUFValue]

    static let magic = 0x4655_4747
    static let alignmentKey = "general.alignment"
    static let defaultAlignment = 32
    static let maximumNameByteCount = 4096

    package static func open(path: String) throws(ArrayError) -> GGUF {
        try open(FileSource(path: path))
    }

    package static func open(_ source: any ByteSource) throws(ArrayError) -> GGUF {
        var cursor = GGUFCursor(source)
        guard source.byteCount >= 24, try cursor.word(4) == UInt64(magic) else {
            throw cursor.malformed("is no GGUF file")
        }
        let version = try cursor.word(4)
        guard version == 2 || version == 3 else {
            throw cursor.malformed("version \(version) is not known")
        }
        let tensorCount = try cursor.count("tensors", least: 24)
        let valueCount = try cursor.count("metadata values", least: 13)
        var metadata: [String: GGUFValue] = [:]
        for _ in 0..<valueCount {
            let key = try cursor.string(limit: 65_535)
            guard metadata.updateValue(try cursor.value(), forKey: key) == nil else {
                throw cursor.malformed("the metadata '\(key.prefix(64))' occurs twice")
            }
        }
        let alignment = try alignment(metadata, cursor)
        var entries: [GGUFEntry] = []
        for _ in 0..<tensorCount { entries.append(try GGUFEntry(&cursor, alignment)) }
        let start = cursor.position + (alignment - cursor.position % alignment) % alignment
        return GGUF(
            tensors: try place(entries, start: start, cursor), metadata: metadata)
    }

    private static func alignment(
        _ metadata: [String: GGUFValue], _ cursor: GGUFCursor
    ) throws(ArrayError) -> Int {
        guard let value = metadata[alignmentKey] else { return defaultAlignment }
        guard case .scalar(.uint32, let bytes) = value else {
            throw cursor.malformed("its alignment is not a 32-bit number")
        }
        let alignment = bytes.word32(at: 0)
        guard alignment >= 1, alignment <= 1 << 20, alignment & (alignment - 1) == 0 else {
            throw cursor.malformed("an alignment of \(alignment) bytes")
        }
        return alignment
    }

    /// Checks that tensors lie inside the file, one behind the other, under names of their own.
    private static func place(
        _ entries: [GGUFEntry], start: Int, _ cursor: GGUFCursor
    ) throws(ArrayError) -> [StoredTensor] {
        let room = cursor.source.byteCount - start
        var end = 0
        var names: Set<String> = []
        var tensors: [StoredTensor] = []
        for entry in entries.sorted(by: { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }) {
            let shown = entry.name.prefix(64)
            guard entry.byteCount == 0 || entry.offset <= room,
                entry.byteCount <= room - min(entry.offset, room)
            else {
                throw cursor.malformed(
                    "tensor '\(shown)' of type \(entry.typeName) takes \(entry.byteCount) bytes"
                        + " from \(entry.offset) on and lies outside the file")
            }
            guard entry.offset >= end || entry.byteCount == 0 else {
                throw cursor.malformed("tensor '\(shown)' overlaps the one before it")
            }
            end = max(end, entry.offset + entry.byteCount)
            for tensor in entry.stored(cursor.source, start: start) {
                guard names.insert(tensor.description.name).inserted else {
                    throw cursor.malformed(
                        "tensor '\(tensor.description.name.prefix(64))' occurs twice")
                }
                tensors.append(tensor)
            }
        }
        return tensors
    }
}

/// One tensor's entry of the header, checked by itself.
struct GGUFEntry {
    let name: String
    let shape: [Int]
    let layout: GGUFLayout
    /// What ggml calls the layout.
    let typeName: String
    /// From the start of the data.
    let offset: Int
    let byteCount: Int

    init(_ cursor: inout GGUFCursor, _ alignment: Int) throws(ArrayError) {
        name = try cursor.string(limit: GGUF.maximumNameByteCount)
        let shown = name.prefix(64)
        guard !name.isEmpty else { throw cursor.malformed("a tensor has no name") }
        let rank = try cursor.word(4)
        guard rank <= UInt64(Shape.maximumRank) else {
            throw cursor.malformed("tensor '\(shown)' has \(rank) axes")
        }
        var dims: [Int] = []
        for _ in 0..<rank {
            guard let dim = Int(exactly: try cursor.word(8)) else {
                throw cursor.malformed("tensor '\(shown)' has too many elements")
            }
            dims.append(dim)
        }
        shape = dims.reversed()
        let code = try cursor.word(4)
        guard let layout = Int(exactly: code).flatMap(GGUFLayout.init) else {
            throw cursor.malformed(
                "tensor '\(shown)': type \(code) (\(GGUFLayout.name(code: code)))"
                    + " is not supported")
        }
        self.layout = layout
        typeName = GGUFLayout.name(code: code)
        guard let offset = Int(exactly: try cursor.word(8)), offset % alignment == 0,
            offset < 1 << 60
        else { throw cursor.malformed("tensor '\(shown)' is not aligned") }
        self.offset = offset
        guard let count = GGUFEntry.byteCount(shape, layout) else {
            var reason = "has too many elements"
            if case .blocks(let type) = layout, (shape.last ?? 1) % type.length != 0 {
                reason = "has rows of \(shape.last ?? 1), no whole blocks of \(type.length)"
            }
            throw cursor.malformed("tensor '\(shown)' of type \(typeName) \(reason)")
        }
        byteCount = count
    }

    private static func byteCount(_ shape: [Int], _ layout: GGUFLayout) -> Int? {
        switch layout {
        case .elements(let dtype):
            return TensorDescription.byteCount(shape: shape, dtype: dtype)
        case .blocks(let type):
            // float64 is wider than any block, so that no product below overflows.
            guard TensorDescription.byteCount(shape: shape, dtype: .float64) != nil,
                let last = shape.last, last % type.length == 0
            else { return nil }
            return (shape.contains(0) ? 0 : shape.reduce(1, *) / type.length) * type.byteCount
        }
    }

    /// The tensors that the entry stands for.
    func stored(_ source: any ByteSource, start: Int) -> [StoredTensor] {
        let place = byteCount == 0 ? 0 : start + offset
        switch layout {
        case .elements(let dtype):
            return [tensor(name, dtype, shape, place, byteCount, source)]
        case .blocks(let type):
            if let bits = type.affineBits { return affine(type, bits, source, place) }
            let blocks = GGUFDecodedBlocks(
                source, offset: place, byteCount: byteCount, type: type)
            return [tensor(name, .float16, shape, 0, blocks.byteCount, blocks)]
        }
    }

    private func tensor(
        _ name: String, _ dtype: DType, _ shape: [Int], _ offset: Int, _ count: Int,
        _ source: any ByteSource
    ) -> StoredTensor {
        StoredTensor(
            description: TensorDescription(
                name: name, dtype: dtype, shape: shape, byteOffset: offset, byteCount: count),
            source: source)
    }

    private func affine(
        _ type: GGUFBlockType, _ bits: Int, _ source: any ByteSource, _ place: Int
    ) -> [StoredTensor] {
        let suffix = ".weight"
        let isWeight = name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        let prefix =
            isWeight
            ? String(decoding: name.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : name
        let names = [name, prefix + ".scales", prefix + ".biases"]
        return zip(GGUFBlocks.Part.allCases, names).map { part, name in
            let blocks = GGUFBlocks(
                source, offset: place, byteCount: byteCount, type: type, bits: bits, part: part)
            var dims = shape
            dims[dims.count - 1] /= part == .weights ? 32 / bits : type.length
            return tensor(
                name, part == .weights ? .uint32 : .float16, dims, 0, blocks.byteCount, blocks)
        }
    }
}
