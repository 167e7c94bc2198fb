import MLXBase
import MLXGraph
import MLXOps

/// The cotangents of a recording's nodes while they are summed. The parts of an array that was cut
/// into slices, as the gates of a cell and the heads of an attention are, lie beside each other:
/// they are written into one array, where sums would be as many arrays of the whole size.
struct Cotangents {
    /// Elements `start ..< end` of each axis.
    private struct Window {
        let ranges: [Range<Int>]

        /// The elements of a slice; nil when they are not neighbours.
        init?(_ slice: VJPContext) {
            let (words, shape) = (slice.attributes.words, slice.cotangent.nodeShape)
            let rank = shape.ndim
            guard words.count >= 2 * rank, words[rank..<(2 * rank)].allSatisfy({ $0 == 1 })
            else { return nil }
            ranges = (0..<rank).map { words[$0]..<(words[$0] + shape[$0]) }
        }

        func isApart(from other: Window) -> Bool {
            zip(ranges, other.ranges).contains { !$0.overlaps($1) }
        }
    }

    private var values: [MLXArray?]
    /// What a cotangent holds that is made of slices that are apart, and zeros.
    private var windows: [Int: [Window]] = [:]

    init(count: Int) { values = Array(repeating: nil, count: count) }

    subscript(node: Int) -> MLXArray? {
        get { values[node] }
        set {
            values[node] = newValue
            if !windows.isEmpty { windows[node] = nil }
        }
    }

    /// Adds the cotangent of a slice of a node's value.
    /// - Parameters:
    ///   - part: what the slice's rule made of it, zeros around the slice.
    ///   - slice: what the rule was told.
    mutating func add(_ part: MLXArray, ofSlice slice: VJPContext, to node: Int) {
        let window = Window(slice)
        guard let sum = values[node] else {
            values[node] = part
            windows[node] = window.map { [$0] }
            return
        }
        guard let window, let there = windows[node], there.allSatisfy(window.isApart) else {
            self[node] = Ops.binary(.add, sum, part, stream: slice.stream)
            return
        }
        values[node] = Ops.record(
            .sliceUpdate, [sum, slice.cotangent], Attributes(words: slice.attributes.words),
            stream: slice.stream)
        windows[node] = there + [window]
    }
}
