import MLXBase

/// Rows of a PNG to pixels: filters are undone in place, samples of all depths become 8 or 16
/// bits, palettes their colours, and the passes of interlaced images go to their places. Rows have
/// exactly the bytes that the header asks for; that was checked before.
struct PNGPixels {
    private let contents: PNGContents
    private let source: String
    private let channelCount: Int
    private let sampleByteCount: Int

    init(_ contents: PNGContents, _ source: String) {
        self.contents = contents
        self.source = source
        let hasTransparency = contents.transparency != nil
        let header = contents.header
        channelCount =
            switch header.color {
            case .grey: hasTransparency ? 2 : 1
            case .palette, .rgb: hasTransparency ? 4 : 3
            case .greyAlpha: 2
            case .rgba: 4
            }
        sampleByteCount = header.bitDepth == 16 ? 2 : 1
    }

    func image(_ rows: inout [UInt8]) throws(ArrayError) -> DecodedImage {
        let header = contents.header
        let pixelByteCount = channelCount * sampleByteCount
        var pixels = [UInt8](repeating: 0, count: header.width * header.height * pixelByteCount)
        var start = 0
        for pass in header.passes {
            let rowByteCount = header.rowByteCount(pass.width)
            guard PNGPixels.unfilter(&rows, start, rowByteCount, pass.height, filterDistance)
            else { throw .file("load", source, "has a row with a filter that there is not") }
            for row in 0..<pass.height {
                let from = start + row * (1 + rowByteCount) + 1
                let to = (pass.top + row * pass.stepY) * header.width + pass.left
                let isKnown = expand(
                    rows[from..<from + rowByteCount], pass.width, into: &pixels,
                    at: to * pixelByteCount, step: pass.stepX * pixelByteCount)
                if !isKnown { throw .file("load", source, "uses colours that its palette lacks") }
            }
            start += pass.height * (1 + rowByteCount)
        }
        return DecodedImage(
            width: header.width, height: header.height, channelCount: channelCount,
            sampleByteCount: sampleByteCount, bytes: pixels)
    }

    // MARK: Filters

    /// How far back "the byte to the left" is: a pixel, or a byte where pixels are smaller.
    private var filterDistance: Int { max(1, contents.header.pixelBitCount / 8) }

    /// Undoes the filters of `height` rows (PNG specification, 9.2); false for an unknown one.
    private static func unfilter(
        _ rows: inout [UInt8], _ start: Int, _ rowByteCount: Int, _ height: Int, _ distance: Int
    ) -> Bool {
        rows.withUnsafeMutableBufferPointer { rows in
            for row in 0..<height {
                let at = start + row * (1 + rowByteCount) + 1
                let filter = rows[at - 1]
                let above: Int? = row == 0 ? nil : at - 1 - rowByteCount
                switch filter {
                case 0: break
                case 1:
                    for index in min(distance, rowByteCount)..<rowByteCount {
                        rows[at + index] &+= rows[at + index - distance]
                    }
                case 2:
                    guard let above else { continue }
                    for index in 0..<rowByteCount { rows[at + index] &+= rows[above + index] }
                case 3, 4:
                    for index in 0..<rowByteCount {
                        let left = index < distance ? 0 : Int(rows[at + index - distance])
                        let up = above.map { Int(rows[$0 + index]) } ?? 0
                        if filter == 3 {
                            rows[at + index] &+= UInt8((left + up) / 2)
                            continue
                        }
                        let corner =
                            index < distance ? 0 : above.map { Int(rows[$0 + index - distance]) }
                        rows[at + index] &+= UInt8(paeth(left, up, corner ?? 0))
                    }
                default: return false
                }
            }
            return true
        }
    }

    /// Whichever of the three neighbours is nearest to left + up - corner; ties in this order.
    private static func paeth(_ left: Int, _ up: Int, _ corner: Int) -> Int {
        let toLeft = abs(up - corner)
        let toUp = abs(left - corner)
        let toCorner = abs(left + up - 2 * corner)
        if toLeft <= toUp, toLeft <= toCorner { return left }
        return toUp <= toCorner ? up : corner
    }

    // MARK: Samples

    /// Writes a row of `width` pixels, each `step` bytes after the one before; false when a palette
    /// has no such entry.
    private func expand(
        _ row: ArraySlice<UInt8>, _ width: Int, into pixels: inout [UInt8], at start: Int, step: Int
    ) -> Bool {
        let header = contents.header
        let stored = header.color.channelCount
        return row.withUnsafeBufferPointer { row in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for column in 0..<width {
                    let to = start + column * step
                    switch header.bitDepth {
                    case 16:
                        let from = column * stored * 2
                        for channel in 0..<stored {
                            // The file's words are big-endian.
                            pixels[to + 2 * channel] = row[from + 2 * channel + 1]
                            pixels[to + 2 * channel + 1] = row[from + 2 * channel]
                        }
                        setAlpha(row, from, &pixels, to)
                    case 8 where header.color != .palette:
                        let from = column * stored
                        for channel in 0..<stored { pixels[to + channel] = row[from + channel] }
                        setAlpha(row, from, &pixels, to)
                    default:
                        let depth = header.bitDepth
                        let bit = column * depth
                        let shift = 8 - depth - bit % 8
                        let value = Int(row[bit / 8]) >> shift & ((1 << depth) - 1)
                        if header.color == .palette {
                            guard setColor(value, &pixels, to) else { return false }
                        } else {
                            pixels[to] = UInt8(value * (255 / ((1 << depth) - 1)))
                            if let key = contents.transparency {
                                let isKey = value == Int(key[1]) & ((1 << depth) - 1)
                                pixels[to + 1] = isKey ? 0 : 255
                            }
                        }
                    }
                }
                return true
            }
        }
    }

    /// The alpha of a pixel of 8 or 16 bits: none where its colour is the transparent one, of which
    /// only as many bits count as samples have.
    private func setAlpha(
        _ row: UnsafeBufferPointer<UInt8>, _ from: Int,
        _ pixels: inout UnsafeMutableBufferPointer<UInt8>, _ to: Int
    ) {
        guard let key = contents.transparency else { return }
        let stored = contents.header.color.channelCount
        var isKey = true
        for channel in 0..<stored {
            let last = from + sampleByteCount * (channel + 1) - 1
            if key[2 * channel + 1] != row[last] { isKey = false }
            if sampleByteCount == 2, key[2 * channel] != row[last - 1] { isKey = false }
        }
        for byte in 0..<sampleByteCount {
            pixels[to + stored * sampleByteCount + byte] = isKey ? 0 : 255
        }
    }

    private func setColor(
        _ entry: Int, _ pixels: inout UnsafeMutableBufferPointer<UInt8>, _ to: Int
    ) -> Bool {
        guard 3 * entry < contents.palette.count else { return false }
        for channel in 0..<3 { pixels[to + channel] = contents.palette[3 * entry + channel] }
        if let alpha = contents.transparency {
            pixels[to + 3] = entry < alpha.count ? alpha[entry] : 255
        }
        return true
    }
}
