import MLXBase

/// Pixels that were read from a file: rows from top to bottom, channels side by side. Samples are
/// always 8 or 16 bits over their whole range; what a file says in fewer bits, or of another
/// maximum, was scaled. It knows no colour space: values are as the file has them.
package struct DecodedImage: Sendable, Hashable {
    package let width: Int
    package let height: Int
    /// 1 grey, 2 grey and alpha, 3 red, green and blue, 4 these and alpha.
    package let channelCount: Int
    /// 1 or 2 bytes a sample; those of 2 are words as this machine has them.
    package let sampleByteCount: Int
    package let bytes: [UInt8]

    package var dtype: DType { sampleByteCount == 1 ? .uint8 : .uint16 }

    package init(
        width: Int, height: Int, channelCount: Int, sampleByteCount: Int, bytes: [UInt8]
    ) {
        assert(bytes.count == width * height * channelCount * sampleByteCount)
        self.width = width
        self.height = height
        self.channelCount = channelCount
        self.sampleByteCount = sampleByteCount
        self.bytes = bytes
    }

    /// A PNG, PPM or PGM file, by its first bytes.
    package static func open(path: String) throws(ArrayError) -> DecodedImage {
        try decode(FileSource(path: path).contents(), source: path)
    }

    /// A PNG, PPM or PGM file in memory.
    package static func decode(
        _ file: [UInt8], source: String
    ) throws(ArrayError) -> DecodedImage {
        if PNG.isPNG(file) { return try PNG.decode(file, source: source) }
        if file.first == UInt8(ascii: "P") { return try Netpbm.decode(file, source: source) }
        throw .file("load", source, "is neither a PNG nor a PPM or PGM image")
    }

    /// The bytes that an image takes; nil when that is none or more than `FileLimits` allow.
    static func byteCount(
        width: Int, height: Int, channelCount: Int, sampleByteCount: Int
    ) -> Int? {
        guard width > 0, height > 0 else { return nil }
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        let (bytes, o2) = pixels.multipliedReportingOverflow(by: channelCount * sampleByteCount)
        return !overflow && !o2 && bytes <= FileLimits.current.imageByteCount ? bytes : nil
    }

    // MARK: Channels

    /// The sample at a position in row-major order.
    package subscript(sample: Int) -> Int {
        sampleByteCount == 1
            ? Int(bytes[sample])
            : Int(bytes[2 * sample]) | Int(bytes[2 * sample + 1]) << 8
    }

    /// The image with another number of channels: grey is repeated or weighed from colours (ITU-R
    /// BT.601: 0.299, 0.587, 0.114), alpha is left out or opaque, and blended with nothing.
    package func withChannels(_ count: Int) -> DecodedImage {
        if count == channelCount { return self }
        let hasColor = channelCount >= 3
        let hasAlpha = channelCount % 2 == 0
        let opaque = sampleByteCount == 1 ? 0xFF : 0xFFFF
        var out: [UInt8] = []
        out.reserveCapacity(width * height * count * sampleByteCount)
        func put(_ value: Int) {
            out.append(UInt8(truncatingIfNeeded: value))
            if sampleByteCount == 2 { out.append(UInt8(truncatingIfNeeded: value >> 8)) }
        }
        for pixel in 0..<width * height {
            let at = pixel * channelCount
            if count >= 3 {
                for channel in 0..<3 { put(self[hasColor ? at + channel : at]) }
            } else if hasColor {
                // The weights in 16 bits, rounded; they add up to 65,536.
                put(
                    (self[at] * 19595 + self[at + 1] * 38470 + self[at + 2] * 7471 + 0x8000) >> 16)
            } else {
                put(self[at])
            }
            if count % 2 == 0 { put(hasAlpha ? self[at + channelCount - 1] : opaque) }
        }
        return DecodedImage(
            width: width, height: height, channelCount: count, sampleByteCount: sampleByteCount,
            bytes: out)
    }
}
