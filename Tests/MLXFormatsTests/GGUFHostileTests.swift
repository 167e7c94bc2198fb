import MLXBase
import Testing

@testable import MLXFormats

// Rows 11 to 15 of the catalogue of bad inputs: GGUF files that lie about counts, lengths, sizes,
// ranks, offsets and types. The base is a file of one float32 tensor (2, 3).

@Suite struct GGUFHostileTests {
    private struct File {
        var magic = 0x4655_4747
        var version = 3
        var tensors = 1
        var values = 0
        var metadata: [UInt8] = []
        var name = Array("x".utf8)
        var nameCount: Int?
        var rank: Int?
        var dims = [3, 2]
        var type = 0
        var offset = 0
        var data = 24

        var bytes: [UInt8] {
            var out: [UInt8] = []
            out.append32(magic)
            out.append32(version)
            out.append64(tensors)
            out.append64(values)
            out += metadata
            out.append64(nameCount ?? name.count)
            out += name
            out.append32(rank ?? dims.count)
            for dim in dims { out.append64(dim) }
            out.append32(type)
            out.append64(offset)
            return out + [UInt8](repeating: 0, count: (32 - out.count % 32) % 32 + data)
        }
    }

    private func value(_ key: String, _ type: Int, _ value: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.append64(key.utf8.count)
        out += Array(key.utf8)
        out.append32(type)
        return out + value
    }

    private func array(_ type: Int, _ count: Int, _ elements: [UInt8] = []) -> [UInt8] {
        var out: [UInt8] = []
        out.append32(type)
        out.append64(count)
        return out + elements
    }

    /// Refused when opened or read, without asking for more than the file has.
    private func refused(
        _ bytes: [UInt8], _ what: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let source = CountingSource(bytes)
        MLXFormatsTests.refused(what, sourceLocation: sourceLocation) {
            for tensor in try GGUF.open(source).tensors { _ = try tensor.bytes() }
        }
        #expect(source.requested <= 2 * bytes.count + 64, "\(what)", sourceLocation: sourceLocation)
    }

