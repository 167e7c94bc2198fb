import Foundation
import MLX

// Static scales of activations: how often which magnitudes occur, and where it is best to cut.

/// Where the range of activations is cut.
public enum RangeRule: Hashable, Sendable, Codable {
    /// At the largest magnitude.
    case largest
    /// Where this share of the magnitudes, in percent, lies below.
    case percentile(Double)
    /// Where the mean squared error of 8-bit integers is least.
    case squaredError
    /// Where the distribution of 8-bit integers diverges least from that of the numbers (Kullback
    /// and Leibler; Migacz, "8-bit Inference with TensorRT", 2017).
    case entropy
}

/// How often magnitudes occur, in 2,048 bins of equal width from 0. The range is a power of two
/// times the largest magnitude of the first array that has one above zero; when a larger one comes
/// it is doubled, and bins are joined in pairs, so that nothing is ever counted twice or lost.
public struct ActivationHistogram: Sendable {
    /// How many bins there are.
    public static let binCount = 2048
    /// The upper end of the last bin; 0 before anything else than zeros was seen.
    public private(set) var range = 0.0
    /// How many magnitudes lie in each bin.
    public private(set) var counts = [Int](repeating: 0, count: binCount)
    /// The largest magnitude.
    public private(set) var largest = 0.0

    /// A histogram of nothing.
    public init() {}

    /// Counts the elements of an array.
    /// - Throws: `QuantizationError` for elements that are not finite, and what computing the array
    ///   throws.
    public mutating func add(_ array: MLXArray) throws {
        if array.size == 0 { return }
        let sizes = abs(array.asType(.float32)).flattened()
        let peak = sizes.max()
        try checkedEval([sizes, peak])
        let top = Double(peak.item(Float.self))
        guard top.isFinite else { throw QuantizationError("activations are not finite") }
        widen(to: top)
        guard range > 0 else {
            counts[0] += array.size
            return
        }
        let count = ActivationHistogram.binCount
        // A magnitude at the upper end of the range belongs to the last bin.
        let places = minimum(
            (sizes * Float(Double(count) / range)).floor(), Float(count - 1)
        ).asType(.int32)
        let ones = MLXArray.ones([array.size], dtype: .int32)
        let own = MLXArray.zeros([count], dtype: .int32).at[places].add(ones)
        try checkedEval([own])
        for (bin, number) in own.asArray(Int32.self).enumerated() { counts[bin] += Int(number) }
    }

    private mutating func widen(to top: Double) {
        largest = max(largest, top)
        if range == 0 {
            range = top
            return
        }
        while range < top {
            let count = ActivationHistogram.binCount
            let halves = (0..<count / 2).map { counts[2 * $0] + counts[2 * $0 + 1] }
            counts = halves + [Int](repeating: 0, count: count / 2)
            range *= 2
        }
    }

    /// The magnitude that the range is cut at.
    /// - Throws: `QuantizationError` for a percentile that is not above 0 and at most 100.
    public func threshold(_ rule: RangeRule) throws -> Double {
        if case .percentile(let share) = rule, !(share > 0 && share <= 100) {
            throw QuantizationError("a percentile of \(share) is not above 0 and at most 100")
        }
        guard range > 0 else { return 0 }
        switch rule {
        case .largest: return largest
        case .percentile(let share): return percentile(share)
        case .squaredError: return best(from: 1) { squaredError($0) }
        case .entropy: return best(from: ActivationHistogram.levels) { divergence($0) }
        }
    }

    /// What an 8-bit integer of activations stands for: the threshold divided by 127; 1 for
    /// activations that are all zeros.
    /// - Throws: as ``threshold(_:)``.
    public func scale(_ rule: RangeRule) throws -> Float {
        let threshold = try threshold(rule)
        return threshold > 0 ? Float(threshold / 127) : 1
    }

    // MARK: - Rules

    /// Magnitudes that an 8-bit integer has, with zero.
    private static let levels = 128
    private var width: Double { range / Double(ActivationHistogram.binCount) }

    /// The upper end of the bin in which the share is reached.
    private func percentile(_ share: Double) -> Double {
        let wanted = share / 100 * Double(counts.reduce(0, +))
        var sum = 0
        for (bin, count) in counts.enumerated() {
            sum += count
            if Double(sum) >= wanted && sum > 0 { return min(Double(bin + 1) * width, largest) }
        }
        return largest
    }

    /// The upper end of the bins that cost least.
    private func best(from first: Int, _ cost: (Int) -> Double) -> Double {
        var (place, least) = (ActivationHistogram.binCount, Double.infinity)
        let last = counts.lastIndex { $0 > 0 } ?? 0
        for bins in stride(from: min(first, last + 1), through: last + 1, by: 1) {
            let own = cost(bins)
            if own < least { (place, least) = (bins, own) }
        }
        return min(Double(place) * width, largest)
    }

    /// The squared error of the middles of all bins when the range ends after some of them.
    private func squaredError(_ bins: Int) -> Double {
        let scale = Double(bins) * width / 127
        var sum = 0.0
        counts.withUnsafeBufferPointer { counts in
            for bin in 0..<counts.count where counts[bin] > 0 {
                let value = (Double(bin) + 0.5) * width
                let rounded = min((value / scale).rounded(.toNearestOrEven), 127) * scale
                sum += Double(counts[bin]) * (value - rounded) * (value - rounded)
            }
        }
        return sum
    }

    /// How far the distribution in so many bins, what lies above in the last of them, is from the
    /// same in 128 steps, each spread evenly over its bins that are not empty.
    private func divergence(_ bins: Int) -> Double {
        let levels = ActivationHistogram.levels
        let total = Double(counts.reduce(0, +))
        let outside = counts[bins...].reduce(0, +)
        func bounds(_ level: Int) -> Range<Int> {
            level * bins / levels..<(level + 1) * bins / levels
        }
        var sum = 0.0
        let inside = Double(counts[..<bins].reduce(0, +))
        if inside == 0 { return .infinity }
        for level in 0..<min(levels, bins) {
            let own = bins < levels ? level..<level + 1 : bounds(level)
            var (mass, used) = (0, 0)
            for bin in own {
                mass += counts[bin]
                if counts[bin] > 0 || (bin == bins - 1 && outside > 0) { used += 1 }
            }
            if used == 0 { continue }
            let q = Double(mass) / Double(used) / inside
            for bin in own {
                let p = Double(counts[bin] + (bin == bins - 1 ? outside : 0)) / total
                if p == 0 { continue }
                // A step without mass says that what was cut off never happens.
                if q == 0 { return .infinity }
                sum += p * log(p / q)
            }
        }
        return sum
    }
}
