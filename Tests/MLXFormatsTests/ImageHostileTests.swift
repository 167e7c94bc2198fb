import CZlib
import MLXBase
import Testing

@testable import MLXFormats

// Images that lie: cut at every byte, damaged with and without right checksums, sizes beyond what
// is there. Each is an image or a typed error.

@Suite struct ImageHostileTests {
    private struct Chunk {
        var type: String
        var data: [UInt8]
    }

    private func chunks(_ name: String) throws -> [Chunk] {
        var walk = PNGChunks(file: try ImageTests.file(name), offset: 8, source: name)
        var chunks: [Chunk] = []
        while chunks.last?.type != "IEND" {
            let (type, data) = try walk.next()
            chunks.append(Chunk(type: type, data: Array(data)))
        }
        return chunks
    }

    private func bigEndian(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    /// A file of these chunks with right checksums.
    private func png(_ chunks: [Chunk]) -> [UInt8] {
        chunks.reduce(into: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { file, chunk in
            let body = Array(chunk.type.utf8) + chunk.data
            file += bigEndian(chunk.data.count) + body
            file += bigEndian(Int(crc32_z(0, body, body.count)))
        }
    }

    private func header(
        _ width: Int, _ height: Int, depth: UInt8 = 8, color: UInt8 = 0,
        methods: [UInt8] = [0, 0, 0]
    ) -> Chunk {
        Chunk(
            type: "IHDR", data: bigEndian(width) + bigEndian(height) + [depth, color] + methods)
    }

    /// A zlib stream of one stored block.
    private func zlib(_ bytes: [UInt8]) -> Chunk {
        var data: [UInt8] = [0x78, 0x01, 1]
        data.append16(bytes.count)
        data.append16(~bytes.count)
        return Chunk(
            type: "IDAT", data: data + bytes + bigEndian(Int(adler32_z(1, bytes, bytes.count))))
    }

    private func decode(_ chunks: [Chunk]) throws -> DecodedImage {
        try PNG.decode(png(chunks), source: "test")
    }

    private let end = Chunk(type: "IEND", data: [])

    @Test("a PNG cut anywhere is refused", arguments: ["palette4-interlaced-transparent", "rgb16"])
    func cut(name: String) throws {
        let file = try ImageTests.file(name)
        for count in file.indices {
            refused("\(count) bytes") {
                _ = try DecodedImage.decode(Array(file[..<count]), source: name)
            }
        }
        // What follows the end chunk is not looked at.
        #expect(throws: Never.self) { try DecodedImage.decode(file + [1, 2, 3], source: name) }
    }

    @Test("a PNG with a wrong bit is refused, wherever the bit is")
    func flips() throws {
        let file = try ImageTests.file("rgb8-interlaced-4x5")
        for at in file.indices {
            for bit in 0..<8 {
                var damaged = file
                damaged[at] ^= 1 << bit
                refused("byte \(at), bit \(bit)") {
                    _ = try DecodedImage.decode(damaged, source: "test")
                }
            }
        }
    }

    @Test("damage behind right checksums is an image or a typed error")
    func damaged() throws {
        var generator = SplitMix64(seed: 20_261_123)
        var decoded = 0
        for name in ["palette2-transparent", "grey-alpha16-interlaced", "rgb8", "grey4"] {
            let good = try chunks(name)
            for round in 0..<400 {
                var chunks = good
                for _ in 0..<generator.within(1...3) {
                    let at = generator.below(chunks.count)
                    if generator.oneIn(6) {
                        chunks.swapAt(at, generator.below(chunks.count))
                    } else if generator.oneIn(6) {
                        chunks.remove(at: at)
                    } else if !chunks[at].data.isEmpty {
                        let byte = generator.below(chunks[at].data.count)
                        chunks[at].data[byte] = UInt8(generator.below(256))
                    }
                    if chunks.isEmpty { chunks = good }
                }
                do {
                    let image = try decode(chunks)
                    let due = image.width * image.height * image.channelCount
                    #expect(image.bytes.count == due * image.sampleByteCount)
                    decoded += 1
                } catch let error as ArrayError {
                    #expect(error.kind == .file, "\(name), round \(round): \(error)")
                }
            }
        }
        #expect(decoded > 0)
    }

    @Test("sizes that the data cannot make are refused before memory is taken")
    func sizes() throws {
        let data = zlib([0, 1, 2, 3])
        #expect(try decode([header(3, 1), data, end]).bytes == [1, 2, 3])
        for (width, height) in [
            (30_000, 30_000), (0, 1), (1, 0), (1 << 31, 1), (0xFFFF_FFFF, 0xFFFF_FFFF), (4, 1),
            (1, 1), (3, 2), (1 << 20, 1 << 14), (0x7FFF_FFFF, 1),
        ] {
            refused("\(width) by \(height)") {
                _ = try decode([header(width, height), data, end])
            }
            refused { _ = try decode([header(width, height, methods: [0, 0, 1]), data, end]) }
        }
        for (depth, color) in [(3, 0), (1, 2), (16, 3), (4, 4), (8, 1), (8, 5), (8, 7), (0, 0)] {
            refused("\(depth) bits, colour \(color)") {
                _ = try decode(
                    [header(3, 1, depth: UInt8(depth), color: UInt8(color)), data, end])
            }
        }
        for methods: [UInt8] in [[1, 0, 0], [0, 1, 0], [0, 0, 2]] {
            refused { _ = try decode([header(3, 1, methods: methods), data, end]) }
        }
    }

    @Test("chunks that lack, repeat or stand elsewhere") func order() throws {
        let head = header(3, 1)
        let data = zlib([0, 1, 2, 3])
        let note = Chunk(type: "teXt", data: [])
        let colors = Chunk(type: "PLTE", data: [1, 2, 3, 4, 5, 6])
        let indexed = header(3, 1, depth: 8, color: 3)
        let places = zlib([0, 0, 1, 0])
        let faded = Chunk(type: "tRNS", data: [9])
        #expect(
            try decode([indexed, colors, faded, places, end]).bytes == [
                1, 2, 3, 9, 4, 5, 6, 255, 1, 2, 3, 9,
            ])
        let wrong: [[Chunk]] = [
            [], [head], [head, end], [data, head, end], [head, data], [head, head, data, end],
            [head, zlib([5, 1, 2, 3]), end], [head, data, note, data, end],
            [head, colors, data, end], [head, Chunk(type: "ABCD", data: []), data, end],
            [head, data, Chunk(type: "IEND", data: [1])],
            [head, Chunk(type: "IDAT", data: [0x78]), end],
            [head, Chunk(type: "IDAT", data: data.data.dropLast()), end],
            [indexed, places, end], [indexed, places, colors, end],
            [indexed, colors, colors, places, end], [indexed, faded, colors, places, end],
            [indexed, colors, places, faded, end], [indexed, colors, data, end],
            [indexed, colors, Chunk(type: "tRNS", data: [1, 2, 3]), places, end],
            [indexed, Chunk(type: "PLTE", data: [1, 2]), places, end],
            [head, Chunk(type: "tRNS", data: [1]), data, end],
            [header(3, 1, color: 4), faded, zlib([0, 1, 2, 3, 4, 5, 6]), end],
        ]
        for (number, chunks) in wrong.enumerated() {
            refused("\(number)") { _ = try decode(chunks) }
        }
        let keyed = Chunk(type: "tRNS", data: [7, 2])
        #expect(try decode([head, keyed, data, end]).bytes == [1, 255, 2, 0, 3, 255])
    }

    @Test(
        "PGM and PPM files that lie",
        arguments: [
            "", "P", "P5", "P5 1", "P5 1 1", "P5 1 1 255", "P5 1 1 255\n", "P1 1 1 1 1", "P4 1 1 1",
            "P7 1 1 255 1", "P5 0 1 255\n1", "P5 1 0 255\n1", "P5 -1 1 255\n1", "P5 1 1 0\n1",
            "P5 1 1 65536\n11", "P5 99999999999999999999 1 255\n1",
            "P5 2147483648 2147483648 255\n1",
            "P5 1 1 100\n~", "P2 2 1 255\n1", "P2 2 1 255\n1 x", "P2 2 1 255\n1 256",
            "P3 1 1 255 1 2",
            "P5 1 1 255x1", "P6 1 1 255\n12", "P5 30000 30000 255\n1", "P2 30000 30000 255\n1 2",
            "Q5",
        ])
    func netpbm(text: String) {
        refused(text) { _ = try DecodedImage.decode(Array(text.utf8), source: "test") }
    }

    @Test("binary PPM files cut anywhere are refused, damaged ones are images or errors")
    func netpbmDamage() throws {
        let good = Array("P6 # note\n3 2 255\n".utf8) + (0..<18).map { UInt8($0 * 14) }
        #expect(try DecodedImage.decode(good, source: "test").bytes.count == 18)
        for count in good.indices {
            refused { _ = try DecodedImage.decode(Array(good[..<count]), source: "test") }
        }
        var generator = SplitMix64(seed: 3)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<generator.within(1...3) {
                bytes[generator.below(20)] =
                    generator.oneIn(2)
                    ? UInt8(generator.within(0x2F...0x3A)) : UInt8(generator.below(256))
            }
            do {
                let image = try DecodedImage.decode(bytes, source: "test")
                #expect(
                    image.bytes.count == image.width * image.height * image.channelCount
                        * image.sampleByteCount)
            } catch {
                #expect(error.kind == .file)
            }
        }
    }
}
