import CMLXKernels
import MLXBase
import Synchronization

/// The positions that gather and scatter address: index arrays of any integer dtype, broadcast to
/// one shape, one for each indexed axis. Turned tile by tile into element offsets, with negative
/// indices wrapped once and everything else outside its axis reported.
struct IndexWalk {
    let operation: String
    let count: Int
    private let dims: [Int]
    private let indices: [Operand]
    private let strides: [[Int]]
    private let limits: [Int]
    private let steps: [Int]

    static let tileLength = 1024

    /// - Parameters:
    ///   - mask: the indexed axes; operands come in the order of the axes.
    ///   - steps: how far one index along each axis of the array moves, in elements.
    init(_ operation: String, indices: [Operand], mask: Int, shape: Shape, steps: [Int]) {
        self.operation = operation
        let rank = indices.map(\.shape.ndim).max() ?? 0
        var dims = [Int](repeating: 1, count: rank)
        for index in indices {
            for axis in 0..<index.shape.ndim where index.shape[axis] != 1 {
                dims[rank - index.shape.ndim + axis] = index.shape[axis]
            }
        }
        self.dims = dims
        self.indices = indices
        count = dims.reduce(1, *)
        strides = indices.map { index in
            (0..<rank).map { axis in
                let own = axis - (rank - index.shape.ndim)
                return own < 0 || index.shape[own] == 1 ? 0 : index.strides[own]
            }
        }
        let axes = (0..<shape.ndim).filter { mask >> $0 & 1 != 0 }
        limits = axes.map { shape[$0] }
        self.steps = axes.map { steps[$0] }
    }

    /// Fills `offsets` for positions from `begin`; returns false, and the first bad position, when
    /// an index is out of range.
    func offsets(from begin: Int, _ n: Int, into offsets: UnsafeMutablePointer<Int64>) -> Int? {
        offsets.update(repeating: 0, count: n)
        var firstBad: Int?
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * IndexWalk.tileLength) { tiles in
            let raw = tiles.baseAddress! + IndexWalk.tileLength
            for (i, index) in indices.enumerated() {
                mlx_strided_load(
                    raw, index.chars, Int32(index.itemSize), Int32(dims.count), dims, strides[i],
                    begin, n)
                castLoop(index.dtype, .int64)(tiles.baseAddress!, raw, nil, nil, n)
                if index.dtype == .uint64 { IndexWalk.refuseWrapped(tiles, n) }
                let good = mlx_add_offsets(
                    offsets, tiles.baseAddress!, n, Int64(limits[i]), Int64(steps[i]))
                if good < n { firstBad = min(firstBad ?? .max, begin + good) }
            }
        }
        return firstBad
    }

    /// A uint64 beyond Int64 turned negative and would count from the end.
    private static func refuseWrapped(_ tiles: UnsafeMutableBufferPointer<Int64>, _ n: Int) {
        for i in 0..<n where tiles[i] < 0 { tiles[i] = .min }
    }

    /// The error about a position that `offsets` reported.
    func error(at position: Int, shape: Shape) -> ArrayError {
        for (i, index) in indices.enumerated() {
            var (raw, value) = (Int64(0), Int64(0))
            mlx_strided_load(
                &raw, index.chars, Int32(index.itemSize), Int32(dims.count), dims, strides[i],
                position, 1)
            castLoop(index.dtype, .int64)(&value, &raw, nil, nil, 1)
            let isWrapped = index.dtype == .uint64 && value < 0
            if isWrapped || value < -Int64(limits[i]) || value >= Int64(limits[i]) {
                // Unsigned numbers this large are mostly negative ones that were cast.
                let isCast = index.dtype == .uint32 && value > Int64(Int32.max)
                let shown =
                    isWrapped
                    ? "\(UInt64(bitPattern: value)) (\(value) before a cast)"
                    : isCast
                        ? "\(value) (\(Int32(truncatingIfNeeded: value)) before a cast)"
                        : "\(value)"
                return ArrayError(
                    .index, operation, "index \(shown) is outside an axis of size \(limits[i])",
                    shapes: [shape.array])
            }
        }
        return ArrayError(.index, operation, "an index is outside its axis", shapes: [shape.array])
    }
}

/// Remembers the smallest failing position that any chunk reports.
final class FirstFailure: Sendable {
    private let position = Atomic<Int>(.max)

    func report(_ at: Int) { _ = position.min(at, ordering: .relaxed) }

    var value: Int? {
        let found = position.load(ordering: .relaxed)
        return found == .max ? nil : found
    }
}
