import MLX
import MLXBase
import Testing

/// Functions that compute shapes and offsets from numbers that a user gives: the largest, the
/// smallest and those around zero are an array or an error, never the end of the process.
@Suite("Numbers out of any range") struct OverflowTests {
    static let numbers = [
        0, 1, -1, 2, 3, 4, -4, 1 << 31, -(1 << 31), 1 << 40, 1 << 62, .max, .max - 1, .min,
        .min + 1,
    ]

    /// Evaluates what is small; errors are welcome.
    private static func probe(_ body: () throws -> MLXArray?) {
        guard let result = try? withError({ try body() }) else { return }
        if result.size <= 1 << 12 { try? checkedEval(result) }
    }

    private static let one: [(String, @Sendable (MLXArray, Int) -> MLXArray)] = [
        ("roll", { roll($0, shift: $1) }), ("roll axis", { roll($0, shift: $1, axis: 1) }),
        ("roll along", { roll($0, shift: 1, axis: $1) }),
        ("diag", { diag($0[0], k: $1) }), ("diagonal", { diagonal($0, offset: $1) }),
        ("diagonal axes", { diagonal($0, offset: 0, axis1: $1, axis2: 1) }),
        ("tri", { _, n in tri(3, m: 4, k: n) }), ("tri size", { _, n in tri(n, m: 1, k: 0) }),
        ("tril", { tril($0, k: $1) }), ("triu", { triu($0, k: $1) }),
        ("eye", { _, n in eye(3, m: 4, k: n) }), ("eye wide", { _, n in eye(1, m: n) }),
        ("eye tall", { _, n in eye(n, m: 1) }), ("identity", { _, n in identity(n) }),
        ("repeated", { repeated($0, count: $1) }),
        ("repeated axis", { repeated($0, count: 2, axis: $1) }),
        ("tiled", { tiled($0, repetitions: [$1, 1]) }),
        ("zeros", { _, n in MLXArray.zeros([n]) }), ("zeros twice", { _, n in zeros([n, n]) }),
        ("full", { _, n in full([2, n], values: MLXArray(1)) }),
        ("linspace", { _, n in linspace(0 as Float, 1 as Float, count: n) }),
        ("arange", { _, n in arange(n) }), ("arange step", { _, n in arange(0, 10, step: n) }),
        ("padded", { padded($0, width: [$1, $1]) }),
        ("padded high", { padded($0, width: [0, $1]) }),
        ("split", { $0.split(parts: $1, axis: 0).first ?? $0 }),
        ("split at", { $0.split(indices: [$1], axis: 0).first ?? $0 }),
        ("expanded", { expandedDimensions($0, axis: $1) }),
        ("squeezed", { squeezed($0, axis: $1) }),
        ("moved", { movedAxis($0, source: $1, destination: 0) }),
        ("swapped", { swappedAxes($0, 0, $1) }), ("flattened", { flattened($0, start: $1) }),
        ("unflattened", { unflatten($0, axis: 0, shape: [$1, 1]) }),
        ("reshaped", { reshaped($0, [$1, -1]) }), ("broadcast", { broadcast($0, to: [$1, 3, 4]) }),
        ("take", { take($0, MLXArray(0), axis: $1) }),
        ("partitioned", { partitioned($0, kth: $1, axis: 0) }),
        ("partitioned axis", { partitioned($0, kth: 0, axis: $1) }),
        ("argPartition", { argPartition($0, kth: $1, axis: 1) }),
        ("top", { top($0, k: $1, axis: 1) }), ("cumsum", { cumsum($0, axis: $1) }),
        ("sorted", { sorted($0, axis: $1) }), ("sum", { sum($0, axis: $1) }),
        ("softmax", { softmax($0, axis: $1) }), ("slice", { $0[$1...] }),
        ("slice to", { $0[..<$1] }),
        ("slice step", { $0[.stride(by: $1)] }),
        ("slice all", { $0[.stride(from: $1, to: $1, by: $1)] }), ("index", { $0[$1] }),
        ("index in axis", { $0[0, $1] }), ("hanning", { _, n in hanning(n) }),
        ("normal", { _, n in MLXRandom.normal([n, 2]) }),
        ("bartlett", { _, n in bartlett(n) }),
        ("concatenated", { concatenated([$0, $0], axis: $1) }),
        ("stacked", { stacked([$0, $0], axis: $1) }),
        ("fft", { MLXFFT.fft($0, n: $1) }), ("fft axis", { MLXFFT.fft($0, axis: $1) }),
        ("irfft", { MLXFFT.irfft($0, n: $1) }), ("tensordot", { tensordot($0, $0, axes: $1) }),
        ("strided", { asStrided($0, [2, 2], strides: [$1, 1], offset: 0) }),
        ("strided offset", { asStrided($0, [0, 2], strides: [$1, $1], offset: $1) }),
        ("strided shape", { asStrided($0, [$1, 2], strides: [0, 0]) }),
        ("conv stride", { conv2d(image($0), kernel, stride: [$1, $1]) }),
        ("conv padding", { conv2d(image($0), kernel, padding: [$1, $1]) }),
        ("conv dilation", { conv2d(image($0), kernel, dilation: [$1, $1]) }),
        ("conv groups", { conv2d(image($0), kernel, groups: $1) }),
        ("transposed conv", { convTransposed2d(image($0), kernel, stride: [$1, $1]) }),
        ("transposed padding", { convTransposed2d(image($0), kernel, padding: [$1, $1]) }),
    ]

    private static let kernel = MLXArray.ones([2, 2, 2, 1])
    private static func image(_ x: MLXArray) -> MLXArray { x.reshaped([1, 3, 4, 1]) }

    @Test("functions of one number", arguments: one.map(\.0)) func functions(name: String) throws {
        let function = try #require(Self.one.first { $0.0 == name }).1
        for number in Self.numbers {
            Self.probe { function(MLXArray(Array(0..<12).map(Float.init), [3, 4]), number) }
        }
    }
}
