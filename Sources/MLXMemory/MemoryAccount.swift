import MLXBase
import Synchronization

/// The bytes that all allocators of one engine hold together, and the limits on them. Resident
/// bytes are those handed out (active) and those kept for reuse (cache); the peaks know both,
/// because a cache that the peak does not see is how a process dies by surprise.
/// Invariant: active <= resident, and resident never exceeds the memory limit for longer than
/// one failed reservation.
package final class MemoryAccount: Sendable {
    private let activeCell = Atomic<Int>(0)
    private let residentCell = Atomic<Int>(0)
    private let peakActiveCell = Atomic<Int>(0)
    private let peakResidentCell = Atomic<Int>(0)
    private let memoryLimitCell: Atomic<Int>
    private let cacheLimitCell: Atomic<Int>
    /// Plain words, not weak references, which would slow every count of the allocators down.
    private let members = Locked<[Member]>([])

    /// For a fork: see `ForkSafety`.
    package func tryHold() -> Bool { members.tryHold() }
    package func letGo() { members.letGo() }

    private struct Member: @unchecked Sendable {
        // SAFETY: an allocator takes itself off the list, under the list's lock, as the first
        // act of its deinit, and the list is only used under that lock.
        let allocator: Unmanaged<SlabAllocator>
    }

    package init(memoryLimit: Int = .max, cacheLimit: Int = .max) {
        memoryLimitCell = Atomic(max(0, memoryLimit))
        cacheLimitCell = Atomic(max(0, cacheLimit))
    }

    package var activeByteCount: Int { activeCell.load(ordering: .relaxed) }
    package var residentByteCount: Int { residentCell.load(ordering: .relaxed) }
    package var cacheByteCount: Int { max(0, residentByteCount - activeByteCount) }
    package var peakActiveByteCount: Int { peakActiveCell.load(ordering: .relaxed) }
    /// The largest sum of active and cached bytes seen.
    package var peakResidentByteCount: Int { peakResidentCell.load(ordering: .relaxed) }

    /// Starts the peaks again: of active bytes with the next that are handed out.
    package func resetPeaks() {
        peakActiveCell.store(0, ordering: .relaxed)
        peakResidentCell.store(residentByteCount, ordering: .relaxed)
    }

    package var memoryLimit: Int { memoryLimitCell.load(ordering: .relaxed) }
    package var cacheLimit: Int { cacheLimitCell.load(ordering: .relaxed) }

    /// Sets the limit on resident bytes; cached ones above it are given back at once.
    /// - Returns: the limit before.
    @discardableResult package func setMemoryLimit(_ byteCount: Int) -> Int {
        let before = memoryLimitCell.exchange(max(0, byteCount), ordering: .relaxed)
        let excess = residentByteCount - max(0, byteCount)
        if excess > 0 { reclaim(byteCount: excess) }
        return before
    }

    /// Sets the limit on cached bytes; those above it are given back at once.
    /// - Returns: the limit before.
    @discardableResult package func setCacheLimit(_ byteCount: Int) -> Int {
        let before = cacheLimitCell.exchange(max(0, byteCount), ordering: .relaxed)
        let excess = cacheByteCount - max(0, byteCount)
        if excess > 0 { reclaim(byteCount: excess) }
        return before
    }

    /// Gives up to `byteCount` cached bytes back to the system, from whichever allocator has
    /// them. Called without any allocator's lock held.
    /// - Returns: the number of bytes given back.
    @discardableResult package func reclaim(byteCount: Int) -> Int {
        members.withLock { members in
            var reclaimed = 0
            for member in members where reclaimed < byteCount {
                reclaimed += member.allocator._withUnsafeGuaranteedRef {
                    $0.evict(byteCount: byteCount - reclaimed)
                }
            }
            return reclaimed
        }
    }

    func join(_ allocator: SlabAllocator) {
        let member = Member(allocator: .passUnretained(allocator))
        members.withLock { $0.append(member) }
    }

    func leave(_ allocator: SlabAllocator) {
        let pointer = Unmanaged.passUnretained(allocator).toOpaque()
        members.withLock { $0.removeAll { $0.allocator.toOpaque() == pointer } }
    }

    /// Counts bytes as handed out.
    /// - Returns: false, with nothing counted, when that would exceed the limit.
    @inline(__always) func activate(_ byteCount: Int) -> Bool {
        let active = activeCell.wrappingAdd(byteCount, ordering: .relaxed).newValue
        if active > memoryLimitCell.load(ordering: .relaxed) {
            activeCell.wrappingSubtract(byteCount, ordering: .relaxed)
            return false
        }
        if active > peakActiveCell.load(ordering: .relaxed) { raise(peakActiveCell, active) }
        return true
    }

    /// Counts bytes as returned.
    /// - Returns: how many cached bytes are above the cache limit now.
    @inline(__always) func deactivate(_ byteCount: Int) -> Int {
        let active = activeCell.wrappingSubtract(byteCount, ordering: .relaxed).newValue
        let cache = residentCell.load(ordering: .relaxed) - active
        return cache - cacheLimitCell.load(ordering: .relaxed)
    }

    /// Counts bytes as resident.
    /// - Returns: false, with nothing counted, when that would exceed the limit.
    func reserve(_ byteCount: Int) -> Bool {
        let resident = residentCell.wrappingAdd(byteCount, ordering: .relaxed).newValue
        if byteCount > 0, resident > memoryLimitCell.load(ordering: .relaxed) {
            residentCell.wrappingSubtract(byteCount, ordering: .relaxed)
            return false
        }
        raise(peakResidentCell, resident)
        return true
    }

    func unreserve(_ byteCount: Int) {
        residentCell.wrappingSubtract(byteCount, ordering: .relaxed)
    }

    private func raise(_ cell: borrowing Atomic<Int>, _ value: Int) {
        _ = cell.max(value, ordering: .relaxed)
    }
}
