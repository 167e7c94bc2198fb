import MLXBase

/// One part of a quantized tensor as a source of bytes: the packed numbers, the scales or the
/// biases of its blocks, taken apart as they are read. Numbers are unsigned in MLX, so those that
/// the file has signed get half their range added and a bias that takes it away again:
/// w = scale q + bias, q in 0 ..< 2^bits, low bits first.
final class GGUFBlocks: ByteSource {
    enum Part: CaseIterable { case weights, scales, biases }

    let byteCount: Int
    private let source: any ByteSource
    private let offset: Int
    private let type: GGUFBlockType
    private let part: Part
    /// Bytes of one block in the file and here.
    private let stored: Int
    private let piece: Int

    private static let blocksAtOnce = 4096

    init(
        _ source: any ByteSource, offset: Int, byteCount: Int, type: GGUFBlockType, bits: Int,
        part: Part
    ) {
        self.source = source
        self.offset = offset
        self.type = type
        self.part = part
        stored = type.byteCount
        piece = part == .weights ? type.length * bits / 8 : 2
        self.byteCount = byteCount / stored * piece
    }

    var name: String { source.name }

    func read(
        at start: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        try checkRange(start, destination.count)
        var done = 0
        while done < destination.count {
            let block = (start + done) / piece
            let skip = (start + done) % piece
            let wanted = (skip + destination.count - done + piece - 1) / piece
            let count = min(wanted, GGUFBlocks.blocksAtOnce)
            let bytes = try source.bytes(at: offset + block * stored, count: count * stored)
            var pieces: [UInt8] = []
            pieces.reserveCapacity(count * piece)
            for index in 0..<count {
                take(bytes[(index * stored)..<((index + 1) * stored)], &pieces)
            }
            let part = pieces.dropFirst(skip).prefix(destination.count - done)
            UnsafeMutableRawBufferPointer(rebasing: destination[done...]).copyBytes(from: part)
            done += part.count
        }
    }

    private func take(_ block: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        let first = block.startIndex
        switch part {
        case .scales: out.append(contentsOf: block.prefix(2))
        case .biases:
            if type == .q4_1 { return out.append(contentsOf: block[(first + 2)..<(first + 4)]) }
            let scale = Float16(
                bitPattern: UInt16(block[first]) | UInt16(block[first + 1]) << 8)
            let bias = (scale * (type == .q4_0 ? -8 : -128)).bitPattern
            out.append(UInt8(truncatingIfNeeded: bias))
            out.append(UInt8(truncatingIfNeeded: bias >> 8))
        case .weights:
            if type == .q8_0 {
                for byte in block.dropFirst(2) { out.append(byte ^ 0x80) }
                return
            }
            // A byte holds numbers i and i + 16; here it holds neighbours.
            let numbers = first + (type == .q4_0 ? 2 : 4)
            for shift in [0, 4] as [UInt8] {
                for i in stride(from: numbers, to: numbers + 16, by: 2) {
                    out.append(block[i] >> shift & 15 | (block[i + 1] >> shift & 15) << 4)
                }
            }
        }
    }
}
