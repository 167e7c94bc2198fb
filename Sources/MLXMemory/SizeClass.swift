/// Block sizes. Up to 8 KiB a request is rounded to one of 24 small classes, served from runs of
/// equal blocks; up to 1 MiB to one of 56 medium ones, so that freed blocks fit the next request
/// of about that size; above, to 64 bytes only. Every size is a multiple of 64 bytes, and none
/// from 2 KiB up is a multiple of 4 KiB: neighbours start at different cache sets, so arrays
/// walked together do not evict each other (4 KiB aliasing).
enum SizeClass {
    static let alignment = 64
    static let smallCount = 24
    static let largestSmall = 8 << 10
    static let mediumCount = 56
    static let largestMedium = 1 << 20
    /// No request above this is passed to the system: 47 bits is all of a process's space.
    static let largest = 1 << 46
    /// Three lines: a sequence of starts visits every line of a page before it repeats.
    static let colour = 3 * alignment

    /// The small class that holds `byteCount` bytes, for 0...8192. Classes 0...7 step by one
    /// line up to 512 bytes, the others divide each octave in four.
    @inline(__always) static func small(_ byteCount: Int) -> Int {
        if byteCount <= 512 { return max(byteCount - 1, 0) >> 6 }
        return classIndex(byteCount, divisionBits: 2, firstOctave: 9) + 8
    }

    /// The bytes of a block of a small class.
    @inline(__always) static func smallByteCount(_ sizeClass: Int) -> Int {
        if sizeClass < 8 { return (sizeClass + 1) << 6 }
        let size = classSize(sizeClass - 8, divisionBits: 2, firstOctave: 9)
        return size >= 2048 ? size + alignment : size
    }

    /// The medium class that holds `byteCount` bytes, for 8193...1 MiB.
    @inline(__always) static func medium(_ byteCount: Int) -> Int {
        classIndex(byteCount, divisionBits: 3, firstOctave: 13)
    }

    @inline(__always) static func mediumByteCount(_ sizeClass: Int) -> Int {
        classSize(sizeClass, divisionBits: 3, firstOctave: 13) + colour
    }

    /// The bytes of a block for a request above 1 MiB.
    @inline(__always) static func largeByteCount(_ byteCount: Int) -> Int {
        let size = (byteCount + alignment - 1) & ~(alignment - 1)
        return size & 4095 == 0 ? size + colour : size
    }

    /// Divides each octave (2^e, 2^(e+1)] from `firstOctave` in 2^divisionBits equal classes.
    @inline(__always) private static func classIndex(
        _ byteCount: Int, divisionBits: Int, firstOctave: Int
    ) -> Int {
        let last = byteCount - 1
        let octave = Int.bitWidth - 1 - last.leadingZeroBitCount
        let division = (last >> (octave - divisionBits)) & ((1 << divisionBits) - 1)
        return (octave - firstOctave) << divisionBits + division
    }

    @inline(__always) private static func classSize(
        _ index: Int, divisionBits: Int, firstOctave: Int
    ) -> Int {
        let octave = firstOctave + index >> divisionBits
        let division = index & ((1 << divisionBits) - 1)
        return (1 << octave) + (division + 1) << (octave - divisionBits)
    }
}
