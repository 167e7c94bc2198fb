/// A whole number that depends on one length: a polynomial of degree two at most. Dimensions,
/// strides, offsets and counts of a plan are such numbers, because they are sums and products of
/// dimensions of which few change.
struct SizeCurve: Equatable, Sendable {
    /// The value at the base.
    var start: Int
    /// Numerators of the polynomial in the distance from the base, over the samples' divisor.
    var linear: Int
    var square: Int

    /// The value at a distance from the base; nil where it is no whole number that fits.
    @inline(__always) func value(at distance: Int, over divisor: Int) -> Int? {
        let (slope, a) = square.multipliedReportingOverflow(by: distance)
        let (sum, b) = slope.addingReportingOverflow(linear)
        let (rise, c) = sum.multipliedReportingOverflow(by: distance)
        if a || b || c || rise % divisor != 0 { return nil }
        let (value, d) = start.addingReportingOverflow(rise / divisor)
        return d ? nil : value
    }
}

/// The lengths that a family was seen at, to draw curves through.
struct SizeSamples: Sendable {
    /// Distances of the second and third sample from the first, the base.
    let first: Int
    let second: Int
    let divisor: Int

    /// - Parameter lengths: three of them, all different.
    init?(lengths: [Int]) {
        guard lengths.count == 3, lengths[0] != lengths[1], lengths[0] != lengths[2],
            lengths[1] != lengths[2]
        else { return nil }
        first = lengths[1] - lengths[0]
        second = lengths[2] - lengths[0]
        let (product, a) = first.multipliedReportingOverflow(by: second)
        let (divisor, b) = product.multipliedReportingOverflow(by: second - first)
        if a || b { return nil }
        self.divisor = divisor
    }

    /// The curve through a number's values at the three lengths; nil when it does not fit a word.
    func curve(_ base: Int, _ one: Int, _ two: Int) -> SizeCurve? {
        let (x, y) = (Int128(first), Int128(second))
        let (p, q) = (Int128(one) - Int128(base), Int128(two) - Int128(base))
        let (a, wrapsA) = (p &* y).multipliedReportingOverflow(by: y)
        let (b, wrapsB) = (q &* x).multipliedReportingOverflow(by: x)
        guard !wrapsA, !wrapsB, let linear = Int(exactly: a - b),
            let square = Int(exactly: q * x - p * y)
        else { return nil }
        return SizeCurve(start: base, linear: linear, square: square)
    }
}
