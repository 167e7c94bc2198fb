import CZlib
import MLXBase
import Testing

@testable import MLXFormats

/// Small files that claim to be large: each has a limit that names itself and that a caller raises.
@Suite("Limits of files") struct LimitTests {
    /// Raw deflate data of zeros.
    private static func packed(_ count: Int) throws -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: count)
        return try zeros.withUnsafeBytes { bytes in
            do throws(ArrayError) { return try Deflater.deflate([bytes]) } catch { throw error }
        }
    }

    /// A gzip member of zeros whose trailer says so, or lies.
    private static func gzip(_ count: Int, claimed: Int? = nil) throws -> [UInt8] {
        let zeros = [UInt8](repeating: 0, count: count)
        var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        file += try packed(count)
        file.append32(Int(crc32_z(0, zeros, zeros.count)))
        file.append32(claimed ?? count)
        return file
    }

    private func with<R>(_ change: (inout FileLimits) -> Void, _ body: () throws -> R) rethrows -> R
    {
        var limits = FileLimits()
        change(&limits)
        return try FileLimits.$current.withValue(limits, operation: body)
    }

    @Test("gzip unpacks to what its trailer says, and no further") func gzip() throws {
        #expect(try Gzip.unpack(Self.gzip(100_000), source: "x").count == 100_000)
        let less = refused { _ = try Gzip.unpack(Self.gzip(100_000, claimed: 1000), source: "x") }
        #expect(less.contains("more than the 1000 bytes it claims"), "\(less)")
        refused { _ = try Gzip.unpack(Self.gzip(1000, claimed: 100_000), source: "x") }
        refused { _ = try Gzip.unpack(Self.gzip(1000, claimed: 0xFFFF_FFFF), source: "x") }
        try with {
            $0.unpackedByteCount = 50_000
        } _: {
            let message = refused { _ = try Gzip.unpack(Self.gzip(100_000), source: "x") }
            #expect(message.contains("FileLimits.unpackedByteCount"), "\(message)")
            let allowed = try Gzip.unpack(Self.gzip(50_000), source: "x")
            #expect(allowed.count == 50_000)
        }
    }

    @Test("archives claim no more than the limit") func archives() throws {
        let sink = MemorySink()
        let zeros = [UInt8](repeating: 0, count: 100_000)
        try withTensors([("a", .uint8, [100_000], zeros), ("b", .uint8, [100_000], zeros)]) {
            try NPZ.write($0, compressed: true, to: sink)
        }
        #expect(try openNPZ(sink.contents).count == 2)
        with {
            $0.unpackedByteCount = 150_000
        } _: {
            let message = refused { _ = try openNPZ(sink.contents) }
            #expect(message.contains("FileLimits.unpackedByteCount"), "\(message)")
        }
    }

    @Test("images have no more pixels than the limit") func images() throws {
        let file = Array("P5 300 300 255\n".utf8) + [UInt8](repeating: 9, count: 90_000)
        #expect(try DecodedImage.decode(file, source: "x").bytes.count == 90_000)
        with {
            $0.imageByteCount = 80_000
        } _: {
            let message = refused { _ = try DecodedImage.decode(file, source: "x") }
            #expect(message.contains("FileLimits.imageByteCount"), "\(message)")
        }
        // 40,000 by 40,000 is refused as it comes, by its header alone.
        let large = Array("P5 40000 40000 255\n".utf8)
        refused { _ = try DecodedImage.decode(large, source: "x") }
    }

    @Test("tables have no more bytes and fields than the limit") func tables() throws {
        let commas = [UInt8](repeating: UInt8(ascii: ","), count: 999)
        func table() throws -> CSV { try CSV(commas, style: .init(), source: "x") }
        #expect(try table().columnCount == 1000)
        with {
            $0.tableFieldCount = 500
        } _: {
            let message = refused { _ = try table() }
            #expect(message.contains("FileLimits.tableFieldCount"), "\(message)")
        }
        with {
            $0.tableByteCount = 500
        } _: {
            let message = refused { _ = try table() }
            #expect(message.contains("FileLimits.tableByteCount"), "\(message)")
        }
    }

    @Test("tables are UTF-8; every pair of bytes and many longer runs are judged as Swift does")
    func text() throws {
        let message = refused {
            _ = try CSV(Array("a,b\n1,".utf8) + [0xC3, 0x28, 0x0A], style: .init(), source: "x")
        }
        #expect(message.contains("line 2") && message.contains("UTF-8"), "\(message)")
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix64(seed: seed)
        let edges: [UInt8] = [
            0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
            0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        func check(_ bytes: [UInt8]) {
            let isText = String(validating: bytes, as: UTF8.self) != nil
            let fault = bytes.withUnsafeBufferPointer(UTF8Check.firstFault)
            #expect((fault == nil) == isText, "\(bytes), seed \(seed)")
        }
        for first in 0...255 { for second in 0...255 { check([UInt8(first), UInt8(second)]) } }
        for _ in 0..<50_000 {
            check(
                (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                    edges.randomElement(using: &generator)!
                })
        }
    }
}
