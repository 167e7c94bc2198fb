import MLXBase
import Testing

@testable import MLXKernels

/// Pooling and its derivatives against loops over windows, with ties, padding and overlap.
@Suite struct PoolingTests {
    static let cases: [(image: [Int], out: [Int], words: [Int])] = [
        ([2, 4, 6, 3], [2, 2, 3, 3], [2, 2, 2, 2, 0, 0, 0, 0]),
        ([1, 5, 5, 2], [1, 3, 3, 2], [3, 3, 2, 2, 1, 1, 1, 1]),
        ([1, 4, 4, 300], [1, 3, 3, 300], [2, 2, 1, 1, 0, 0, 0, 0]),
    ]

    private func taps(
        _ o: [Int], _ image: [Int], _ words: [Int]
    ) -> [Int] {
        var found: [Int] = []
        for i in 0..<words[0] {
            for j in 0..<words[1] {
                let (y, x) = (o[1] * words[2] + i - words[4], o[2] * words[3] + j - words[5])
                if y >= 0, x >= 0, y < image[1], x < image[2] {
                    found.append(ravel([o[0], y, x, o[3]], image))
                }
            }
        }
        return found
    }

    @Test(arguments: [DType.float16, .float32, .float64], generalDevices)
    func poolingAndDerivatives(dtype: DType, device: DeviceTraits) throws {
        for (image, out, words) in Self.cases {
            let input = TestArray(image, dtype) { pattern($0) / 2 }
            let x = input.values
            let area = Double(words[0] * words[1])
            var (highs, means) = ([Double](), [Double]())
            var gradient = [Double](repeating: 0, count: x.count)
            var spread = gradient
            var tangents: [Double] = []
            for index in 0..<out.reduce(1, *) {
                let places = taps(unravel(index, out), image, words)
                let high = places.map { x[$0] }.max()!
                highs.append(high)
                means.append(places.reduce(0) { $0 + x[$1] } / area)
                let ties = places.filter { x[$0] == high }
                for tie in ties { gradient[tie] += 2 / Double(ties.count) }
                for place in places { spread[place] += 2 / area }
                tangents.append(ties.reduce(0) { $0 + Double($1 % 5) } / Double(ties.count))
            }
            let tolerance = dtype == .float16 ? 1e-2 : 1e-5
            let y = try run(Kernels.maxPool, out, dtype, [input], words, device: device)
            #expect(y.values == highs)
            let mean = try run(Kernels.averagePool, out, dtype, [input], words, device: device)
            #expect(isClose(mean.values, means, tolerance))
            let g = TestArray(out, dtype) { _ in 2 }
            let back = try run(
                Kernels.maxPoolGradient, image, dtype, [input, y, g], words, device: device)
            #expect(isClose(back.values, gradient, tolerance))
            let even = try run(
                Kernels.averagePoolGradient, image, dtype, [g], words, device: device)
            #expect(isClose(even.values, spread, tolerance))
            let t = TestArray(image, dtype) { Double($0 % 5) }
            let tangent = try run(
                Kernels.maxPoolTangent, out, dtype, [input, y, t], words, device: device)
            #expect(isClose(tangent.values, tangents, tolerance))
        }
    }
}
