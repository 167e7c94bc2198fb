import CMLXKernels
import Glibc
import Synchronization

/// One recording thread's share of the store. Its lock is practically never contended: only
/// threads beyond the 255th share a lane. A second word guards the edges of the lane's rows:
/// whoever walks from node to node holds it shared, whoever takes edges away, because a value is
/// there or a trace has ended, holds it alone and for one row only. Recording takes neither side:
/// it only adds a node on top of nodes that the caller owns.
/// Invariant: a writer holds one lane and waits for none, so that no circle of waiting can close.
@usableFromInline struct Lane: ~Copyable {
    @usableFromInline let isLocked = Atomic<Bool>(false)
    /// Rows freed by other threads, linked through `Row.link`.
    @usableFromInline let remote = Atomic<UInt32>(0)
    @usableFromInline var freeHead: UInt32 = 0
    /// How many rows the lane has ever had.
    @usableFromInline var used: UInt32 = 0
    /// The number of walks, or the top bit for a writer.
    private let edges = Atomic<UInt32>(0)
    private let filler: UInt32 = 0
    /// Two cache lines for each lane, because processors fetch them in pairs: threads that record
    /// side by side must not share one.
    private let padding:
        (
            UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
            UInt64, UInt64
        ) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    private static let writer: UInt32 = 1 << 31
    /// A walk over a million rows holds its lanes for milliseconds: do not burn the core so long.
    private static let spinsBeforeYield = 2_000

    @inlinable @inline(__always) func lock() {
        while isLocked.exchange(true, ordering: .acquiring) { mlx_pause() }
    }
    @inlinable @inline(__always) func unlock() { isLocked.store(false, ordering: .releasing) }

    // MARK: - Forks

    /// Takes the lane and its edges, if nobody has them.
    func tryHold() -> Bool {
        if isLocked.exchange(true, ordering: .acquiring) { return false }
        if edges.compareExchange(expected: 0, desired: Lane.writer, ordering: .acquiring).exchanged
        {
            return true
        }
        unlock()
        return false
    }

    func letGo() {
        unlockEdges()
        unlock()
    }

    // MARK: - Edges

    func lockEdgesShared() {
        var spins = 0
        while true {
            let old = edges.load(ordering: .relaxed)
            if old < Lane.writer,
                edges.weakCompareExchange(expected: old, desired: old + 1, ordering: .acquiring)
                    .exchanged
            {
                return
            }
            Lane.wait(&spins)
        }
    }

    @inline(__always) func unlockEdgesShared() {
        edges.wrappingSubtract(1, ordering: .releasing)
    }

    @inline(__always) func lockEdges() {
        if edges.compareExchange(expected: 0, desired: Lane.writer, ordering: .acquiring).exchanged
        {
            return
        }
        lockEdgesSlowly()
    }

    @inline(never) private func lockEdgesSlowly() {
        var spins = 0
        while !edges.weakCompareExchange(
            expected: 0, desired: Lane.writer, ordering: .acquiring
        ).exchanged { Lane.wait(&spins) }
    }

    @inline(__always) func unlockEdges() { edges.store(0, ordering: .releasing) }

    private static func wait(_ spins: inout Int) {
        mlx_pause()
        spins += 1
        if spins > spinsBeforeYield { sched_yield() }
    }
}

/// The lanes whose edges one walk holds still: a bit for each.
struct LaneSet {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Holds a lane's edges, unless the set does so already.
    /// - Returns: whether the lane is held since now.
    @inline(__always) mutating func hold(_ lane: Int, _ store: GraphStore) -> Bool {
        let bit: UInt64 = 1 << UInt64(lane & 63)
        switch lane >> 6 {
        case 0:
            if words.0 & bit != 0 { return false }
            words.0 |= bit
        case 1:
            if words.1 & bit != 0 { return false }
            words.1 |= bit
        case 2:
            if words.2 & bit != 0 { return false }
            words.2 |= bit
        default:
            if words.3 & bit != 0 { return false }
            words.3 |= bit
        }
        store.lanes[lane].lockEdgesShared()
        return true
    }

    mutating func letGo(_ store: GraphStore) {
        letGo(words.0, 0, store)
        letGo(words.1, 64, store)
        letGo(words.2, 128, store)
        letGo(words.3, 192, store)
        words = (0, 0, 0, 0)
    }

    @inline(__always) private func letGo(_ word: UInt64, _ base: Int, _ store: GraphStore) {
        var rest = word
        while rest != 0 {
            store.lanes[base + rest.trailingZeroBitCount].unlockEdgesShared()
            rest &= rest - 1
        }
    }
}
