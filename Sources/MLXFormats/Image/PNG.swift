import CZlib
import MLXBase

/// PNG images (ISO/IEC 15948): every kind of colour, depth, filter and interlacing. This file is
/// the container: chunks, checksums, order, the compressed data. A file is hostile: nothing is
/// allocated by sizes that its compressed bytes could not unpack to, and what is wrong anywhere
/// before the end chunk refuses the whole image.
package enum PNG {
    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Deflate makes at most 1,032 bytes of one: 258 bytes from two bits.
    private static let deflateRatio = 1032

    package static func isPNG(_ file: [UInt8]) -> Bool { file.starts(with: signature) }

    /// Depths below 8 bits become 8, palettes their colours, transparent colours an alpha channel.
    package static func decode(
        _ file: [UInt8], source: String
    ) throws(ArrayError) -> DecodedImage {
        guard isPNG(file) else { throw .file("load", source, "is not a PNG image") }
        let contents = try PNGContents(file, at: signature.count, source)
        let header = contents.header
        let due = header.filteredByteCount
        guard due / deflateRatio <= contents.compressed.count else {
            throw .file(
                "load", source,
                "\(contents.compressed.count) compressed bytes cannot make an image of "
                    + "\(header.width) by \(header.height)")
        }
        var rows = try unpack(contents.compressed, due, source)
        return try PNGPixels(contents, source).image(&rows)
    }

    /// A zlib stream (RFC 1950) that has to unpack to exactly `due` bytes.
    private static func unpack(
        _ packed: [UInt8], _ due: Int, _ source: String
    ) throws(ArrayError) -> [UInt8] {
        func malformed() -> ArrayError { .file("load", source, "its compressed data is malformed") }

        // Method 8 with a window of up to 32 KiB, no dictionary, a multiple of 31.
        guard packed.count >= 6, packed[0] & 0x0F == 8, packed[0] >> 4 <= 7,
            packed[1] & 0x20 == 0, (Int(packed[0]) << 8 | Int(packed[1])) % 31 == 0
        else { throw malformed() }
        guard let inflater = Inflater() else {
            throw .file("load", source, "zlib could not be started")
        }
        defer { inflater.close() }
        // One byte more than is due shows data that is too long.
        var rows = [UInt8](repeating: 0, count: due + 1)
        var made = 0
        var rest = packed[2...]
        while !inflater.isAtEnd {
            if inflater.pendingByteCount == 0, !rest.isEmpty {
                let room = inflater.room(atMost: rest.count)
                room.copyBytes(from: rest.prefix(room.count))
                inflater.supply(room.count)
                rest = rest.dropFirst(room.count)
            }
            let hadInput = inflater.pendingByteCount > 0
            let count = rows.withUnsafeMutableBytes {
                inflater.inflate(into: UnsafeMutableRawBufferPointer(rebasing: $0[made...]))
            }
            guard let count, count > 0 || hadInput || inflater.isAtEnd else { throw malformed() }
            made += count
            guard made <= due else { throw malformed() }
        }
        let trailer = Array(packed.suffix(inflater.pendingByteCount + rest.count))
        guard made == due, trailer.count >= 4 else { throw malformed() }
        let checksum = rows.withUnsafeBufferPointer {
            adler32_z(1, $0.baseAddress, due)
        }
        guard Int(checksum) == trailer.bigWord32(at: 0) else {
            throw .file("load", source, "the checksum of its compressed data is wrong")
        }
        rows.removeLast()
        return rows
    }
}

/// What the chunks of a PNG hold, as far as pixels need it, in the order that they must have.
struct PNGContents {
    let header: PNGHeader
    /// Red, green and blue of each entry.
    private(set) var palette: [UInt8] = []
    /// The transparent colour, or the alpha of palette entries, as stored.
    private(set) var transparency: [UInt8]?
    private(set) var compressed: [UInt8] = []

    init(_ file: [UInt8], at start: Int, _ source: String) throws(ArrayError) {
        var chunks = PNGChunks(file: file, offset: start, source: source)
        let first = try chunks.next()
        guard first.type == "IHDR" else { throw chunks.malformed("does not begin with a header") }
        header = try PNGHeader(first.data, source)
        var isDataOver = false
        while true {
            let chunk = try chunks.next()
            if chunk.type != "IDAT", !compressed.isEmpty { isDataOver = true }
            switch chunk.type {
            case "IDAT":
                if isDataOver { throw chunks.malformed("its data is not in one piece") }
                compressed += chunk.data
            case "PLTE": try setPalette(chunk.data, chunks)
            case "tRNS": try setTransparency(chunk.data, chunks)
            case "IEND":
                guard chunk.data.isEmpty, header.color != .palette || !palette.isEmpty else {
                    throw chunks.malformed("lacks its palette")
                }
                return
            default:
                // An upper-case first letter says that the image cannot be shown without it.
                if chunk.type.first!.isUppercase {
                    throw chunks.malformed("has a '\(chunk.type)' chunk, which is not known")
                }
            }
        }
    }

    private mutating func setPalette(
        _ data: ArraySlice<UInt8>, _ chunks: PNGChunks
    ) throws(ArrayError) {
        guard palette.isEmpty, compressed.isEmpty, !data.isEmpty, data.count % 3 == 0,
            data.count <= 768, header.color != .grey, header.color != .greyAlpha
        else { throw chunks.malformed("its palette is malformed or out of place") }
        palette = Array(data)
    }

    private mutating func setTransparency(
        _ data: ArraySlice<UInt8>, _ chunks: PNGChunks
    ) throws(ArrayError) {
        let fits =
            switch header.color {
            case .grey: data.count == 2
            case .rgb: data.count == 6
            case .palette: !data.isEmpty && data.count <= palette.count / 3
            case .greyAlpha, .rgba: false
            }
        guard fits, transparency == nil, compressed.isEmpty else {
            throw chunks.malformed("its transparency is malformed or out of place")
        }
        transparency = Array(data)
    }
}

/// Walks the chunks of a PNG: length, four letters, data, checksum.
struct PNGChunks {
    let file: [UInt8]
    private(set) var offset: Int
    let source: String

    init(file: [UInt8], offset: Int, source: String) {
        self.file = file
        self.offset = offset
        self.source = source
    }

    func malformed(_ message: String) -> ArrayError { .file("load", source, message) }

    mutating func next() throws(ArrayError) -> (type: String, data: ArraySlice<UInt8>) {
        guard file.count - offset >= 12 else { throw malformed("ends early") }
        let count = file.bigWord32(at: offset)
        guard count <= file.count - offset - 12 else { throw malformed("ends early") }
        let letters = file[offset + 4..<offset + 8]
        let isNamed = letters.allSatisfy { (0x41...0x5A).contains($0 & 0xDF) }
        guard isNamed else { throw malformed("has a chunk without a name") }
        let start = offset + 8
        let covered = start - 4..<start + count
        let checksum = file.withUnsafeBufferPointer {
            crc32_z(0, $0.baseAddress! + covered.lowerBound, covered.count)
        }
        let type = String(decoding: letters, as: UTF8.self)
        guard Int(checksum) == file.bigWord32(at: start + count) else {
            throw malformed("the checksum of its '\(type)' chunk is wrong")
        }
        offset = start + count + 4
        return (type, file[start..<start + count])
    }
}

extension Array where Element == UInt8 {
    /// A big-endian word; callers check lengths first.
    func bigWord32(at offset: Int) -> Int {
        Int(self[offset]) << 24 | Int(self[offset + 1]) << 16 | Int(self[offset + 2]) << 8
            | Int(self[offset + 3])
    }
}
