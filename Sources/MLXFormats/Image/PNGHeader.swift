import MLXBase

/// The header chunk of a PNG, checked: sizes, depth, kind of colours, interlacing. Everything that
/// is said about memory is derived from it, so nothing is taken before it was compared with how
/// many compressed bytes the file has.
struct PNGHeader {
    /// What a pixel is made of; the numbers are the format's.
    enum Color: UInt8 {
        case grey = 0
        case rgb = 2
        case palette = 3
        case greyAlpha = 4
        case rgba = 6

        /// Samples of a pixel as they are stored.
        var channelCount: Int {
            switch self {
            case .grey, .palette: 1
            case .greyAlpha: 2
            case .rgb: 3
            case .rgba: 4
            }
        }

        var depths: [Int] {
            switch self {
            case .grey: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .greyAlpha, .rgba: [8, 16]
            }
        }
    }

    /// One of the images that are stored one after the other: all of it, or a pass of Adam7.
    struct Pass {
        let left: Int
        let top: Int
        let stepX: Int
        let stepY: Int
        let width: Int
        let height: Int
    }

    let width: Int
    let height: Int
    let bitDepth: Int
    let color: Color
    let passes: [Pass]

    init(_ data: ArraySlice<UInt8>, _ source: String) throws(ArrayError) {
        func malformed(_ message: String) -> ArrayError { .file("load", source, message) }

        let bytes = Array(data)
        guard bytes.count == 13 else { throw malformed("its PNG header is malformed") }
        width = bytes.bigWord32(at: 0)
        height = bytes.bigWord32(at: 4)
        bitDepth = Int(bytes[8])
        guard let color = Color(rawValue: bytes[9]), color.depths.contains(bitDepth) else {
            throw malformed("no PNG has colour type \(bytes[9]) with \(bitDepth) bits a sample")
        }
        self.color = color
        guard bytes[10] == 0, bytes[11] == 0, bytes[12] <= 1 else {
            throw malformed("its PNG header names methods that there are not")
        }
        // Four channels are the most that a pixel can become.
        guard
            DecodedImage.byteCount(
                width: width, height: height, channelCount: 4,
                sampleByteCount: bitDepth == 16 ? 2 : 1) != nil
        else {
            throw malformed(
                "its size, \(width) by \(height), is none or beyond the limit"
                    + " (FileLimits.imageByteCount) of \(FileLimits.current.imageByteCount) bytes")
        }
        passes = PNGHeader.passes(width, height, isInterlaced: bytes[12] == 1)
    }

    /// Bits of a pixel as it is stored.
    var pixelBitCount: Int { bitDepth * color.channelCount }

    /// Bytes of a row of pixels, without the byte that names its filter.
    func rowByteCount(_ width: Int) -> Int { (width * pixelBitCount + 7) / 8 }

    /// Bytes of all rows with their filters: what the compressed data has to unpack to.
    var filteredByteCount: Int {
        passes.reduce(0) { $0 + $1.height * (1 + rowByteCount($1.width)) }
    }

    /// Adam7 (PNG specification, 8.2): seven images, of every eighth pixel first. Passes without
    /// pixels are not stored.
    private static func passes(_ width: Int, _ height: Int, isInterlaced: Bool) -> [Pass] {
        let steps =
            isInterlaced
            ? [
                (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                (1, 0, 2, 2), (0, 1, 1, 2),
            ] : [(0, 0, 1, 1)]
        return steps.compactMap { left, top, stepX, stepY in
            let columns = (width - left + stepX - 1) / stepX
            let rows = (height - top + stepY - 1) / stepY
            guard columns > 0, rows > 0 else { return nil }
            return Pass(
                left: left, top: top, stepX: stepX, stepY: stepY, width: columns, height: rows)
        }
    }
}
