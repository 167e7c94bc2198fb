/// How often something took how long, in buckets that are equal in parts of their value (the
/// HdrHistogram scheme): recording costs the same however many there were, percentiles are off by
/// less than a hundredth, and histograms of several processes add up.
struct Latencies: Sendable, Equatable {
    /// Each power of two has so many buckets.
    private static let parts = 128
    private static let bits = 7
    private static let bucketCount = (64 - bits + 1) * parts

    private var counts = [Int](repeating: 0, count: Latencies.bucketCount)
    private(set) var count = 0
    private(set) var greatest: UInt64 = 0

    mutating func note(_ nanoseconds: UInt64) {
        counts[Latencies.bucket(nanoseconds)] += 1
        count += 1
        greatest = max(greatest, nanoseconds)
    }

    static func + (a: Latencies, b: Latencies) -> Latencies {
        var sum = a
        for index in sum.counts.indices { sum.counts[index] += b.counts[index] }
        sum.count += b.count
        sum.greatest = max(a.greatest, b.greatest)
        return sum
    }

    /// The time that a share of all took at most, in nanoseconds; 0 where there were none.
    func percentile(_ share: Double) -> UInt64 {
        let wanted = max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for (bucket, number) in counts.enumerated() where number > 0 {
            seen += number
            if seen >= wanted { return min(greatest, Latencies.greatest(inBucket: bucket)) }
        }
        return greatest
    }

    /// Times below `parts` have buckets of their own; above, a bucket is the power of two and the
    /// bits that follow the leading one.
    private static func bucket(_ nanoseconds: UInt64) -> Int {
        let shift = max(0, 63 - nanoseconds.leadingZeroBitCount - bits)
        return shift * parts + Int(nanoseconds >> UInt64(shift))
    }

    private static func greatest(inBucket bucket: Int) -> UInt64 {
        if bucket < 2 * parts { return UInt64(bucket) }
        let shift = bucket / parts - 1
        let low = UInt64(bucket - shift * parts) << UInt64(shift)
        return low + ((1 << UInt64(shift)) - 1)
    }
}

extension Latencies: Codable {
    private enum Key: String, CodingKey { case buckets, counts, greatest }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        let used = counts.indices.filter { counts[$0] > 0 }
        try container.encode(used, forKey: .buckets)
        try container.encode(used.map { counts[$0] }, forKey: .counts)
        try container.encode(greatest, forKey: .greatest)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let buckets = try container.decode([Int].self, forKey: .buckets)
        let numbers = try container.decode([Int].self, forKey: .counts)
        guard buckets.count == numbers.count, numbers.allSatisfy({ $0 >= 0 }),
            buckets.allSatisfy(counts.indices.contains)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .buckets, in: container, debugDescription: "there are no such buckets")
        }
        for (bucket, number) in zip(buckets, numbers) { counts[bucket] = number }
        count = numbers.reduce(0, +)
        greatest = try container.decode(UInt64.self, forKey: .greatest)
    }
}

/// What the percentiles of a histogram are, in microseconds.
struct Percentiles: Codable, Equatable {
    var p50: Double
    var p90: Double
    var p99: Double
    var p999: Double
    var greatest: Double

    init(_ latencies: Latencies) {
        func microseconds(_ share: Double) -> Double {
            Double(latencies.percentile(share)) / 1000
        }
        (p50, p90) = (microseconds(0.5), microseconds(0.9))
        (p99, p999) = (microseconds(0.99), microseconds(0.999))
        greatest = Double(latencies.greatest) / 1000
    }
}
