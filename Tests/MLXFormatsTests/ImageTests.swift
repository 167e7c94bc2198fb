import CZlib
import MLXBase
import Testing

@testable import MLXFormats

// Images pixel for pixel: PNG against files of an encoder in Python (Scripts/image-fixtures), PGM
// and PPM and idx arrays against files that are put together here.

@Suite struct ImageTests {
    /// The entries of the fixture that are no files: their pixels.
    private static let fixture: [String: StoredTensor] = {
        guard let tensors = try? NPZ.open(FileSource(path: Fixture.path("images.npz"))) else {
            return [:]
        }
        return Dictionary(uniqueKeysWithValues: tensors.map { ($0.description.name, $0) })
    }()

    static let names = fixture.keys.filter { !$0.hasSuffix(".png") }.sorted()

    static func file(_ name: String) throws -> [UInt8] {
        try #require(fixture[name + ".png"]).bytes()
    }

    @Test("PNG images of all kinds, pixel for pixel")
    func png() throws {
        #expect(Self.names.count == 57)
        for name in Self.names {
            let expected = try #require(Self.fixture[name])
            let image = try PNG.decode(Self.file(name), source: name)
            let shape = [image.height, image.width, image.channelCount]
            #expect(shape == expected.description.shape, "\(name)")
            #expect(image.dtype == expected.description.dtype, "\(name)")
            #expect(try image.bytes == expected.bytes(), "\(name)")
        }
    }

    @Test("other numbers of channels") func channels() {
        let color = DecodedImage(
            width: 2, height: 1, channelCount: 3, sampleByteCount: 1,
            bytes: [255, 0, 0, 10, 200, 30])
        #expect(color.withChannels(1).bytes == [76, 124])
        #expect(color.withChannels(4).bytes == [255, 0, 0, 255, 10, 200, 30, 255])
        #expect(color.withChannels(2).bytes == [76, 255, 124, 255])
        #expect(color.withChannels(3) == color)
        let grey = DecodedImage(
            width: 1, height: 1, channelCount: 2, sampleByteCount: 2, bytes: [1, 2, 3, 4])
        #expect(grey.withChannels(3).bytes == [1, 2, 1, 2, 1, 2])
        #expect(grey.withChannels(1).bytes == [1, 2])
        #expect(grey.withChannels(4).bytes == [1, 2, 1, 2, 1, 2, 3, 4])
        let white = DecodedImage(
            width: 1, height: 1, channelCount: 3, sampleByteCount: 2,
            bytes: [UInt8](repeating: 255, count: 6))
        #expect(white.withChannels(1).bytes == [255, 255])
    }

    @Test("PGM and PPM, plain and binary, with comments and other maxima") func netpbm() throws {
        func decode(_ text: String, _ data: [UInt8] = []) throws -> DecodedImage {
            try DecodedImage.decode(Array(text.utf8) + data, source: "test")
        }
        let plain = try decode("P2 # grey\n3 2\n# more\n255\n0 1 2\n253 254 255\n")
        #expect(plain.bytes == [0, 1, 2, 253, 254, 255] && plain.channelCount == 1)
        #expect(plain.width == 3 && plain.height == 2)
        #expect(try decode("P2 2 1 15 0 15").bytes == [0, 255])
        #expect(try decode("P2 3 1 1 0 1 0").bytes == [0, 255, 0])
        #expect(try decode("P3 1 1 255 7 8 9").channelCount == 3)
        #expect(try decode("P5 2 1 255\n", [9, 10]).bytes == [9, 10])
        #expect(try decode("P5 2 1 100 ", [50, 100]).bytes == [128, 255])
        #expect(try decode("P6 1 1 255\n", [1, 2, 3]).bytes == [1, 2, 3])
        let wide = try decode("P5 2 1 65535\n", [1, 2, 0xFF, 0xFE])
        #expect(wide.bytes == [2, 1, 0xFE, 0xFF] && wide.dtype == .uint16)
        #expect(try decode("P5 1 1 256\n", [1, 0]).bytes == [0xFF, 0xFF])
        // Data that begins like white space or a comment is data.
        #expect(try decode("P5 3 1 255\n", [0x20, 0x23, 0x0A]).bytes == [0x20, 0x23, 0x0A])
    }

    @Test("idx arrays of all types, packed or not") func idx() throws {
        let codes: [(UInt8, DType, Int)] = [
            (8, .uint8, 1), (9, .int8, 1), (11, .int16, 2), (12, .int32, 4), (13, .float32, 4),
            (14, .float64, 8),
        ]
        for (code, dtype, size) in codes {
            let data = (0..<6 * size).map { UInt8($0 * 5 + 3) }
            let file: [UInt8] = [0, 0, code, 2, 0, 0, 0, 2, 0, 0, 0, 3] + data
            let tensor = try IDX.open(MemorySource(file))
            #expect(tensor.description.shape == [2, 3] && tensor.description.dtype == dtype)
            let swapped = stride(from: 0, to: data.count, by: size).flatMap {
                data[$0..<$0 + size].reversed()
            }
            #expect(try tensor.bytes() == swapped)
            for count in file.indices {
                refused("\(count) bytes") { _ = try IDX.open(MemorySource(Array(file[..<count]))) }
            }
            refused { _ = try IDX.open(MemorySource(file + [0])) }
        }
        #expect(try IDX.open(MemorySource([0, 0, 8, 0, 7])).description.shape == [])
        refused { _ = try IDX.open(MemorySource([0, 0, 10, 0, 7])) }
        refused { _ = try IDX.open(MemorySource([1, 0, 8, 0, 7])) }
        refused { _ = try IDX.open(MemorySource([0, 0, 8, 255] + .init(repeating: 1, count: 99))) }
        let huge = [UInt8](repeating: 0xFF, count: 12)
        refused { _ = try IDX.open(MemorySource([0, 0, 14, 3] + huge)) }
        let folder = TemporaryFolder()
        let sink = try AtomicFileSink(path: folder.path + "packed.gz")
        try sink.write(gzip([0, 0, 8, 1, 0, 0, 0, 2, 5, 6]))
        try sink.commit()
        #expect(try IDX.open(path: folder.path + "packed.gz").bytes() == [5, 6])
    }

    /// A gzip member of one stored block.
    private func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1]
        packed.append16(bytes.count)
        packed.append16(~bytes.count)
        packed += bytes
        packed.append32(Int(crc32_z(0, bytes, bytes.count)))
        packed.append32(bytes.count)
        return packed
    }
}
