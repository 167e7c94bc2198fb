import MLXBase
import MLXGraph
import MLXMemory
import MLXPlanner
import Synchronization

/// All plans of an engine, by structure, in shards with a lock each. Cores keep what they used
/// last in memos of their own and come here on a miss only; whoever misses here too makes the
/// plan, outside of the lock. Over its limit in bytes a shard lets go of a plan that nobody asked
/// it for since the hand last passed (the clock algorithm), in O(1) on average.
final class PlanTable: Sendable {
    private static let shardCount = 16
    private let shards: [Locked<Shard>]
    /// Advanced when plans are forgotten: memos of an older generation are worth nothing.
    private let generationCell = Atomic<UInt64>(0)
    private let missCell = Atomic<UInt64>(0)

    fileprivate struct Entry {
        let plan: Plan
        var wasUsed = true
    }

    fileprivate struct Shard {
        /// Places in `ring` by hash.
        var places: [UInt64: [Int]] = [:]
        var ring: [Entry] = []
        var hand = 0
        var byteCount = 0
    }

    private let maximumShardBytes: Int
    private let maximumShardPlans: Int

    init(maximumBytes: Int = 256 << 20, maximumPlans: Int = 4096) {
        maximumShardBytes = maximumBytes / PlanTable.shardCount
        maximumShardPlans = max(1, maximumPlans / PlanTable.shardCount)
        shards = (0..<PlanTable.shardCount).map { _ in Locked(Shard()) }
    }

    var generation: UInt64 { generationCell.load(ordering: .acquiring) }
    /// How many plans were made.
    var missCount: UInt64 { missCell.load(ordering: .relaxed) }
    var count: Int { shards.reduce(0) { $0 + $1.withLock { $0.ring.count } } }
    var byteCount: Int { shards.reduce(0) { $0 + $1.withLock { $0.byteCount } } }

    private func shard(_ hash: UInt64) -> Locked<Shard> {
        shards[Int(hash >> 60) & (PlanTable.shardCount - 1)]
    }

    func find(_ key: borrowing PlanKey) -> Plan? {
        let hash = key.hash
        // A noncopyable key cannot enter a closure that escapes nothing: compare outside.
        let candidates = shard(hash).withLock { shard -> [Plan] in
            guard let places = shard.places[hash] else { return [] }
            for place in places { shard.ring[place].wasUsed = true }
            return places.map { shard.ring[$0].plan }
        }
        for plan in candidates where key.matches(plan) { return plan }
        return nil
    }

    /// Adds a plan, or finds the one that somebody else has added meanwhile.
    func add(_ plan: Plan, _ key: borrowing PlanKey) -> Plan {
        missCell.wrappingAdd(1, ordering: .relaxed)
        if let other = find(key) { return other }
        let (bytes, plans) = (maximumShardBytes, maximumShardPlans)
        shard(plan.hash).withLock { shard in
            while !shard.ring.isEmpty
                && (shard.byteCount + plan.byteCount > bytes || shard.ring.count >= plans)
            {
                shard.evict()
            }
            shard.insert(plan)
        }
        return plan
    }

    func forgetAll() {
        for shard in shards { shard.withLock { $0 = Shard() } }
        generationCell.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    func checkInvariants() {
        for shard in shards {
            shard.withLock { shard in
                precondition(shard.ring.reduce(0) { $0 + $1.plan.byteCount } == shard.byteCount)
                for (hash, places) in shard.places {
                    for place in places { precondition(shard.ring[place].plan.hash == hash) }
                }
            }
        }
    }
}

extension PlanTable.Shard {
    fileprivate mutating func insert(_ plan: Plan) {
        places[plan.hash, default: []].append(ring.count)
        ring.append(PlanTable.Entry(plan: plan))
        byteCount += plan.byteCount
    }

    /// Turns the hand to a plan that was not used since it last passed, and removes it: the last
    /// one takes its place.
    fileprivate mutating func evict() {
        while true {
            if hand >= ring.count { hand = 0 }
            if !ring[hand].wasUsed { break }
            ring[hand].wasUsed = false
            hand += 1
        }
        let victim = ring[hand].plan
        byteCount -= victim.byteCount
        forget(hand, victim.hash)
        let last = ring.count - 1
        if hand != last {
            let moved = ring[last]
            ring[hand] = moved
            let index = places[moved.plan.hash]!.firstIndex(of: last)!
            places[moved.plan.hash]![index] = hand
        }
        ring.removeLast()
    }

    private mutating func forget(_ place: Int, _ hash: UInt64) {
        places[hash]!.removeAll { $0 == place }
        if places[hash]!.isEmpty { places[hash] = nil }
    }
}
