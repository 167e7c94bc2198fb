import CMLXKernels
import MLXBase

/// Kernels that make arrays from numbers. Attributes:
///
/// - arange: [0] the bits of the start, [1] of the increment, both in the output's dtype. No
///   inputs. Element i is start + i increment: exact in wrapping 64-bit arithmetic for integers,
///   rounded once from float64 for floats, so long ranges do not drift.
/// - randomBits: [0] the width of an element in bytes (the output's dtype has it). Input: keys
///   (…, 2) uint32; the output's leading axes are the keys' and each key fills its part.
enum Generators {
    static func arange(_ call: borrowing KernelCall) {
        let out = call.outputs[0]
        var (start, increment) = (call.attributes[0], call.attributes[1])
        let floats = !(out.dtype.isInteger || out.dtype == .bool)
        var (first, step) = (0.0, 0.0)
        castLoop(out.dtype, .float64)(&first, &start, nil, nil, 1)
        castLoop(out.dtype, .float64)(&step, &increment, nil, nil, 1)
        var (firstInteger, stepInteger) = (Int64(0), Int64(0))
        castLoop(out.dtype, .int64)(&firstInteger, &start, nil, nil, 1)
        castLoop(out.dtype, .int64)(&stepInteger, &increment, nil, nil, 1)
        let (f, s, fi, si) = (first, step, firstInteger, stepInteger)
        let cast = castLoop(floats ? .float64 : .int64, out.dtype)
        if fill(out, f, s, fi, si, call.fanOut) { return }
        call.fanOut.forRanges(out.shape.size, size: 1 << 14, picosecondsPerItem: 800) { range in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: 512) { tile in
                var at = range.lowerBound
                while at < range.upperBound {
                    let n = min(512, range.upperBound - at)
                    for i in 0..<n {
                        tile[i] =
                            floats
                            ? Int64(bitPattern: (f + Double(at + i) * s).bitPattern)
                            : fi &+ Int64(at + i) &* si
                    }
                    cast(out.address(at), tile.baseAddress!, nil, nil, n)
                    at += n
                }
            }
        }
    }

    /// The two dtypes that indices and grids are made of, without a detour through 64 bits.
    private static func fill(
        _ out: Operand, _ first: Double, _ step: Double, _ start: Int64, _ stride: Int64,
        _ fanOut: any FanOut
    ) -> Bool {
        guard out.dtype == .int32 || out.dtype == .float32 else { return false }
        fanOut.forRanges(out.shape.size, size: 1 << 14, picosecondsPerItem: 300) { range in
            let place = UnsafeMutableRawPointer(out.address(range.lowerBound))
            if out.dtype == .int32 {
                let values = place.assumingMemoryBound(to: Int32.self)
                var value = Int32(
                    truncatingIfNeeded: start &+ Int64(range.lowerBound) &* stride)
                let step = Int32(truncatingIfNeeded: stride)
                for i in 0..<range.count {
                    values[i] = value
                    value = value &+ step
                }
            } else {
                let values = place.assumingMemoryBound(to: Float.self)
                for i in 0..<range.count {
                    values[i] = Float(first + Double(range.lowerBound + i) * step)
                }
            }
        }
        return true
    }

    static func randomBits(_ call: borrowing KernelCall) {
        let (out, keys) = (call.outputs[0], call.contiguous(call.inputs[0]))
        let batch = keys.shape.size / 2
        if out.shape.size == 0 || batch == 0 { return }
        let byteCount = out.shape.size / batch * out.itemSize
        let wordCount = (byteCount + 3) / 4
        let words = keys.pointer.assumingMemoryBound(to: UInt32.self)
        // Streams that do not end on a word, or do not start on one, go through scratch.
        let isWhole = byteCount % 4 == 0
        for index in 0..<batch {
            let (key0, key1) = (words[2 * index], words[2 * index + 1])
            let place = out.pointer + index * byteCount
            let memory = isWhole ? place : call.scratch(byteCount: wordCount * 4)
            nonisolated(unsafe) let target = memory.assumingMemoryBound(to: UInt32.self)
            call.fanOut.forRanges(
                (wordCount + 1) / 2, size: call.grain.byteCount / 16, picosecondsPerItem: 3000
            ) { range in
                mlx_random_words(
                    target, key0, key1, wordCount, range.lowerBound, range.upperBound)
            }
            if !isWhole { place.copyMemory(from: target, byteCount: byteCount) }
        }
    }
}

extension Kernels {
    package static func arange(_ call: borrowing KernelCall) throws(ArrayError) {
        Generators.arange(call)
    }
    package static func randomBits(_ call: borrowing KernelCall) throws(ArrayError) {
        Generators.randomBits(call)
    }
}
