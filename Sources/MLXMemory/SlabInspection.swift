/// What can be seen of an allocator from outside: statistics, injected failures, and a complete
/// check of its structure for tests and the simulator.
extension SlabAllocator {
    package struct Statistics: Sendable, Equatable {
        package var liveCount: Int
        package var activeByteCount: Int
        package var cacheByteCount: Int
        /// Address space, resident or not.
        package var mappedByteCount: Int
        package var slabCount: Int
        package var allocationCount: UInt64
        /// Allocations served by memory that was resident already.
        package var reuseCount: UInt64
        package var largestFreeByteCount: Int
        package var freeByteCount: Int
        /// 0 when all that is free is in one piece, near 1 when it is dust.
        package var fragmentation: Double {
            freeByteCount == 0 ? 0 : 1 - Double(largestFreeByteCount) / Double(freeByteCount)
        }
    }

    package var statistics: Statistics {
        lock.withLock {
            var largest = 0
            var free = 0
            heap.forEachFree { block in
                largest = max(largest, block.pointee.byteCount)
                free += block.pointee.byteCount
            }
            return Statistics(
                liveCount: hot.pointee.liveCount, activeByteCount: hot.pointee.activeByteCount,
                cacheByteCount: hot.pointee.residentByteCount - hot.pointee.activeByteCount,
                mappedByteCount: heap.mappedByteCount, slabCount: heap.slabs.count,
                allocationCount: hot.pointee.allocationCount,
                reuseCount: hot.pointee.reuseCount, largestFreeByteCount: largest,
                freeByteCount: free)
        }
    }

    /// Makes allocations fail: the one after `passing` more, and `count - 1` after it.
    package func failNext(_ count: Int = 1, after passing: Int = 0) {
        lock.withLock {
            hot.pointee.failureCountdown = count > 0 ? passing : -1
            hot.pointee.failuresToInject = count
            hot.pointee.failuresPlanned = count
        }
    }

    /// Whether an allocation was made to fail since `failNext` was last called.
    package var hasInjectedFailure: Bool {
        lock.withLock { hot.pointee.failuresToInject < hot.pointee.failuresPlanned }
    }

    /// Called with the lock held, once per allocation while a failure is planned.
    func consumeInjectedFailure() -> Bool {
        guard hot.pointee.failureCountdown >= 0 else { return false }
        if hot.pointee.failureCountdown > 0 {
            hot.pointee.failureCountdown -= 1
            return false
        }
        hot.pointee.failuresToInject -= 1
        if hot.pointee.failuresToInject == 0 { hot.pointee.failureCountdown = -1 }
        return true
    }

    /// Walks everything. O(blocks).
    /// - Returns: what is wrong, nothing when all is well.
    package func checkInvariants() -> [String] {
        lock.withLock {
            var faults: [String] = []
            var used = 0
            var dirty = 0
            var runBytes = 0
            var freeBlocks: Set<BlockPointer> = []
            for slab in heap.slabs {
                walk(slab, &faults) { block in
                    switch block.pointee.state {
                    case .free:
                        dirty += block.pointee.dirtyByteCount
                        freeBlocks.insert(block)
                    case .used: used += block.pointee.byteCount
                    case .kept: dirty += block.pointee.byteCount
                    case .run: runBytes += block.pointee.byteCount
                    }
                }
            }
            heap.forEachFree { block in
                if freeBlocks.remove(block) == nil { faults.append("a bin lists a foreign block") }
            }
            if !freeBlocks.isEmpty { faults.append("\(freeBlocks.count) free blocks in no bin") }
            let resident = used + dirty + runBytes
            if resident != hot.pointee.residentByteCount {
                faults.append("resident \(hot.pointee.residentByteCount), found \(resident)")
            }
            let inRuns = hot.pointee.activeByteCount - used
            if inRuns < 0 || inRuns > runBytes { faults.append("active bytes do not add up") }
            checkLists(&faults)
            return faults
        }
    }

    private func walk(
        _ slab: SlabPointer, _ faults: inout [String], _ visit: (BlockPointer) -> Void
    ) {
        var end = slab.pointee.first.pointee.address
        var previous: BlockPointer?
        var candidate: BlockPointer? = slab.pointee.first
        while let block = candidate {
            if block.pointee.address != end { faults.append("a gap before a block") }
            if block.pointee.previous != previous { faults.append("a broken back link") }
            if block.pointee.byteCount <= 0 || block.pointee.byteCount % SizeClass.alignment != 0 {
                faults.append("a block of \(block.pointee.byteCount) bytes")
            }
            if block.pointee.dirtyByteCount > block.pointee.byteCount {
                faults.append("more dirty bytes than bytes")
            }
            if block.pointee.state == .free, previous?.pointee.state == .free {
                faults.append("two free neighbours")
            }
            visit(block)
            end = block.pointee.end
            previous = block
            candidate = block.pointee.next
        }
        if end != slab.pointee.base + slab.pointee.byteCount { faults.append("a short slab") }
    }

    private func checkLists(_ faults: inout [String]) {
        var keptByteCount = 0
        for sizeClass in 0..<SizeClass.mediumCount {
            var candidate = kept[sizeClass]
            while let block = candidate {
                if block.pointee.state != .kept || Int(block.pointee.sizeClass) != sizeClass {
                    faults.append("a foreign block is kept in class \(sizeClass)")
                }
                keptByteCount += block.pointee.byteCount
                candidate = block.pointee.binNext
            }
        }
        if keptByteCount != hot.pointee.keptByteCount { faults.append("miscounted kept bytes") }
        for sizeClass in 0..<SizeClass.smallCount {
            var candidate = runs[sizeClass]
            while let run = candidate {
                let free = run.pointee.freeCount
                if free <= 0 || free > run.pointee.capacity { faults.append("a miscounted run") }
                let slots = UnsafeBufferPointer(start: run.pointee.stack, count: max(0, free))
                if Set(slots).count != slots.count { faults.append("a block freed twice") }
                candidate = run.pointee.next
            }
        }
    }
}
