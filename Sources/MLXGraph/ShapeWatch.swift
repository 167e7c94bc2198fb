import MLXBase
import Synchronization

/// Whether a function looks at the shapes of its arguments while it is recorded. What it does may
/// then depend on them in any way (a count that becomes a constant, a part that is left out because
/// it has no effect), so its recording is right for these shapes alone. Whoever reads a shape
/// through an array's properties is taken to depend on it; recording an operation reads shapes
/// without saying so, because a replay works them out again.
package final class ShapeWatch: Sendable {
    /// What nodes carry that depend on the arguments.
    private let bit: UInt8
    private let outer: ShapeWatch?
    private let hasSeenReading = Atomic<Bool>(false)

    private static let openCount = Atomic<Int>(0)
    private static let open = Locked<[ObjectIdentifier: ShapeWatch]>([:]).survivingForks()

    private init(bit: UInt8, outer: ShapeWatch?) {
        self.bit = bit
        self.outer = outer
    }

    /// Runs `body`.
    /// - Parameter bit: of the trace whose nodes are watched.
    /// - Returns: whether a shape of such a node was read, too.
    package static func watching<R>(
        _ bit: UInt8, _ body: () throws -> R
    ) rethrows -> (result: R, wasRead: Bool) {
        let watch = ShapeWatch(bit: bit, outer: Defaults.current?.value.shapeWatch)
        open.withLock { $0[ObjectIdentifier(watch)] = watch }
        openCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer {
            openCount.wrappingSubtract(1, ordering: .sequentiallyConsistent)
            open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(watch)) }
        }
        let result = try Defaults.with({ $0.shapeWatch = watch }, body)
        return (result, watch.hasSeenReading.load(ordering: .acquiring))
    }

    /// Says that somebody reads the shape of a node. One load where nobody watches.
    @inline(__always) static func noteReading(_ trace: UInt8) {
        if openCount.load(ordering: .relaxed) != 0, trace != 0 { tell(trace) }
    }

    @inline(never) private static func tell(_ trace: UInt8) {
        let defaults = Defaults.current?.value
        var watch = defaults?.shapeWatch
        while let one = watch {
            one.note(trace)
            watch = one.outer
        }
        // A thread that is in no trace was handed the array: any watch may be meant.
        if defaults?.traceDepth ?? 0 == 0 {
            open.withLock { watches in
                for one in watches.values { one.note(trace) }
            }
        }
    }

    private func note(_ trace: UInt8) {
        if bit & trace != 0 { hasSeenReading.store(true, ordering: .releasing) }
    }

    /// Whether a node's shape is watched by this task.
    fileprivate static func isWatching(_ trace: UInt8) -> Bool {
        guard openCount.load(ordering: .relaxed) != 0, trace != 0 else { return false }
        var watch = Defaults.current?.value.shapeWatch
        while let one = watch {
            if one.bit & trace != 0 { return true }
            watch = one.outer
        }
        return false
    }
}

extension MLXArray {
    /// Whether a recording goes on that is to hold for other shapes of this array.
    package var isShapeWatched: Bool { ShapeWatch.isWatching(NodeReference(self).trace) }

    /// Says that what is recorded depends on the shape of this array.
    package func noteShapeReading() { ShapeWatch.noteReading(NodeReference(self).trace) }
}

extension NodeReference {
    /// Says that what is recorded depends on the shape of this node.
    @inline(__always) package func noteShapeReading() { ShapeWatch.noteReading(trace) }
}
