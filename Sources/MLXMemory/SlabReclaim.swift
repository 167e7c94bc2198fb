/// How memory goes back to the system: by age (`decay`), at once (`trim`), because the cache is
/// over its limit, or because another allocator needs it (`evict`).
extension SlabAllocator {
    /// How long memory is kept for reuse when nobody says otherwise.
    package static let decayNanoseconds: UInt64 = 500_000_000

    /// Gives back what has been free for longer than `age`, and makes `now` the time at which
    /// blocks returned from here on count as freed.
    /// - Returns: the number of bytes given back.
    @discardableResult package func decay(
        now: UInt64, age: UInt64 = SlabAllocator.decayNanoseconds
    ) -> Int {
        lock.withLock {
            hot.pointee.now = max(hot.pointee.now, now)
            guard now >= age else { return 0 }
            releaseKept(olderThan: now - age)
            return purge(byteCount: .max, freedUpTo: now - age)
        }
    }

    /// The resident bytes that `trim` would give back. What lies around small buffers in use is
    /// resident too, but stays.
    package var reclaimableByteCount: Int {
        lock.withLock {
            var total = hot.pointee.keptByteCount
            heap.forEachFree { total += $0.pointee.dirtyByteCount }
            for sizeClass in 0..<SizeClass.smallCount {
                var candidate = runs[sizeClass]
                while let run = candidate {
                    candidate = run.pointee.next
                    if run.pointee.isEmpty { total += run.pointee.block.pointee.byteCount }
                }
            }
            return total
        }
    }

    /// Gives back everything that is not in use.
    /// - Returns: the number of bytes given back.
    @discardableResult package func trim() -> Int { evict(byteCount: .max) }

    /// Gives back at least `byteCount` bytes if that much is free, what was freed first, first.
    @discardableResult func evict(byteCount: Int) -> Int {
        lock.withLock {
            releaseKept(olderThan: nil)
            return purge(byteCount: byteCount, freedUpTo: .max)
        }
    }

    /// Brings the cache below its limit; a quarter more than needed, so that the next returned
    /// buffer does not come here again.
    @inline(never) func shrinkCache(_ excess: Int) {
        evict(byteCount: excess + account.cacheLimit / 4)
    }

    /// Joins what is kept by class, and the empty runs, with the free blocks around them.
    /// Called with the lock held.
    func releaseKept(olderThan limit: UInt64?) {
        for sizeClass in 0..<SizeClass.mediumCount {
            var candidate = kept[sizeClass]
            kept[sizeClass] = nil
            while let block = candidate {
                candidate = block.pointee.binNext
                if block.pointee.freedAt <= limit ?? .max {
                    hot.pointee.keptByteCount -= block.pointee.byteCount
                    heap.free(block, now: block.pointee.freedAt)
                } else {
                    block.pointee.binNext = kept[sizeClass]
                    kept[sizeClass] = block
                }
            }
        }
        for sizeClass in 0..<SizeClass.smallCount {
            var candidate = runs[sizeClass]
            while let run = candidate {
                candidate = run.pointee.next
                if run.pointee.isEmpty, run.pointee.freedAt <= limit ?? .max { retire(run) }
            }
        }
    }

    /// Called with the lock held.
    private func purge(byteCount: Int, freedUpTo limit: UInt64) -> Int {
        var candidates: [BlockPointer] = []
        heap.forEachFree { block in
            guard block.pointee.freedAt <= limit else { return }
            if block.pointee.dirtyByteCount > 0 || block.pointee.isWholeSlab {
                candidates.append(block)
            }
        }
        candidates.sort { $0.pointee.freedAt < $1.pointee.freedAt }
        var purged = 0
        for block in candidates where purged < byteCount { purged += heap.purge(block) }
        hot.pointee.residentByteCount -= purged
        account.unreserve(purged)
        return purged
    }
}
