import MLXBase

/// One device's memory: small blocks from runs, medium ones kept whole by class for reuse, large
/// ones by best fit, all out of huge-page slabs bound to the device's node. Buffers come back
/// from any thread. It reads no clock: whoever drives it passes the time to `decay`.
/// Invariant: while any of its buffers lives the allocator does too, by a reference to itself.
package final class SlabAllocator: @unchecked Sendable {
    // SAFETY: everything mutable is read and written with `lock` held, the account's counters
    // apart, which are atomic.
    package let node: Int
    package let account: MemoryAccount
    let lock = SpinLock()
    let heap: BlockHeap
    /// The state of the hot path, behind a pointer so that no exclusivity check is paid.
    let hot: UnsafeMutablePointer<Hot>
    /// Per small class, the runs that have free blocks.
    let runs: UnsafeMutablePointer<RunPointer?>
    /// Per medium class, the blocks kept whole.
    let kept: UnsafeMutablePointer<BlockPointer?>

    struct Hot {
        var liveCount = 0
        var activeByteCount = 0
        var residentByteCount = 0
        var allocationCount: UInt64 = 0
        var reuseCount: UInt64 = 0
        var now: UInt64 = 0
        /// Allocations until the injected failure; none is planned below zero.
        var failureCountdown = -1
        var failuresToInject = 0
        var failuresPlanned = 0
        var runCount = 0
        /// The sum of the blocks kept by class.
        var keptByteCount = 0
    }

    /// - Parameter slabByteCount: the least address space to take at once; rounded to 2 MiB.
    package init(
        node: Int, account: MemoryAccount, system: any SystemMemory,
        slabByteCount: Int = 64 << 20
    ) {
        self.node = node
        self.account = account
        heap = BlockHeap(system: system, node: node, slabByteCount: slabByteCount)
        hot = .allocate(capacity: 1)
        hot.initialize(to: Hot())
        runs = .allocate(capacity: SizeClass.smallCount)
        runs.initialize(repeating: nil, count: SizeClass.smallCount)
        kept = .allocate(capacity: SizeClass.mediumCount)
        kept.initialize(repeating: nil, count: SizeClass.mediumCount)
        account.join(self)
    }

    deinit {
        account.leave(self)
        assert(hot.pointee.liveCount == 0)
        // No buffer lives, so every run is empty and listed: nothing is left behind.
        account.unreserve(hot.pointee.residentByteCount)
        for sizeClass in 0..<SizeClass.smallCount {
            while let run = runs[sizeClass] { retire(run) }
        }
        hot.deallocate()
        runs.deallocate()
        kept.deallocate()
    }

    /// A buffer of at least `byteCount` bytes at a multiple of 64, its contents undefined.
    /// - Throws: `ArrayError` when a limit or the system refuses, or the size makes no sense.
    package func allocate(byteCount: Int) throws(ArrayError) -> Buffer {
        guard byteCount >= 0, byteCount <= SizeClass.largest else {
            throw ArrayError(
                .limit, "allocate", "\(byteCount) bytes cannot be addressed")
        }
        if let buffer = attempt(byteCount, ignoringFailures: false) { return buffer }
        return try allocateSlowly(byteCount)
    }

    /// A buffer, if a block of the right class is at hand; nil says nothing about memory.
    package func quickBuffer(_ byteCount: Int) -> Buffer? {
        byteCount >= 0 ? attempt(byteCount, ignoringFailures: false) : nil
    }

    /// The hot path: a block of the right class is at hand.
    @inline(__always) func attempt(_ byteCount: Int, ignoringFailures: Bool) -> Buffer? {
        lock.lock()
        guard ignoringFailures || hot.pointee.failureCountdown < 0 else {
            lock.unlock()
            return nil
        }
        if byteCount <= SizeClass.largestSmall {
            let sizeClass = SizeClass.small(byteCount)
            guard let run = runs[sizeClass] else {
                lock.unlock()
                return nil
            }
            let size = run.pointee.blockByteCount
            guard account.activate(size) else {
                lock.unlock()
                return nil
            }
            let slot = pop(run)
            countAllocation(size, reused: true)
            let address = run.pointee.block.pointee.address + Int(slot) * size
            lock.unlock()
            return buffer(address, byteCount, size, slot: UInt32(slot), place: .run(run))
        }
        guard byteCount <= SizeClass.largestMedium,
            let block = kept[SizeClass.medium(byteCount)],
            account.activate(block.pointee.byteCount)
        else {
            lock.unlock()
            return nil
        }
        kept[SizeClass.medium(byteCount)] = block.pointee.binNext
        block.pointee.state = .used
        let size = block.pointee.byteCount
        hot.pointee.keptByteCount -= size
        countAllocation(size, reused: true)
        lock.unlock()
        return buffer(block.pointee.address, byteCount, size, slot: 0, place: .heap(block))
    }

    @inline(__always) func buffer(
        _ address: UnsafeMutableRawPointer, _ byteCount: Int, _ capacity: Int, slot: UInt32,
        place: BlockPlace
    ) -> Buffer {
        Buffer(
            address, byteCount: byteCount, capacity: capacity, node: Int32(node), slot: slot,
            place: place, owner: .passUnretained(self))
    }

    /// Counts a block as handed out. Called with the lock held.
    @inline(__always) func countAllocation(_ byteCount: Int, reused: Bool) {
        if hot.pointee.liveCount == 0 { _ = Unmanaged.passRetained(self) }
        hot.pointee.liveCount += 1
        hot.pointee.activeByteCount += byteCount
        hot.pointee.allocationCount += 1
        if reused { hot.pointee.reuseCount += 1 }
    }

    /// Takes the last returned block of a run. Called with the lock held.
    @inline(__always) func pop(_ run: RunPointer) -> UInt16 {
        run.pointee.freeCount -= 1
        let slot = run.pointee.stack[run.pointee.freeCount]
        if run.pointee.freeCount == 0 { unlist(run) }
        return slot
    }

    /// A buffer's last act.
    func take(back place: BlockPlace, slot: UInt32, capacity: Int) {
        lock.lock()
        switch place {
        case .run(let run):
            if run.pointee.freeCount == 0 { list(run) }
            run.pointee.stack[run.pointee.freeCount] = UInt16(truncatingIfNeeded: slot)
            run.pointee.freeCount += 1
            if run.pointee.isEmpty { run.pointee.freedAt = hot.pointee.now }
        case .heap(let block):
            let sizeClass = Int(block.pointee.sizeClass)
            if sizeClass >= 0 {
                block.pointee.state = .kept
                block.pointee.freedAt = hot.pointee.now
                block.pointee.binNext = kept[sizeClass]
                kept[sizeClass] = block
                hot.pointee.keptByteCount += capacity
            } else {
                heap.free(block, now: hot.pointee.now)
            }
        case .foreign:
            assertionFailure("adopted memory has no allocator")
        }
        hot.pointee.activeByteCount -= capacity
        let excess = account.deactivate(capacity)
        if excess > 0 {
            lock.unlock()
            shrinkCache(excess)
            lock.lock()
        }
        // This buffer counts as alive until here: once the count is down and the lock open,
        // another thread's last buffer may end the allocator.
        hot.pointee.liveCount -= 1
        let isLast = hot.pointee.liveCount == 0
        lock.unlock()
        // The reference that the first buffer took; nothing of self is touched afterwards.
        if isLast { Unmanaged.passUnretained(self).release() }
    }

    /// For a fork: see `ForkSafety`.
    package func tryHold() -> Bool { lock.tryLock() }
    package func letGo() { lock.unlock() }

    func list(_ run: RunPointer) {
        let head = runs[run.pointee.sizeClass]
        run.pointee.previous = nil
        run.pointee.next = head
        head?.pointee.previous = run
        runs[run.pointee.sizeClass] = run
    }

    func unlist(_ run: RunPointer) {
        run.pointee.next?.pointee.previous = run.pointee.previous
        if let previous = run.pointee.previous {
            previous.pointee.next = run.pointee.next
        } else {
            runs[run.pointee.sizeClass] = run.pointee.next
        }
    }
}
