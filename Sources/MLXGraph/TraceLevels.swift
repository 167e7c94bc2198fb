import Synchronization

/// Which nesting levels of gradient traces are open anywhere in the process. A node of an open
/// level keeps its inputs when it is evaluated, because the backward pass will walk them.
package enum TraceLevels {
    /// Deeper traces share the last bit.
    private static let open = [
        Atomic8(), Atomic8(), Atomic8(), Atomic8(), Atomic8(), Atomic8(), Atomic8(), Atomic8(),
    ]

    private final class Atomic8: Sendable {
        let count = Atomic<Int>(0)
    }

    /// Opens a trace inside `depth` others.
    /// - Returns: the bit that its nodes carry.
    package static func begin(depth: Int) -> UInt8 {
        let level = min(depth, 7)
        open[level].count.wrappingAdd(1, ordering: .acquiringAndReleasing)
        return 1 << UInt8(level)
    }

    package static func end(_ bit: UInt8) {
        open[bit.trailingZeroBitCount].count.wrappingSubtract(
            1, ordering: .acquiringAndReleasing)
    }

    static var openMask: UInt8 {
        var mask: UInt8 = 0
        for level in 0..<8 where open[level].count.load(ordering: .acquiring) > 0 {
            mask |= 1 << UInt8(level)
        }
        return mask
    }
}
