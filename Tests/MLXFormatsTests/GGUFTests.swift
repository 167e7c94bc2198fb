import MLXBase
import Testing

@testable import MLXFormats

/// GGUF files: what MLX reads from the fixture, what comes back from what is written, and files
/// that lie about every count, length, offset and type.
@Suite struct GGUFTests {
    private func open(_ bytes: [UInt8]) throws -> GGUF { try GGUF.open(MemorySource(bytes)) }

    @Test("Tensors are what MLX loads") func tensors() throws {
        let file = try GGUF.open(path: Fixture.path("all.gguf"))
        let expected = try Safetensors.open(path: Fixture.path("gguf.safetensors"))
        #expect(
            Set(file.tensors.map(\.description.name))
                == Set(expected.tensors.map(\.description.name)))
        for tensor in expected.tensors {
            let name = tensor.description.name
            let own = try #require(file.tensors.first { $0.description.name == name })
            #expect(own.description.dtype == tensor.description.dtype, "\(name)")
            #expect(own.description.shape == tensor.description.shape, "\(name)")
            #expect(try own.bytes() == (try tensor.bytes()), "\(name)")
        }
    }

    @Test("Metadata of every type") func metadata() throws {
        let values = try open(try Fixture.bytes("all.gguf")).metadata
        #expect(values.count == 14)
        #expect(values["a.text"] == .string("text é"))
        #expect(values["a.names"] == .strings(["x", ""]))
        #expect(values["a.u8"] == .scalar(.uint8, [7]))
        #expect(values["a.bool"] == .scalar(.bool, [1]))
        #expect(values["a.list"] == .array(.int32, [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
        #expect(values["a.f64"] == .scalar(.float64, [0, 0, 0, 0, 0, 0, 0xE0, 0x3F]))
        #expect(values["general.alignment"] == .scalar(.uint32, [64, 0, 0, 0]))
    }

    @Test("What is written is read back") func roundTrip() throws {
        let values: [String: GGUFValue] = [
            "a": .string("x"), "b": .strings(["", "yz"]),
            "c": .scalar(.int64, [1, 2, 3, 4, 5, 6, 7, 8]),
            "d": .array(.uint16, [1, 0, 2, 0]), "e": .array(.float32, []),
        ]
        let sink = MemorySink()
        try withTensors([
            ("w", .float32, [2, 3], (0..<24).map { $0 }), ("v", .bfloat16, [1], [1, 2]),
            ("none", .int8, [0, 3], []), ("u", .int16, [3], [1, 2, 3, 4, 5, 6]),
        ]) { try GGUF.write($0, metadata: values, to: sink) }
        let file = try open(sink.contents)
        for (key, value) in values { #expect(file.metadata[key] == value, "\(key)") }
        #expect(file.tensors.count == 4)
        let w = try #require(file.tensors.first { $0.description.name == "w" })
        #expect(w.description.shape == [2, 3] && w.description.byteOffset % 32 == 0)
        #expect(try w.bytes() == (0..<24).map { $0 })
    }

    @Test("What the format lacks is refused") func refused() {
        for dtype in [DType.bool, .uint8, .uint32, .complex64] {
            let error = #expect(throws: ArrayError.self) {
                try withTensors([("x", dtype, [1], [UInt8](repeating: 0, count: dtype.size))]) {
                    try GGUF.write($0, to: MemorySink())
                }
            }
            #expect(error?.kind == .dtype)
        }
    }

    /// A file of one float32 tensor (2, 3), with a part replaced.
    private func hostile(
        magic: Int = 0x4655_4747, version: Int = 3, tensors: Int = 1, values: Int = 0,
        metadata: [UInt8] = [], name: [UInt8] = Array("x".utf8), nameCount: Int? = nil,
        rank: Int = 2, dims: [Int] = [3, 2], type: Int = 0, offset: Int = 0, data: Int = 24
    ) -> [UInt8] {
        var out: [UInt8] = []
        out.append32(magic)
        out.append32(version)
        out.append64(tensors)
        out.append64(values)
        out += metadata
        out.append64(nameCount ?? name.count)
        out += name
        out.append32(rank)
        for dim in dims { out.append64(dim) }
        out.append32(type)
        out.append64(offset)
        out += [UInt8](repeating: 0, count: (32 - out.count % 32) % 32 + data)
        return out
    }

    private func metadata(_ key: String, _ type: Int, _ value: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.append64(key.utf8.count)
        out += Array(key.utf8)
        out.append32(type)
        return out + value
    }

    @Test("Files that lie are typed errors") func lies() throws {
        #expect(try open(hostile()).tensors.count == 1)
        let bad = [
            hostile(magic: 1), hostile(version: 1), hostile(version: 4), hostile(tensors: -1),
            hostile(tensors: 1 << 40), hostile(tensors: 2), hostile(values: 1 << 60),
            hostile(values: 1), hostile(name: []), hostile(nameCount: -1),
            hostile(nameCount: 1 << 62), hostile(name: [0xFF]), hostile(rank: 99),
            hostile(rank: 17, dims: [Int](repeating: 1, count: 17)), hostile(dims: [-1, 2]),
            hostile(dims: [1 << 32, 1 << 32]), hostile(dims: [1 << 62, 4]),
            hostile(dims: [0, .max]), hostile(type: 4), hostile(type: -1), hostile(type: 2),
            hostile(dims: [32, 1 << 57], type: 2), hostile(offset: 1), hostile(offset: -32),
            hostile(offset: 1 << 40), hostile(offset: 32), hostile(data: 23),
            hostile(values: 1, metadata: metadata("k", 13, [])),
            hostile(values: 1, metadata: metadata("k", 9, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
            hostile(
                values: 1,
                metadata: metadata(
                    "k", 9, [12, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))),
            hostile(values: 1, metadata: metadata("general.alignment", 4, [0, 0, 0, 0])),
            hostile(values: 1, metadata: metadata("general.alignment", 4, [3, 0, 0, 0])),
            hostile(values: 1, metadata: metadata("general.alignment", 4, [0, 0, 0, 0x80])),
            hostile(values: 1, metadata: metadata("general.alignment", 7, [1])),
            hostile(
                values: 2, metadata: metadata("k", 7, [1]) + metadata("k", 7, [0])),
            [], Array("GGUF".utf8), [UInt8](repeating: 0xFF, count: 64),
        ]
        for (number, bytes) in bad.enumerated() {
            let error = #expect(throws: ArrayError.self, "file \(number)") {
                for tensor in try open(bytes).tensors { _ = try tensor.bytes() }
            }
            #expect(error?.kind == .file, "file \(number)")
        }
    }
}
