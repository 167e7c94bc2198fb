import MLXBase

/// A tensor of blocks as a source of float16 elements, decoded as they are read: for the types
/// whose blocks are no groups of MLX's. Every element is computed in float32, as ggml does it, and
/// rounded once.
final class GGUFDecodedBlocks: ByteSource {
    let byteCount: Int
    private let source: any ByteSource
    private let offset: Int
    private let type: GGUFBlockType

    private static let blocksAtOnce = 1024

    init(_ source: any ByteSource, offset: Int, byteCount: Int, type: GGUFBlockType) {
        self.source = source
        self.offset = offset
        self.type = type
        self.byteCount = byteCount / type.byteCount * type.length * 2
    }

    var name: String { source.name }

    func read(
        at start: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        try checkRange(start, destination.count)
        let piece = type.length * 2
        var values = [Float](repeating: 0, count: type.length)
        var done = 0
        while done < destination.count {
            let block = (start + done) / piece
            var skip = (start + done) % piece
            let wanted = (skip + destination.count - done + piece - 1) / piece
            let count = min(wanted, GGUFDecodedBlocks.blocksAtOnce)
            let bytes = try source.bytes(
                at: offset + block * type.byteCount, count: count * type.byteCount)
            for index in 0..<count {
                let reader = GGUFBlockReader(bytes, at: index * type.byteCount)
                reader.decode(type, into: &values)
                let end = min(piece, skip + destination.count - done)
                GGUFDecodedBlocks.round(values, skip..<end, into: destination, at: done)
                done += end - skip
                skip = 0
            }
        }
    }

    /// NUMERICS: float16 as MLX has such tensors; scales are float16 in the file, so that no
    /// element gets fewer than the bits that its code has.
    /// - Parameter range: in bytes of the block's elements; a read may begin within one.
    private static func round(
        _ values: [Float], _ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer,
        at place: Int
    ) {
        if range.lowerBound % 2 == 0, range.upperBound % 2 == 0 {
            for index in range.lowerBound / 2..<range.upperBound / 2 {
                destination.storeBytes(
                    of: Float16(values[index]).bitPattern,
                    toByteOffset: place + 2 * index - range.lowerBound, as: UInt16.self)
            }
            return
        }
        for byte in range {
            let bits = Float16(values[byte / 2]).bitPattern
            destination[place + byte - range.lowerBound] = UInt8(
                truncatingIfNeeded: byte % 2 == 0 ? bits : bits >> 8)
        }
    }
}

/// One block of a tensor's bytes: what stands where in each type. The order of operations is that
/// of ggml's reference, so that the elements are the same floats.
struct GGUFBlockReader {
    private let bytes: [UInt8]
    private let start: Int

    /// - Parameter bytes: which hold a whole block from `start` on.
    init(_ bytes: [UInt8], at start: Int) {
        self.bytes = bytes
        self.start = start
    }

    private subscript(place: Int) -> Int { Int(bytes[start + place]) }

    private func half(_ place: Int) -> Float {
        Float(Float16(bitPattern: UInt16(self[place]) | UInt16(self[place + 1]) << 8))
    }

    /// - Parameter values: of the block's length.
    func decode(_ type: GGUFBlockType, into values: inout [Float]) {
        switch type {
        case .q4_0:
            let scale = half(0)
            for i in 0..<32 { values[i] = scale * Float(nibble(2, i) - 8) }
        case .q4_1:
            let (scale, least) = (half(0), half(2))
            for i in 0..<32 { values[i] = scale * Float(nibble(4, i)) + least }
        case .q5_0:
            let scale = half(0)
            for i in 0..<32 { values[i] = scale * Float((nibble(6, i) | fifth(2, i)) - 16) }
        case .q5_1:
            let (scale, least) = (half(0), half(2))
            for i in 0..<32 {
                values[i] = scale * Float(nibble(8, i) | fifth(4, i)) + least
            }
        case .q8_0:
            let scale = half(0)
            for i in 0..<32 { values[i] = scale * signed(2 + i) }
        case .q2_K: decodeQ2(&values)
        case .q3_K: decodeQ3(&values)
        case .q4_K: decodeQ45(&values, codes: 16, fifths: nil)
        case .q5_K: decodeQ45(&values, codes: 48, fifths: 16)
        case .q6_K: decodeQ6(&values)
        case .iq4_NL:
            let scale = half(0)
            for i in 0..<32 { values[i] = scale * GGUFBlockReader.levels[nibble(2, i)] }
        case .iq4_XS: decodeIQ4(&values)
        }
    }

