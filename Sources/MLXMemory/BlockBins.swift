/// Free blocks by size: eight bins an octave, a bitmap over the bins. The best fit is looked for
/// in the request's own bin, then in the next one that has anything, among a bounded number of
/// candidates, so a search takes constant time and misses the true best fit by one bin at most.
/// Reference: Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", 2004.
struct BlockBins {
    private static let divisionBits = 3
    private static let wordCount = 6
    private static let maximumCandidates = 48
    private static let smallestOctave = 6

    private let heads: UnsafeMutablePointer<BlockPointer?>
    private let bitmap: UnsafeMutablePointer<UInt64>

    init() {
        heads = .allocate(capacity: BlockBins.wordCount * 64)
        heads.initialize(repeating: nil, count: BlockBins.wordCount * 64)
        bitmap = .allocate(capacity: BlockBins.wordCount)
        bitmap.initialize(repeating: 0, count: BlockBins.wordCount)
    }

    func destroy() {
        heads.deallocate()
        bitmap.deallocate()
    }

    static func bin(_ byteCount: Int) -> Int {
        let octave = Int.bitWidth - 1 - byteCount.leadingZeroBitCount
        let division = (byteCount >> (octave - divisionBits)) & ((1 << divisionBits) - 1)
        return (octave - smallestOctave) << divisionBits + division
    }

    func insert(_ block: BlockPointer) {
        let bin = BlockBins.bin(block.pointee.byteCount)
        block.pointee.binPrevious = nil
        block.pointee.binNext = heads[bin]
        heads[bin]?.pointee.binPrevious = block
        heads[bin] = block
        bitmap[bin >> 6] |= 1 << UInt64(bin & 63)
    }

    func remove(_ block: BlockPointer) {
        let bin = BlockBins.bin(block.pointee.byteCount)
        if let next = block.pointee.binNext {
            next.pointee.binPrevious = block.pointee.binPrevious
        }
        if let previous = block.pointee.binPrevious {
            previous.pointee.binNext = block.pointee.binNext
        } else {
            heads[bin] = block.pointee.binNext
            if heads[bin] == nil { bitmap[bin >> 6] &= ~(1 << UInt64(bin & 63)) }
        }
    }

    /// The smallest free block found that holds `byteCount` bytes; it stays listed.
    func bestFit(_ byteCount: Int) -> BlockPointer? {
        let bin = BlockBins.bin(byteCount)
        if let block = smallest(bin, atLeast: byteCount) { return block }
        guard let next = nextOccupied(after: bin) else { return nil }
        return smallest(next, atLeast: byteCount)
    }

    private func smallest(_ bin: Int, atLeast byteCount: Int) -> BlockPointer? {
        var best: BlockPointer?
        var candidate = heads[bin]
        var seen = 0
        while let block = candidate, seen < BlockBins.maximumCandidates {
            let size = block.pointee.byteCount
            if size == byteCount { return block }
            if size > byteCount, size < best?.pointee.byteCount ?? .max { best = block }
            candidate = block.pointee.binNext
            seen += 1
        }
        return best
    }

    private func nextOccupied(after bin: Int) -> Int? {
        var index = (bin + 1) >> 6
        guard index < BlockBins.wordCount else { return nil }
        var word = bitmap[index] & (UInt64.max << UInt64((bin + 1) & 63))
        while word == 0 {
            index += 1
            guard index < BlockBins.wordCount else { return nil }
            word = bitmap[index]
        }
        return index << 6 + word.trailingZeroBitCount
    }

    /// Calls `body` for each listed block, which may be removed meanwhile.
    func forEach(_ body: (BlockPointer) -> Void) {
        for bin in 0..<BlockBins.wordCount * 64 {
            var candidate = heads[bin]
            while let block = candidate {
                candidate = block.pointee.binNext
                body(block)
            }
        }
    }
}
