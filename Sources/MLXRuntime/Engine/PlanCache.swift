import MLXPlanner

/// Plans by structure, least recently used out first. Confined to the scheduler.
struct PlanCache {
    private var entries: [UInt64: [Entry]] = [:]
    private var clock: UInt64 = 0
    private(set) var count = 0
    private(set) var hits: UInt64 = 0
    private(set) var misses: UInt64 = 0
    /// Words of all keys: what the cache's memory grows with.
    private var keyWords = 0
    let maximumCount: Int
    let maximumKeyWords: Int

    private struct Entry {
        let key: PlanKey
        let plan: Plan
        var lastUse: UInt64
    }

    init(maximumCount: Int = 1024, maximumKeyWords: Int = 1 << 25) {
        self.maximumCount = maximumCount
        self.maximumKeyWords = maximumKeyWords
    }

    mutating func find(_ key: PlanKey) -> Plan? {
        clock += 1
        if let position = entries[key.hash]?.firstIndex(where: { $0.key == key }) {
            hits += 1
            entries[key.hash]![position].lastUse = clock
            return entries[key.hash]![position].plan
        }
        misses += 1
        return nil
    }

    mutating func insert(_ key: PlanKey, _ plan: Plan) {
        while count > 0
            && (count >= maximumCount || keyWords + key.words.count > maximumKeyWords)
        {
            removeOldest()
        }
        guard key.words.count <= maximumKeyWords else { return }
        entries[key.hash, default: []].append(Entry(key: key, plan: plan, lastUse: clock))
        count += 1
        keyWords += key.words.count
    }

    mutating func removeAll() {
        entries = [:]
        count = 0
        keyWords = 0
    }

    private mutating func removeOldest() {
        // The minimum over a dictionary does not depend on its order: uses are all different.
        var oldest: (hash: UInt64, position: Int, lastUse: UInt64)?
        for (hash, list) in entries {
            for (position, entry) in list.enumerated()
            where entry.lastUse < oldest?.lastUse ?? .max {
                oldest = (hash, position, entry.lastUse)
            }
        }
        guard let oldest else { return }
        keyWords -= entries[oldest.hash]![oldest.position].key.words.count
        entries[oldest.hash]!.remove(at: oldest.position)
        if entries[oldest.hash]!.isEmpty { entries[oldest.hash] = nil }
        count -= 1
    }
}
