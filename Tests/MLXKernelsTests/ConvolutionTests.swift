import MLXBase
import Testing

@testable import MLXKernels

/// Convolutions and both adjoints against the sum over all products, for every attribute.
@Suite struct ConvolutionTests {
    struct Case: Sendable {
        var image: [Int]
        var weight: [Int]
        var words: [Int]
        var out: [Int]
    }

    static let cases = [
        Case(
            image: [2, 5, 6, 3], weight: [4, 3, 3, 3], words: [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0],
            out: [2, 3, 4, 4]),
        Case(
            image: [1, 7, 6, 2], weight: [3, 3, 2, 2], words: [2, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0],
            out: [1, 4, 6, 3]),
        Case(
            image: [2, 6, 6, 4], weight: [6, 2, 2, 2], words: [1, 1, 0, 0, 0, 0, 2, 2, 1, 1, 2, 0],
            out: [2, 4, 4, 6]),
        Case(
            image: [1, 3, 3, 2], weight: [2, 3, 3, 2], words: [1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 1, 1],
            out: [1, 7, 7, 2]),
        Case(
            image: [1, 6, 6, 1], weight: [1, 2, 3, 1],
            words: [2, 3, -1, 0, 0, -1, 1, 1, 1, 1, 1, 0], out: [1, 2, 1, 1]),
        Case(
            image: [3, 20, 20, 5], weight: [33, 3, 3, 5],
            words: [2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], out: [3, 10, 10, 33]),
        Case(
            image: [1, 4, 4, 2], weight: [2, 2, 2, 2], words: [2, 1, 1, 3, 1, 3, 1, 2, 3, 2, 1, 0],
            out: [1, 6, 11, 2]),
    ]

    /// Calls `body(image index, weight index, output index)` for every product of a convolution.
    private func forEach(_ item: Case, _ body: (Int, Int, Int) -> Void) {
        let (w, groups, flip) = (item.words, item.words[10], item.words[11] != 0)
        let per = item.weight[0] / groups
        for out in 0..<item.out.reduce(1, *) {
            let o = unravel(out, item.out)
            for i in 0..<item.weight[1] {
                for j in 0..<item.weight[2] {
                    let (a, b) = flip ? (item.weight[1] - 1 - i, item.weight[2] - 1 - j) : (i, j)
                    let y = o[1] * w[0] + a * w[6] - w[2]
                    let x = o[2] * w[1] + b * w[7] - w[3]
                    guard y >= 0, x >= 0, y % w[8] == 0, x % w[9] == 0, y / w[8] < item.image[1],
                        x / w[9] < item.image[2]
                    else { continue }
                    for c in 0..<item.weight[3] {
                        let channel = o[3] / per * item.weight[3] + c
                        body(
                            ravel([o[0], y / w[8], x / w[9], channel], item.image),
                            ravel([o[3], i, j, c], item.weight), out)
                    }
                }
            }
        }
    }

    @Test(arguments: [DType.float16, .float32, .float64])
    func convolutionAndAdjoints(dtype: DType) throws {
        for item in Self.cases {
            let image = TestArray(item.image, dtype) { pattern($0) / 8 }
            let weight = TestArray(item.weight, dtype) { pattern($0 + 3) / 8 }
            let gradient = TestArray(item.out, dtype) { pattern($0 + 7) / 8 }
            let (x, w, g) = (image.values, weight.values, gradient.values)
            var out = [Double](repeating: 0, count: g.count)
            var dx = [Double](repeating: 0, count: x.count)
            var dw = [Double](repeating: 0, count: w.count)
            forEach(item) { i, j, o in
                out[o] += x[i] * w[j]
                dx[i] += g[o] * w[j]
                dw[j] += g[o] * x[i]
            }
            let tolerance = dtype == .float16 ? 1e-2 : 1e-4
            for device in generalDevices {
                let got = try run(
                    Kernels.conv2d, item.out, dtype, [image, weight], item.words, device: device)
                #expect(isClose(got.values, out, tolerance), "\(item)")
                let back = try run(
                    Kernels.convInputGradient, item.image, dtype, [gradient, weight], item.words,
                    device: device)
                #expect(isClose(back.values, dx, tolerance), "\(item)")
                let slope = try run(
                    Kernels.convWeightGradient, item.weight, dtype, [image, gradient], item.words,
                    device: device)
                #expect(isClose(slope.values, dw, tolerance), "\(item)")
            }
        }
    }
}