    /// Sixteen levels that are closer together around 0.
    private static let levels: [Float] = [
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
    ]

    /// Number i of 32 in 16 bytes: the low halves first.
    private func nibble(_ place: Int, _ i: Int) -> Int {
        i < 16 ? self[place + i] & 15 : self[place + i - 16] >> 4
    }

    /// The fifth bit of number i, of 32 that are kept together.
    private func fifth(_ place: Int, _ i: Int) -> Int {
        (self[place + i / 8] >> (i % 8) & 1) << 4
    }

    private func signed(_ place: Int) -> Float { Float(Int8(bitPattern: bytes[start + place])) }

    /// Number i of 256 of two bits: 32 bytes hold 128, the lowest bits first.
    private func pair(_ place: Int, _ i: Int) -> Int {
        self[place + i / 128 * 32 + i % 32] >> (2 * (i % 128 / 32)) & 3
    }

    private func decodeQ2(_ values: inout [Float]) {
        let (scale, least) = (half(80), half(82))
        for group in 0..<16 {
            let own = scale * Float(self[group] & 15)
            let floor = least * Float(self[group] >> 4)
            for i in group * 16..<group * 16 + 16 { values[i] = own * Float(pair(16, i)) - floor }
        }
    }

    private func decodeQ3(_ values: inout [Float]) {
        let scale = half(108)
        for group in 0..<16 {
            let low = group < 8 ? self[96 + group] & 15 : self[96 + group - 8] >> 4
            let high = self[104 + group % 4] >> (2 * (group / 4)) & 3
            let own = scale * Float((low | high << 4) - 32)
            for i in group * 16..<group * 16 + 16 {
                let isSet = self[i % 32] >> (i / 32) & 1 == 1
                values[i] = own * Float(pair(32, i) - (isSet ? 0 : 4))
            }
        }
    }

    /// The scale and the minimum, of 6 bits each, of 32 elements: those of the first four lie in
    /// bytes of their own, whose upper bits are parts of the last four.
    private func small(_ group: Int) -> (scale: Int, least: Int) {
        if group < 4 { return (self[4 + group] & 63, self[8 + group] & 63) }
        return (
            self[8 + group] & 15 | (self[group] >> 6) << 4,
            self[8 + group] >> 4 | (self[4 + group] >> 6) << 4
        )
    }

    private func decodeQ45(_ values: inout [Float], codes: Int, fifths: Int?) {
        let (scale, least) = (half(0), half(2))
        for group in 0..<8 {
            let (own, floor) = small(group)
            let (step, offset) = (scale * Float(own), least * Float(floor))
            for i in 0..<32 {
                var code = self[codes + group / 2 * 32 + i] >> (4 * (group % 2)) & 15
                if let fifths { code |= (self[fifths + i] >> group & 1) << 4 }
                values[group * 32 + i] = step * Float(code) - offset
            }
        }
    }

    private func decodeQ6(_ values: inout [Float]) {
        let scale = half(208)
        for group in 0..<16 {
            let own = scale * signed(192 + group)
            for i in group * 16..<group * 16 + 16 {
                let low = self[i / 128 * 64 + i % 64] >> (4 * (i % 128 / 64)) & 15
                values[i] = own * Float((low | pair(128, i) << 4) - 32)
            }
        }
    }

    private func decodeIQ4(_ values: inout [Float]) {
        let scale = half(0)
        let high = self[2] | self[3] << 8
        for group in 0..<8 {
            let low = self[4 + group / 2] >> (4 * (group % 2)) & 15
            let own = scale * Float((low | (high >> (2 * group) & 3) << 4) - 32)
            for i in 0..<32 {
                values[group * 32 + i] = own * GGUFBlockReader.levels[nibble(8 + group * 16, i)]
            }
        }
    }
}
