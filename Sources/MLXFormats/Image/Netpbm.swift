import MLXBase

/// PGM and PPM images, plain (P2, P3) and binary (P5, P6), of the first image in a file. Samples
/// of another maximum than 255 or 65,535 are scaled to the nearest of these above it. Sizes are
/// compared with the bytes that follow before memory is taken.
package enum Netpbm {
    package static func decode(
        _ file: [UInt8], source: String
    ) throws(ArrayError) -> DecodedImage {
        func malformed(_ message: String) -> ArrayError { .file("load", source, message) }

        guard file.count >= 3, file[0] == UInt8(ascii: "P"),
            let kind = [2, 3, 5, 6].first(where: { file[1] == UInt8(ascii: "0") + $0 })
        else { throw malformed("is neither a PGM nor a PPM image") }
        var words = NetpbmWords(file: file, offset: 2)
        guard let width = words.number(), let height = words.number(), let maximum = words.number(),
            (1...65535).contains(maximum)
        else { throw malformed("its header is malformed") }
        let channelCount = kind % 3 == 0 ? 3 : 1
        let sampleByteCount = maximum < 256 ? 1 : 2
        guard
            let byteCount = DecodedImage.byteCount(
                width: width, height: height, channelCount: channelCount,
                sampleByteCount: sampleByteCount)
        else {
            throw malformed(
                "its size, \(width) by \(height), is none or beyond the limit"
                    + " (FileLimits.imageByteCount) of \(FileLimits.current.imageByteCount) bytes")
        }
        let count = byteCount / sampleByteCount
        let isPlain = kind < 4
        // A plain sample takes a digit and a space, but for the last one.
        let due = isPlain ? 2 * count - 1 : byteCount
        guard words.endHeader(), file.count - words.offset >= due else {
            throw malformed("\(width) by \(height) pixels are due and fewer are there")
        }
        let whole = sampleByteCount == 1 ? 0xFF : 0xFFFF
        var bytes = [UInt8](repeating: 0, count: byteCount)
        for index in 0..<count {
            let sample = isPlain ? words.number() : words.word(sampleByteCount)
            guard let sample, sample <= maximum else {
                throw malformed("sample \(index) is missing or above the maximum of \(maximum)")
            }
            let scaled = maximum == whole ? sample : (sample * whole + maximum / 2) / maximum
            bytes[sampleByteCount * index] = UInt8(truncatingIfNeeded: scaled)
            if sampleByteCount == 2 { bytes[2 * index + 1] = UInt8(scaled >> 8) }
        }
        return DecodedImage(
            width: width, height: height, channelCount: channelCount,
            sampleByteCount: sampleByteCount, bytes: bytes)
    }
}

/// Reads the numbers of a Netpbm file: decimal ones between white space and comments, then words.
struct NetpbmWords {
    let file: [UInt8]
    private(set) var offset: Int

    init(file: [UInt8], offset: Int) {
        self.file = file
        self.offset = offset
    }

    /// The next decimal number; nil when there is none or it is larger than any size.
    mutating func number() -> Int? {
        skipSpace()
        let start = offset
        var value = 0
        while offset < file.count, (0x30...0x39).contains(file[offset]) {
            value = value * 10 + Int(file[offset] - 0x30)
            if value > 1 << 31 { return nil }
            offset += 1
        }
        guard offset > start, offset == file.count || isSpace(file[offset]) else { return nil }
        return value
    }

    /// The one white space between the header and the samples.
    mutating func endHeader() -> Bool {
        guard offset < file.count, isSpace(file[offset]) else { return false }
        offset += 1
        return true
    }

    /// A big-endian word; the caller has checked that it is there.
    mutating func word(_ byteCount: Int) -> Int? {
        defer { offset += byteCount }
        return byteCount == 1
            ? Int(file[offset]) : Int(file[offset]) << 8 | Int(file[offset + 1])
    }

    private mutating func skipSpace() {
        while offset < file.count {
            if file[offset] == UInt8(ascii: "#") {
                while offset < file.count, file[offset] != 0x0A { offset += 1 }
            } else if isSpace(file[offset]) {
                offset += 1
            } else {
                return
            }
        }
    }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
