import CMLXKernels
import MLXBase

/// Integers of [low, high) made of random bits. Inputs: low, high (int64, or uint64 for an output
/// of uint64), two arrays of uint32 words, all of the output's shape.
///
/// With r = high - low the number is low + ⌊r w / 2³²⌋ for a word w, in float32 as MLX has it,
/// while r is at most 2²⁰ and the bounds are exact: then no number is likelier than another by more
/// than one in sixteen. Else both words make one of 64 bits, and low + ⌊r w / 2⁶⁴⌋.
enum RandomIntegers {
    private static let shortRange: UInt64 = 1 << 20
    private static let exactBounds: ClosedRange<Int64> = -1 << 24...1 << 24
    private static let tileLength = 512

    static func run(_ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let (low, high) = (Bounds(call.inputs[0], call), Bounds(call.inputs[1], call))
        try check(low, high, out, isUnsigned: call.inputs[0].dtype == .uint64)
        let (first, second) = (Words(call.inputs[2], call), Words(call.inputs[3], call))
        let cast = castLoop(.int64, out.dtype)
        call.fanOut.forRanges(out.shape.size, size: 1 << 14, picosecondsPerItem: 1500) { range in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: tileLength) { tile in
                var at = range.lowerBound
                while at < range.upperBound {
                    let n = min(tileLength, range.upperBound - at)
                    for i in 0..<n {
                        tile[i] = number(
                            low[at + i], high[at + i], first[at + i], second[at + i])
                    }
                    cast(out.address(at), tile.baseAddress!, nil, nil, n)
                    at += n
                }
            }
        }
    }

    @inline(__always)
    private static func number(
        _ low: Int64, _ high: Int64, _ first: UInt32, _ second: UInt32
    ) -> Int64 {
        let count = UInt64(bitPattern: high &- low)
        if count <= shortRange, exactBounds.contains(low) {
            let unit = min(Float(first) / 4_294_967_296, Float(1).nextDown)
            let drawn = (Float(count) * unit + Float(low)).rounded(.down)
            return min(max(Int64(drawn), low), high - 1)
        }
        let word = UInt64(first) << 32 | UInt64(second)
        return low &+ Int64(bitPattern: word.multipliedFullWidth(by: count).high)
    }

    /// Bounds of one element, or of all.
    private struct Bounds: @unchecked Sendable {
        // SAFETY: read only, while the call lasts.
        private let base: UnsafePointer<Int64>
        private let step: Int
        let count: Int

        init(_ x: Operand, _ call: borrowing KernelCall) {
            let isOne = x.stridesArray.allSatisfy { $0 == 0 } || x.shape.size == 1
            let source = isOne ? x : call.contiguous(x)
            base = UnsafePointer(source.pointer.assumingMemoryBound(to: Int64.self))
            (step, count) = isOne ? (0, 1) : (1, x.shape.size)
        }

        subscript(_ i: Int) -> Int64 { base[i * step] }
    }

    private struct Words: @unchecked Sendable {
        // SAFETY: read only, while the call lasts.
        private let base: UnsafePointer<UInt32>

        init(_ x: Operand, _ call: borrowing KernelCall) {
            base = UnsafePointer(
                call.contiguous(x).pointer.assumingMemoryBound(to: UInt32.self))
        }

        subscript(_ i: Int) -> UInt32 { base[i] }
    }

    /// - Throws: where there is nothing to draw from, or what there is does not fit the dtype.
    private static func check(
        _ low: Bounds, _ high: Bounds, _ out: Operand, isUnsigned: Bool
    ) throws(ArrayError) {
        let range = out.dtype.integerRange
        for i in 0..<max(low.count, high.count) {
            let (l, h) = (low[i], high[i])
            func fail(_ why: String) -> ArrayError {
                let text =
                    isUnsigned
                    ? "\(UInt64(bitPattern: l))..<\(UInt64(bitPattern: h))" : "\(l)..<\(h)"
                return ArrayError(
                    .argument, "randInt", "\(text) \(why)", shapes: [out.shape.array],
                    dtypes: [out.dtype])
            }
            let isEmpty = isUnsigned ? UInt64(bitPattern: h) <= UInt64(bitPattern: l) : h <= l
            if isEmpty { throw fail("has no numbers") }
            if !isUnsigned, l < range.lowerBound || h - 1 > range.upperBound {
                throw fail("does not lie within \(out.dtype)")
            }
        }
    }
}

extension Kernels {
    package static func randomIntegers(_ call: borrowing KernelCall) throws(ArrayError) {
        try RandomIntegers.run(call)
    }
}
