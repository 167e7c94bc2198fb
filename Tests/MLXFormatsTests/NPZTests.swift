import MLXBase
import Testing

@testable import MLXFormats

// The npz format against archives that NumPy wrote, and against itself.

@Suite struct NPZTests {
    @Test("NumPy's archives, stored and compressed", arguments: ["all.npz", "compressed.npz"])
    func numpy(_ name: String) throws {
        let tensors = try NPZ.open(path: Fixture.path(name))
        var seen: Set<DType> = []
        for tensor in tensors where tensor.description.name != "zeros" {
            let description = tensor.description
            #expect(description.name == "\(description.dtype)")
            #expect(description.shape == [2, 3])
            seen.insert(description.dtype)
            switch description.dtype {
            case .bool: #expect(try tensor.bytes() == [0, 1, 1, 1, 1, 1])
            case .uint64: #expect(try tensor.values(UInt64.self) == [0, 1, 2, 3, 4, 5])
            case .int8: #expect(try tensor.values(Int8.self) == [0, 1, 2, 3, 4, 5])
            case .float16: #expect(try tensor.values(UInt16.self)[1] == 0x3C00)
            case .float64: #expect(try tensor.values(Double.self) == [0, 1, 2, 3, 4, 5])
            default: break
            }
        }
        #expect(seen == Set(DType.allCases).subtracting([.bfloat16]))
        if name == "compressed.npz" {
            let zeros = try #require(tensors.first { $0.description.name == "zeros" })
            #expect(try zeros.values(Float.self) == [Float](repeating: 0, count: 10_000))
        }
    }

    @Test("Positional names, an empty array, an empty archive")
    func positional() throws {
        let tensors = try NPZ.open(path: Fixture.path("positional.npz"))
        #expect(tensors.map(\.description.name) == ["arr_0", "arr_1"])
        #expect(tensors.map(\.description.shape) == [[], [0, 3]])
        #expect(try tensors[0].values(Float.self) == [7])
        #expect(try tensors[1].bytes().isEmpty)
        #expect(try NPZ.open(path: Fixture.path("none.npz")).isEmpty)
    }

    /// Also with 64-bit fields everywhere, as archives beyond 4 GiB have them.
    @Test("What is written is read again", arguments: [false, true], [0, 0xFFFF_FFFF])
    func roundTrip(_ compressed: Bool, _ wideFrom: Int) throws {
        var generator = SplitMix64(seed: 1)
        let noise = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = [
            ("noise", .uint8, [200, 1000], noise),
            ("zeros", .float32, [100_000], [UInt8](repeating: 0, count: 400_000)),
            ("layers.0/weight ü", .bfloat16, [1], [0x80, 0x3F]),
            ("empty", .int64, [0, 5], []),
            ("scalar", .complex64, [], [UInt8](repeating: 9, count: 8)),
        ]
        let sink = MemorySink()
        try withTensors(tensors) {
            try NPZ.write($0, compressed: compressed, with: ZipWriter(sink, wideFrom: wideFrom))
        }
        let found = try openNPZ(sink.contents)
        #expect(found.map(\.description.name) == tensors.map(\.name))
        for (tensor, found) in zip(tensors, found) {
            #expect(found.description.dtype == tensor.dtype)
            #expect(found.description.shape == tensor.shape)
            #expect(try found.bytes() == tensor.bytes)
        }
        if compressed { #expect(sink.contents.count < 210_000) }
    }

    @Test("A name used twice is not written")
    func names() {
        let error = #expect(throws: ArrayError.self) {
            try withTensors([("a", .uint8, [0], []), ("a", .uint8, [0], [])]) {
                try NPZ.write($0, to: MemorySink())
            }
        }
        #expect(error?.kind == .argument)
    }
}
