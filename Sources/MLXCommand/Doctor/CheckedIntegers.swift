import CMLXKernels
import MLX
import MLXBase
import MLXKernels

/// One product of int8, or of codes with inputs that are rounded to int8, whose result is an
/// integer that float32 holds: no error is allowed.
struct CheckedIntegers {
    private let (rows, terms, columns): (Int, Int, Int)
    /// Of a code in groups of 64; nil for int8 weights.
    private let bits: Int?
    private let inputs: [[Int]]
    private let sums: [Int]

    var name: String {
        "\(rows) x \(terms) x \(columns) int8" + (bits.map { " with codes of \($0) bits" } ?? "")
    }

    /// - Parameter bits: of a code, then terms are a multiple of 64; nil for int8 weights.
    init(_ m: Int, _ k: Int, _ n: Int, bits: Int?) {
        (rows, terms, columns) = (m, k, n)
        self.bits = bits
        func noise(_ index: Int) -> Int { (index &* 2_654_435_761 &+ 12345) >> 7 & 0xFFFF }
        // A magnitude of 127 in each group makes steps ones. Extremes follow each other in the
        // first rows, where sums of 16 bits would saturate.
        let x = (0..<m * k).map { index in
            index % k % 64 == 0 || index < k
                ? (index % 2 == 0 ? 127 : -127) : noise(index) % 255 - 127
        }
        let (low, count) = bits.map { (0, 1 << $0) } ?? (-128, 256)
        let w = (0..<n * k).map { index in
            index < k ? (index % 2 == 0 ? low + count - 1 : low) : low + noise(index * 3) % count
        }
        inputs = [x, w]
        var sums = [Int](repeating: 0, count: m * n)
        for row in 0..<m {
            for column in 0..<n {
                for term in 0..<k {
                    sums[row * n + column] += x[row * k + term] * w[column * k + term]
                }
            }
        }
        self.sums = sums
    }

    /// Whether every result is the sum.
    func holds() throws -> Bool {
        let x = inputs[0].map { Float($0) }
        var out = [Float](repeating: .nan, count: rows * columns)
        let scaleCount = bits == nil ? columns : columns * terms / 64
        let scales = [Float](repeating: 1, count: scaleCount)
        let offsets = [Float](repeating: 0, count: scaleCount)
        var weight = packed
        let words = bits.map { [64, $0, 0, 1] } ?? []
        try x.withUnsafeBytes { x in
            try weight.withUnsafeMutableBytes { weight in
                try scales.withUnsafeBytes { scales in
                    try offsets.withUnsafeBytes { offsets in
                        try out.withUnsafeMutableBytes { out in
                            try run(
                                [x, UnsafeRawBufferPointer(weight), scales, offsets], out, words)
                        }
                    }
                }
            }
        }
        // One scale is 127 / 127; results are whole up to its rounding.
        return zip(out, sums).allSatisfy {
            Swift.abs(Double($0) - Double($1)) <= Double(Swift.abs($1)) * 0x1p-22
        }
    }

    /// The weights as they are stored.
    private var packed: [UInt8] {
        guard let bits else { return inputs[1].map { UInt8(truncatingIfNeeded: $0) } }
        var bytes = [UInt8](repeating: 0, count: columns * terms * bits / 8)
        for (index, code) in inputs[1].enumerated() {
            bytes[index * bits / 8] |= UInt8(code << (index * bits % 8))
        }
        return bytes
    }

    private func run(
        _ memory: [UnsafeRawBufferPointer], _ out: UnsafeMutableRawBufferPointer, _ words: [Int]
    ) throws {
        func operand(
            _ memory: UnsafeRawBufferPointer, _ dtype: DType, _ dims: [Int]
        ) throws -> Operand {
            Operand(
                contiguous: UnsafeMutableRawPointer(mutating: memory.baseAddress!), dtype: dtype,
                shape: try Shape(validating: dims))
        }
        let groups = [columns, terms / 64]
        let operands =
            [
                try operand(memory[0], .float32, [rows, terms]),
                try bits.map { try operand(memory[1], .uint32, [columns, terms * $0 / 32]) }
                    ?? operand(memory[1], .int8, [columns, terms]),
                try operand(memory[2], .float32, bits == nil ? [columns] : groups),
            ] + (bits == nil ? [] : [try operand(memory[3], .float32, groups)])
        let target = try operand(UnsafeRawBufferPointer(out), .float32, [rows, columns])
        let kernel = bits == nil ? Kernels.int8Matmul : Kernels.roundedMatmul
        var failure: ArrayError?
        operands.withUnsafeBufferPointer { operands in
            words.withUnsafeBufferPointer { words in
                withUnsafePointer(to: target) { target in
                    let call = KernelCall(
                        outputs: UnsafeBufferPointer(start: target, count: 1), inputs: operands,
                        attributes: words, device: .npu, fanOut: SerialFanOut(),
                        arena: ScratchArena())
                    do throws(ArrayError) { try kernel(call) } catch { failure = error }
                }
            }
        }
        if let failure { throw failure }
    }
}
