import MLXBase
import Testing

@testable import MLXFormats

// The safetensors format against a file of the reference implementation, and against itself.

@Suite struct SafetensorsTests {
    @Test("A file of the reference implementation, every dtype")
    func reference() throws {
        let file = try Safetensors.open(path: Fixture.path("all.safetensors"))
        #expect(file.metadata == ["format": "np", "note": "é \"q\""])
        #expect(file.tensors.count == 14)
        for tensor in file.tensors {
            let description = tensor.description
            let isEight = description.name == "eight"
            #expect(description.name == (isEight ? "eight" : "\(description.dtype)"))
            #expect(description.shape == [2, 3])
            #expect(try tensor.bytes().count == 6 * description.dtype.size)
            switch description.name {
            case "float64": #expect(try tensor.values(Double.self) == [0, 1, 2, 3, 4, 5])
            case "int16": #expect(try tensor.values(Int16.self) == [0, 1, 2, 3, 4, 5])
            case "bool": #expect(try tensor.bytes() == [0, 1, 1, 1, 1, 1])
            case "bfloat16": #expect(try tensor.values(UInt16.self)[1] == 0x3F80)
            case "eight": #expect(description.dtype == .uint8)
            default: break
            }
        }
    }

    @Test("What is written is read again, aligned, with its metadata")
    func roundTrip() throws {
        var tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])] = []
        for dtype in DType.allCases {
            for shape in [[], [0], [3], [2, 1, 2]] {
                let count = shape.reduce(1, *) * dtype.size
                let bytes = (0..<count).map { UInt8(dtype == .bool ? $0 & 1 : $0 * 7 & 0xFF) }
                tensors.append(("\(dtype).\(shape) \"ü\n", dtype, shape, bytes))
            }
        }
        let metadata = ["format": "mlx", "": "empty", "ключ": "\u{1}\t\"\\/"]
        let sink = MemorySink()
        try withTensors(tensors) { try Safetensors.write($0, metadata: metadata, to: sink) }
        let file = try openSafetensors(sink.contents)
        #expect(file.metadata == metadata)
        #expect(file.tensors.count == tensors.count)
        for tensor in tensors {
            let found = try #require(file.tensors.first { $0.description.name == tensor.name })
            #expect(found.description.dtype == tensor.dtype)
            #expect(found.description.shape == tensor.shape)
            #expect(found.description.byteOffset % tensor.dtype.size == 0)
            #expect(try found.bytes() == tensor.bytes)
        }
    }

    @Test("No tensors, with and without metadata; MLX's null metadata")
    func empty() throws {
        for metadata in [[:], ["a": "b"]] {
            let sink = MemorySink()
            try Safetensors.write([], metadata: metadata, to: sink)
            let file = try openSafetensors(sink.contents)
            #expect(file.tensors.isEmpty)
            #expect(file.metadata == metadata)
        }
        #expect(try openSafetensors(safetensors("{\"__metadata__\":null}")).metadata.isEmpty)
    }

    @Test("Names that are empty, reserved or used twice are not written")
    func names() {
        for names in [[""], ["__metadata__"], ["a", "a"]] {
            let error = #expect(throws: ArrayError.self) {
                try withTensors(names.map { ($0, .uint8, [1], [0]) }) {
                    try Safetensors.write($0, to: MemorySink())
                }
            }
            #expect(error?.kind == .argument)
        }
    }
}
