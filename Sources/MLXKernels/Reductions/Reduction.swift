import CMLXKernels
import MLXBase

/// Reductions over any set of axes. Attributes: [0] the axes as a bit mask (bit 16 and above are
/// ignored: whether axes are kept does not change the elements). The input has the output's dtype
/// (max, min), bool (all, any), any dtype (argmax, argmin, whose output is uint32), or one that the
/// output is at least as wide as (sum, prod): it is converted while it is read.
///
/// NUMERICS: float16, bfloat16 and float32 sums and products go through float32 lanes and float64
/// totals, in an order that depends on the layout and shape only (see Reductions/reduce.h). max and
/// min propagate NaN. Long rows are cut into parts of fixed length and merged in order.
enum Reduction {
    /// A fold, as `Reductions/reduce.h` lists it.
    struct Kind {
        let code: Int32
        /// What merges two totals.
        let merge: mlx_elementwise
        /// Whether totals of float32 and of the half types are held in float64.
        private let isWide: Bool
        /// Of no elements.
        let identity: Double

        init(_ reduction: mlx_reduction) {
            let facts = mlx_reduction_facts_of(reduction)
            code = Int32(reduction.rawValue)
            merge = facts.merge
            isWide = facts.is_wide
            identity = facts.identity
        }

        /// What the totals of one dtype that is computed in are held in.
        func accumulator(_ compute: DType) -> DType {
            isWide && compute == .float32 ? .float64 : compute
        }
    }

    /// Rows of one part and elements of one gathered tile.
    static let partLength = 1 << 16
    static let tileLength = 4096

    static func run(_ kind: Kind, _ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        if out.shape.size == 0 { return }
        if x.shape.size == 0 { return writeIdentity(kind, call) }
        let compute = computeType(x.dtype, into: out.dtype)
        guard let reduce = mlx_reduce_fn(kind.code, compute.code) else {
            throw ArrayError(.dtype, "reduce", "no reduction of \(x.dtype)", dtypes: [x.dtype])
        }
        if let layout = ColumnLayout(x, mask: call.attributes[0]) {
            return try ColumnReduction(kind, x, as: compute, layout).run(call)
        }
        let source = RowSource(x, mask: call.attributes[0], as: compute)
        let accumulator = kind.accumulator(compute)
        let parts = source.rows < 32 ? (source.length + partLength - 1) / partLength : 1
        let totals = call.scratch(byteCount: source.rows * parts * accumulator.size)
        nonisolated(unsafe) let target = totals.assumingMemoryBound(to: CChar.self)
        let itemBytes = min(source.length, partLength) * x.itemSize
        call.fanOut.forRanges(
            source.rows * parts, size: call.grain.items(ofBytes: itemBytes),
            picosecondsPerItem: max(itemBytes * 60, 10_000)
        ) { range in
            if parts > 1 {
                for item in range {
                    let begin = item % parts * partLength
                    source.forTiles(
                        rows: item / parts..<item / parts + 1,
                        columns: begin..<min(begin + partLength, source.length)
                    ) { tile, stride, _, first, n in
                        reduce(
                            target + item * accumulator.size, tile, stride, 1, n, first > begin)
                    }
                }
            } else {
                source.forTiles(
                    rows: range, columns: 0..<source.length
                ) { tile, stride, rows, first, n in
                    reduce(
                        target + rows.lowerBound * accumulator.size, tile, stride, rows.count, n,
                        first > 0)
                }
            }
        }
        let merge = try elementwise(kind.merge, accumulator)
        if parts > 1 {
            for row in 0..<source.rows {
                let first = target + row * parts * accumulator.size
                for part in 1..<parts {
                    merge(first, first, first + part * accumulator.size, nil, 1)
                }
                memmoveElement(target + row * accumulator.size, first, accumulator.size)
            }
        }
        castLoop(accumulator, out.dtype)(out.pointer, target, nil, nil, source.rows)
    }

    /// What elements are read as. NUMERICS: integers whose total is a float are summed in float64,
    /// so no total wraps and no element of up to 53 bits is rounded.
    private static func computeType(_ dtype: DType, into output: DType) -> DType {
        if dtype == output || dtype.isFloatingPoint { return dtype.computeType }
        return output.isFloatingPoint ? .float64 : output
    }

    private static func memmoveElement(
        _ to: UnsafeMutablePointer<CChar>, _ from: UnsafeMutablePointer<CChar>, _ size: Int
    ) {
        if to != from { UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: size) }
    }

    /// Of no elements: 0, 1, false (any) and true (all).
    private static func writeIdentity(_ kind: Kind, _ call: borrowing KernelCall) {
        var number = kind.identity
        var value: UInt64 = 0
        castLoop(.float64, call.outputs[0].dtype)(&value, &number, nil, nil, 1)
        Movement.fill(call.outputs[0], with: &value, call.fanOut, call.grain)
    }

    static func arg(minimum: Bool, _ call: borrowing KernelCall) throws(ArrayError) {
        let (x, out) = (call.inputs[0], call.outputs[0])
        if out.shape.size == 0 { return }
        let source = RowSource(x, mask: call.attributes[0], as: x.dtype.computeType)
        guard let find = mlx_arg_fn(minimum, x.dtype.computeType.code) else {
            throw ArrayError(.dtype, "argmax", "no order on \(x.dtype)", dtypes: [x.dtype])
        }
        let itemSize = x.dtype.computeType.size
        nonisolated(unsafe) let best = call.scratch(byteCount: source.rows * itemSize)
        nonisolated(unsafe) let index = out.pointer.assumingMemoryBound(to: UInt32.self)
        let rowBytes = source.length * x.itemSize
        call.fanOut.forRanges(
            source.rows, size: call.grain.items(ofBytes: rowBytes),
            picosecondsPerItem: max(rowBytes * 80, 10_000)
        ) { range in
            source.forTiles(
                rows: range, columns: 0..<source.length
            ) { tile, stride, rows, first, n in
                find(
                    best + rows.lowerBound * itemSize, index + rows.lowerBound, tile, stride,
                    rows.count, n, first, first > 0)
            }
        }
    }
}

extension Kernels {
    /// The kernel of a fold. On bool, the largest is `any` and the smallest is `all`.
    package static func reduction(_ reduction: mlx_reduction) -> Kernel {
        let kind = Reduction.Kind(reduction)
        return { (call) throws(ArrayError) in try Reduction.run(kind, call) }
    }
    package static func argMax(_ call: borrowing KernelCall) throws(ArrayError) {
        try Reduction.arg(minimum: false, call)
    }
    package static func argMin(_ call: borrowing KernelCall) throws(ArrayError) {
        try Reduction.arg(minimum: true, call)
    }
}
