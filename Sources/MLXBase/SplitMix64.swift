/// The generator of Steele, Lea and Flood (2014): one word of state, every seed a good one, the
/// same everywhere. Whatever is random outside of arrays (a policy, a simulation, a test) draws
/// from one of these, so a seed replays it.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// A number below `bound`, by multiplication (Lemire 2019) without the rejection: the bias of
    /// 2^-32 at most does not matter here.
    package mutating func below(_ bound: Int) -> Int {
        Int(((next() >> 32) &* UInt64(bound)) >> 32)
    }

    /// An integer of the range.
    package mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.count)
    }

    /// A number in [0, 1), one of 2^53.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    /// A generator of its own for somebody whose draws must not depend on others'.
    package mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }
}
