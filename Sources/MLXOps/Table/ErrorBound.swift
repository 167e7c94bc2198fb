import MLXBase
import MLXGraph
import MLXKernels

/// How far off the result of a row may be where inputs are rounded to int8, whatever their values.
///
/// An element y = Σ x[k] w[k] over K terms is computed as Σ x'[k] w'[k]. Rounding to nearest with
/// steps of max|x| / 127 changes a term by half a step at most, and the largest one not at all.
/// Bounds are relative to ‖x‖₂ ‖w‖₂, the norms of the row and the column, or of what of them meets:
/// the least size that |y| never exceeds. They hold while the result neither overflows nor is so
/// small that its dtype has no digits left, and factors are not below 2⁻¹²⁰.
package struct ErrorBound: Sendable {
    /// What |y' - y| / (‖x‖₂ ‖w‖₂) never exceeds.
    package let relative: @Sendable (CostContext) -> Double
    /// Whether the row's last two words are a tolerance and whether the bound is within it: if it
    /// is not, no engine that rounds is asked.
    package var isLimited = false

    package init(
        isLimited: Bool = false, relative: @escaping @Sendable (CostContext) -> Double
    ) {
        self.isLimited = isLimited
        self.relative = relative
    }

    /// Of terms whose one factor is rounded: |x' - x| ≤ max|x| / 254 in all but one of them, and
    /// Σ|w| over the others is at most √(K-1) ‖w‖₂.
    package static func oneSide(terms: Int, itemSize: Int) -> Double {
        withFloats(root(terms - 1) / 254, itemSize)
    }

    /// Of terms whose factors are both rounded. Let p and q be max|x| / ‖x‖₂ and max|w| / ‖w‖₂. The
    /// first-order part, p Σ|w| + q Σ|x| over 254, is 2pq + √(K-1) (p√(1-q²) + q√(1-p²)) over 254
    /// at most, which is no more than (1 + √K) / 254. Where both are changed, K pq / 254² is added.
    package static func bothSides(terms: Int, itemSize: Int) -> Double {
        let count = Double(max(terms, 0))
        return withFloats((1 + root(terms)) / 254 + count / (254 * 254), itemSize)
    }

    /// Of terms in groups that are rounded with a scale each. Sums of the groups and the offsets
    /// of their codes are float32.
    package static func groups(of size: Int, count: Int, itemSize: Int) -> Double {
        let sums = Double(count + 8) * 0x1p-22 * root(size)
        return withFloats(root(size - 1) / 254, itemSize) + sums
    }

    private static func root(_ count: Int) -> Double { Double(max(count, 0)).squareRoot() }

    /// Integers are exact. The inverse of a scale is a float32, so steps are a little longer; the
    /// result is scaled, and rounded to its dtype: bfloat16 if that is a half.
    private static func withFloats(_ bound: Double, _ itemSize: Int) -> Double {
        bound * steps + floats(itemSize: itemSize)
    }

    /// How much longer steps are than in exact arithmetic.
    package static let steps = 1 + 0x1p-14

    /// What scaling the integers and rounding the result add, relative to Σ|x||w|.
    package static func floats(itemSize: Int) -> Double { itemSize == 2 ? 0x1p-8 : 0x1p-21 }
}

extension OpRow {
    /// Whether a node with these words may be computed on a device that has a kernel for it.
    package func allows(_ kind: DeviceKind, words: [Int]) -> Bool {
        guard errorBound?.isLimited == true, words.last == 0 else { return true }
        return kind.traits.products != .int8
    }
}

/// A tolerance as products have it in their words.
package enum Tolerance {
    /// Parts of one: a millionth of ‖x‖₂ ‖w‖₂.
    package static let parts = 1e6

    /// Rounded down; -1 for what is none, which recording refuses.
    package static func word(_ tolerance: Double) -> Int {
        tolerance >= 0 ? Int(min(tolerance * parts, 1e12)) : -1
    }

    /// Whether a bound is within.
    package static func contains(_ bound: Double, word: Int) -> Bool {
        bound <= Double(word) / parts
    }

    /// - Throws: unless the last two words are a tolerance and whether the bound is within.
    static func check(_ context: RuleContext, bound: Double) throws(ArrayError) {
        let words = context.attributes.words.suffix(2)
        guard words.count == 2, let tolerance = words.first, let rounds = words.last else {
            throw context.error(.argument, "needs a tolerance and whether it may round")
        }
        guard tolerance >= 0 else {
            throw context.error(.argument, "a tolerance is a number of at least 0")
        }
        guard rounds == 0 || rounds == 1 && contains(bound, word: tolerance) else {
            throw context.error(
                .argument,
                "must not round: it could be off by \(bound), more than"
                    + " \(Double(tolerance) / parts)")
        }
    }
}
