/// One stretch of a slab, used or free, described outside of the memory it stands for: a buffer
/// that is overrun cannot damage the allocator, and a free block costs no page.
/// Invariant: neighbours in address order are linked both ways, and no two of them are `.free`.
struct Block {
    enum State: UInt8 {
        /// Joined with its free neighbours and listed in a bin.
        case free
        /// Handed out.
        case used
        /// Returned, but kept whole for the next request of its class.
        case kept
        /// Cut into the equal blocks of a run.
        case run
    }

    var address: UnsafeMutableRawPointer
    var byteCount: Int
    /// How many of a free block's bytes are taken to be resident.
    var dirtyByteCount: Int
    var previous: BlockPointer?
    var next: BlockPointer?
    /// Links of the bin, of the list of kept blocks, or of the unused descriptors.
    var binPrevious: BlockPointer?
    var binNext: BlockPointer?
    /// The allocator's time when it was last returned.
    var freedAt: UInt64
    var slab: SlabPointer
    var state: State
    /// The medium class it was cut for, or -1.
    var sizeClass: Int16

    var end: UnsafeMutableRawPointer { address + byteCount }
    /// True when the slab holds nothing else.
    var isWholeSlab: Bool { previous == nil && next == nil }
}

typealias BlockPointer = UnsafeMutablePointer<Block>

/// Address space taken from the system in one piece.
struct Slab {
    var base: UnsafeMutableRawPointer
    var byteCount: Int
    /// The block with the lowest address; joining keeps the lower descriptor, so it never moves.
    var first: BlockPointer
}

typealias SlabPointer = UnsafeMutablePointer<Slab>

/// A heap block cut into equal small ones. The free ones are a stack of their numbers, so the
/// last one returned, which the cache still knows, goes out first.
struct Run {
    static let byteCount = 64 << 10

    var block: BlockPointer
    var blockByteCount: Int
    var capacity: Int
    var freeCount: Int
    var stack: UnsafeMutablePointer<UInt16>
    var sizeClass: Int
    /// Links among the runs of a class that have free blocks.
    var previous: RunPointer?
    var next: RunPointer?
    var freedAt: UInt64

    var isEmpty: Bool { freeCount == capacity }
}

typealias RunPointer = UnsafeMutablePointer<Run>

/// Descriptors of blocks, from chunks that are only freed all together.
struct BlockPool {
    private static let chunkCount = 128
    private var chunks: [BlockPointer] = []
    private var unused: BlockPointer?
    private var fresh = BlockPool.chunkCount

    mutating func take() -> BlockPointer {
        if let block = unused {
            unused = block.pointee.binNext
            return block
        }
        if fresh == BlockPool.chunkCount {
            chunks.append(.allocate(capacity: BlockPool.chunkCount))
            fresh = 0
        }
        fresh += 1
        return chunks[chunks.count - 1] + (fresh - 1)
    }

    mutating func give(_ block: BlockPointer) {
        block.pointee.binNext = unused
        unused = block
    }

    func destroy() {
        for chunk in chunks { chunk.deallocate() }
    }
}
