/// The address space of one allocator: slabs cut into blocks, joined again when free. It finds,
/// cuts and joins, and tells what that does to the resident bytes; it holds no lock and counts
/// nothing itself, the allocator around it does both.
/// Invariant: the blocks of a slab follow each other without a gap from its first to its end.
final class BlockHeap {
    /// Cutting off less would only leave crumbs.
    private static let smallestRemainder = 1024
    private static let pageByteCount = 4096

    private let system: any SystemMemory
    private let node: Int
    private let slabByteCount: Int
    private var pool = BlockPool()
    private let bins = BlockBins()
    private(set) var slabs: [SlabPointer] = []
    private var slabsMapped = 0

    init(system: any SystemMemory, node: Int, slabByteCount: Int) {
        self.system = system
        self.node = node
        self.slabByteCount = slabByteCount
    }

    deinit {
        for slab in slabs {
            system.unmap(slab.pointee.base, byteCount: slab.pointee.byteCount)
            slab.deallocate()
        }
        bins.destroy()
        pool.destroy()
    }

    var mappedByteCount: Int { slabs.reduce(0) { $0 + $1.pointee.byteCount } }

    func bestFit(_ byteCount: Int) -> BlockPointer? { bins.bestFit(byteCount) }

    func forEachFree(_ body: (BlockPointer) -> Void) { bins.forEach(body) }

    /// What taking `byteCount` bytes of a free block adds to the resident bytes.
    func residentCost(of block: BlockPointer, byteCount: Int) -> Int {
        let remainder = remainder(of: block, byteCount: byteCount)
        let used = block.pointee.byteCount - remainder
        let dirty = block.pointee.dirtyByteCount
        return used + max(0, dirty - used) - dirty
    }

    private func remainder(of block: BlockPointer, byteCount: Int) -> Int {
        let remainder = block.pointee.byteCount - byteCount
        return remainder >= BlockHeap.smallestRemainder ? remainder : 0
    }

    /// Takes the front of a free block.
    func cut(_ block: BlockPointer, byteCount: Int, state: Block.State, sizeClass: Int16) {
        assert(block.pointee.state == .free && block.pointee.byteCount >= byteCount)
        bins.remove(block)
        let remainder = remainder(of: block, byteCount: byteCount)
        let used = block.pointee.byteCount - remainder
        if remainder > 0 {
            let rest = pool.take()
            rest.initialize(
                to: Block(
                    address: block.pointee.address + used, byteCount: remainder,
                    dirtyByteCount: max(0, block.pointee.dirtyByteCount - used),
                    previous: block, next: block.pointee.next, freedAt: block.pointee.freedAt,
                    slab: block.pointee.slab, state: .free, sizeClass: -1))
            block.pointee.next?.pointee.previous = rest
            block.pointee.next = rest
            block.pointee.byteCount = used
            bins.insert(rest)
        }
        block.pointee.dirtyByteCount = 0
        block.pointee.state = state
        block.pointee.sizeClass = sizeClass
    }

    /// Makes a block free, all of it resident, and joins it with its free neighbours.
    func free(_ block: BlockPointer, now: UInt64) {
        assert(block.pointee.state != .free)
        var block = block
        block.pointee.dirtyByteCount = block.pointee.byteCount
        block.pointee.sizeClass = -1
        block.pointee.freedAt = now
        block.pointee.state = .free
        if let next = block.pointee.next, next.pointee.state == .free {
            bins.remove(next)
            absorb(next, into: block)
        }
        if let previous = block.pointee.previous, previous.pointee.state == .free {
            bins.remove(previous)
            absorb(block, into: previous)
            block = previous
        }
        bins.insert(block)
    }

    private func absorb(_ upper: BlockPointer, into lower: BlockPointer) {
        lower.pointee.byteCount += upper.pointee.byteCount
        lower.pointee.dirtyByteCount += upper.pointee.dirtyByteCount
        lower.pointee.freedAt = max(lower.pointee.freedAt, upper.pointee.freedAt)
        lower.pointee.next = upper.pointee.next
        upper.pointee.next?.pointee.previous = lower
        pool.give(upper)
    }

    /// Takes a slab from the system with one free block that holds `byteCount` bytes.
    /// - Returns: nil when the system has no memory.
    func grow(byteCount: Int) -> BlockPointer? {
        let huge = LinuxSystem.hugePageByteCount
        // Slabs start at different lines, or their first blocks would alias.
        let offset = (slabsMapped * SizeClass.colour) % BlockHeap.pageByteCount
        let needed = (byteCount + offset + huge - 1) & ~(huge - 1)
        var length = max(needed, slabByteCount)
        var base = system.map(byteCount: length)
        if base == nil, length > needed {
            length = needed
            base = system.map(byteCount: length)
        }
        guard let base else { return nil }
        system.adviseHugePages(base, byteCount: length)
        system.bind(base, byteCount: length, node: node)
        slabsMapped += 1
        let block = pool.take()
        let slab = SlabPointer.allocate(capacity: 1)
        slab.initialize(to: Slab(base: base, byteCount: length, first: block))
        block.initialize(
            to: Block(
                address: base + offset, byteCount: length - offset, dirtyByteCount: 0,
                freedAt: 0, slab: slab, state: .free, sizeClass: -1))
        slabs.append(slab)
        bins.insert(block)
        return block
    }

    /// Gives a free block's pages back, and the whole slab when nothing else is in it.
    /// - Returns: how many resident bytes went.
    func purge(_ block: BlockPointer) -> Int {
        assert(block.pointee.state == .free)
        let dirty = block.pointee.dirtyByteCount
        if block.pointee.isWholeSlab {
            let slab = block.pointee.slab
            bins.remove(block)
            pool.give(block)
            slabs.removeAll { $0 == slab }
            system.unmap(slab.pointee.base, byteCount: slab.pointee.byteCount)
            slab.deallocate()
            return dirty
        }
        guard dirty > 0 else { return 0 }
        let page = BlockHeap.pageByteCount
        let start = (Int(bitPattern: block.pointee.address) + page - 1) & ~(page - 1)
        let end = Int(bitPattern: block.pointee.end) & ~(page - 1)
        if end > start, let pointer = UnsafeMutableRawPointer(bitPattern: start) {
            system.discard(pointer, byteCount: end - start)
        }
        block.pointee.dirtyByteCount = 0
        return dirty
    }
}
