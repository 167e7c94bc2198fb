import MLXBase
import Testing

@testable import MLXFormats

/// GGUF files: what MLX reads from the fixture, and what comes back from what is written.
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

    @Test("Blocks that are decoded are what ggml's reference makes of them") func blocks() throws {
        let file = try GGUF.open(path: Fixture.path("blocks.gguf"))
        let expected = try Safetensors.open(path: Fixture.path("blocks.safetensors"))
        #expect(file.tensors.count == 9 && expected.tensors.count == 9)
        for tensor in expected.tensors {
            let name = tensor.description.name
            let own = try #require(file.tensors.first { $0.description.name == name })
            #expect(own.description.dtype == .float16 && own.description.shape == [3, 512])
            let bytes = try tensor.bytes()
            #expect(try own.bytes() == bytes, "\(name)")
            // A part that begins and ends within a block, also within an element.
            for range in [2..<6, 510..<1030, 7..<8, 31..<514, 3000..<3072] {
                let part = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: range.count, alignment: 1)
                defer { part.deallocate() }
                try own.read(at: range.lowerBound, into: part)
                #expect(Array(part) == Array(bytes[range]), "\(name), \(range)")
            }
        }
        let nested = try #require(file.metadata["a.nested"])
        #expect(
            nested
                == .list([
                    .array(.int32, [1, 0, 0, 0, 2, 0, 0, 0]), .array(.int32, [3, 0, 0, 0]),
                ]))
        #expect(nested.text == "[[1,2],[3]]" && file.metadata["a.rate"]?.text == "0.5")
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
            "f": .list([.strings(["a"]), .list([]), .array(.bool, [1, 0])]),
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
}