    private func refused(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout File) -> Void
    ) {
        var file = File()
        change(&file)
        refused(file.bytes, what, sourceLocation: sourceLocation)
    }

    @Test("the file that the others are made of is fine") func base() throws {
        let file = try GGUF.open(MemorySource(File().bytes))
        #expect(file.tensors.map(\.description.shape) == [[2, 3]])
    }

    @Test("D.2 row 11: GGUF counts and lengths beyond the file") func counts() {
        for count in [-1, 1 << 40, Int.max, 2, 1 << 62] {
            refused("\(count) tensors") { $0.tensors = count }
        }
        for count in [1, 1 << 60, -1, Int.max] { refused("\(count) values") { $0.values = count } }
        for count in [-1, 1 << 62, Int.max, 1 << 20] {
            refused("a name of \(count)") { $0.nameCount = count }
        }
        for magic in [1, 0x4747_5546] { refused("magic \(magic)") { $0.magic = magic } }
        for version in [0, 1, 4, -1] { refused("version \(version)") { $0.version = version } }
        for count in [1 << 61, 1 << 62, Int.max, -1, 4096] {
            // An element is 4 bytes: the product wraps.
            refused("array of \(count)") {
                $0.values = 1
                $0.metadata = value("k", 9, array(4, count))
            }
            refused("\(count) strings") {
                $0.values = 1
                $0.metadata = value("k", 9, array(8, count))
            }
        }
        refused([], "nothing")
        refused(Array("GGUF".utf8), "the magic alone")
        refused([UInt8](repeating: 0xFF, count: 64), "ones")
        let whole = File().bytes
        for count in stride(from: 0, to: whole.count, by: 5) {
            refused(Array(whole[..<count]), "the first \(count) bytes")
        }
    }

    @Test("D.2 row 12: GGUF tensor sizes that wrap") func sizes() {
        for dims in [
            [1 << 32, 1 << 32], [1 << 62, 4], [1 << 61, 2], [1 << 31, 1 << 31, 4], [0, .max],
            [.max, .max], [1 << 60, 16],
        ] { refused("\(dims)") { $0.dims = dims } }
        // Blocks: elements and bytes wrap at different sizes.
        for type in [2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23] {
            for dims in [[32, 1 << 57], [1 << 62, 32], [32, 1 << 59, 2], [31], [33, 2], [16]] {
                refused("\(dims) of type \(type)") {
                    $0.type = type
                    $0.dims = dims
                }
            }
        }
    }

    @Test("D.2 row 13: GGUF ranks and dimensions") func ranks() throws {
        for rank in [17, 99, 1 << 20, -1] { refused("rank \(rank)") { $0.rank = rank } }
        refused("17 axes") { $0.dims = [Int](repeating: 1, count: 17) }
        for dims in [[-1, 2], [-3, -2], [Int.min, 1], [1 << 33, 1], [6 + (1 << 32)]] {
            refused("\(dims)") { $0.dims = dims }
        }
        // No axes is one number: four bytes, and not what happens to lie there.
        var scalar = File()
        scalar.dims = []
        scalar.data = 4
        let file = try GGUF.open(MemorySource(scalar.bytes))
        #expect(file.tensors.map(\.description.shape) == [[]])
        #expect(try file.tensors[0].bytes().count == 4)
        var nine = File()
        nine.dims = [3, 2] + [Int](repeating: 1, count: 7)
        #expect(try GGUF.open(MemorySource(nine.bytes)).tensors[0].description.shape.count == 9)
    }

    @Test("D.2 row 14: GGUF offsets, alignments and types") func offsets() {
        for offset in [1, -32, 1 << 40, 32, Int.min, Int.max - 31, 1 << 60] {
            refused("offset \(offset)") { $0.offset = offset }
        }
        for type in [-1, 4, 5, 99, 1 << 30] { refused("type \(type)") { $0.type = type } }
        for word in [[0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0x80], [255, 255, 255, 255]] as [[UInt8]]
        {
            refused("alignment \(word)") {
                $0.values = 1
                $0.metadata = value("general.alignment", 4, word)
            }
        }
        refused("an alignment that is a bool") {
            $0.values = 1
            $0.metadata = value("general.alignment", 7, [1])
        }
        refused("data cut short") { $0.data = 23 }
        refused("no data") { $0.data = 0 }
        refused("two tensors in one place") { file in
            var entry: [UInt8] = []
            entry.append64(1)
            entry += Array("y".utf8)
            entry.append32(1)
            entry.append64(6)
            entry.append32(0)
            entry.append64(0)
            file.tensors = 2
            // The second entry stands before the first; both begin at 0.
            file.metadata = entry
        }
    }

    @Test("what is wrong is said with the names of tensor and type") func messages() {
        func message(_ change: (inout File) -> Void) -> String {
            var file = File()
            change(&file)
            return MLXFormatsTests.refused { _ = try GGUF.open(MemorySource(file.bytes)) }
        }
        let unknown = message { $0.type = 17 }
        #expect(unknown.contains("'x': type 17 (IQ2_XS) is not supported"))
        let rows = message {
            $0.type = 12
            $0.dims = [32, 8]
        }
        #expect(rows.contains("'x' of type Q4_K has rows of 32, no whole blocks of 256"))
        let short = message {
            $0.type = 14
            $0.dims = [256]
        }
        #expect(short.contains("'x' of type Q6_K takes 210 bytes"))
    }

    @Test("D.2 row 15: GGUF metadata that is not what its type says") func metadata() throws {
        for type in [13, 99, -1] {
            refused("type \(type)") {
                $0.values = 1
                $0.metadata = value("k", type, [0, 0, 0, 0])
            }
        }
        for inner in [9, 13, -1] {
            refused("array of type \(inner)") {
                $0.values = 1
                $0.metadata = value("k", 9, array(inner, 1, [0]))
            }
        }
        var deep = array(4, 0)
        for _ in 0..<20 { deep = array(9, 1, deep) }
        refused("arrays in arrays in arrays") {
            $0.values = 1
            $0.metadata = value("k", 9, deep)
        }
        refused("more arrays than bytes") {
            $0.values = 1
            $0.metadata = value("k", 9, array(9, 1 << 60, array(4, 0)))
        }
        refused("a key twice") {
            $0.values = 2
            $0.metadata = value("k", 7, [1]) + value("k", 7, [0])
        }
        refused("a name that is no text") { $0.name = [0xFF] }
        refused("no name") { $0.name = [] }
        // Narrow elements stay what they are, so no reader can take them for wide ones.
        var file = File()
        file.values = 1
        file.metadata = value("k", 9, array(0, 3, [1, 2, 255]))
        let values = try GGUF.open(MemorySource(file.bytes)).metadata
        #expect(values["k"] == .array(.uint8, [1, 2, 255]))
        file.metadata = value("k", 7, [9])
        #expect(try GGUF.open(MemorySource(file.bytes)).metadata["k"] == .scalar(.bool, [1]))
    }
}
