import CMLXKernels
import MLXBase
import Testing

@testable import MLXKernels

/// int8 products, exact and within their bound, and the other products at every level.
extension LevelTests {
    /// Values with exact quantization: each row's largest magnitude is 127 steps.
    @Test(arguments: LevelTests.levels) func exactInt8Products(level: Int) throws {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        for (m, k, n) in [(1, 1, 1), (5, 16, 3), (13, 131, 35), (50, 64, 70), (33, 200, 40)] {
            let x = TestArray([m, k], .float32) { $0 % k == 0 ? -127 : pattern($0) * 5 }
            let q = TestArray([n, k], .int8) { [-128, 127, 3, -77, 0, 50, -1][$0 % 7] }
            let s = TestArray([n], .float32) { Double($0 % 3 + 1) / 2 }
            let (a, b, c) = (x.values, q.values, s.values)
            var want: [Double] = []
            for i in 0..<m {
                for j in 0..<n {
                    want.append(c[j] * (0..<k).reduce(0.0) { $0 + a[i * k + $1] * b[j * k + $1] })
                }
            }
            let got = try run(Kernels.int8Matmul, [m, n], .float32, [x, q, s], device: .npu)
            #expect(isClose(got.values, want, 1e-6), "\(m) \(k) \(n)")
            for device in generalDevices {
                let same = try run(
                    Kernels.int8Matmul, [m, n], .float32, [x, q, s], device: device)
                #expect(same.values == got.values, "\(device.name)")
            }
        }
    }

    @Test(arguments: LevelTests.levels) func int8Convolution(level: Int) throws {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        let words = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0]
        let x = TestArray([2, 5, 6, 4], .float32) { pattern($0) / 3 }
        let q = TestArray([6, 3, 3, 2], .int8) { Double($0 * 37 % 255) - 127 }
        let s = TestArray([6], .float32) { _ in 1 / 127 }
        let exact = int8Reference(x.values, q.values)
        let dims = [2, 5, 6, 6]
        // NUMERICS: 18 terms, each off by at most half a step of 11/3/127 times |w| <= 1.
        let npu = try run(Kernels.int8Conv2d, dims, .float32, [x, q, s], words, device: .npu).values
        #expect(zip(npu, exact).allSatisfy { abs($0 - $1) < 18 * 0.5 * 11 / 3 / 127 + 1e-4 })
        for device in generalDevices {
            let got = try run(Kernels.int8Conv2d, dims, .float32, [x, q, s], words, device: device)
            #expect(got.values == npu, "\(device.name)")
        }
    }

    /// The convolution above by loops: two groups, padding one, a scale of 1/127.
    private func int8Reference(_ x: [Double], _ q: [Double]) -> [Double] {
        (0..<2 * 5 * 6 * 6).map { index in
            let at = unravel(index, [2, 5, 6, 6])
            var total = 0.0
            for tap in 0..<18 {
                let (i, j, c) = (tap / 6, tap / 2 % 3, tap % 2)
                let (row, column) = (at[1] + i - 1, at[2] + j - 1)
                guard row >= 0, row < 5, column >= 0, column < 6 else { continue }
                let pixel = ravel([at[0], row, column, at[3] / 3 * 2 + c], [2, 5, 6, 4])
                total += x[pixel] * q[at[3] * 18 + tap] / 127
            }
            return total
        }
    }

    @Test(arguments: LevelTests.levels) func productsAtEveryLevel(level: Int) throws {
        mlx_override_level(Int32(level))
        defer { mlx_override_level(-1) }
        for dtype in [DType.float16, .float32, .float64] {
            try MatmulTests().products(dtype: dtype)
        }
        try ConvolutionTests().convolutionAndAdjoints(dtype: .float32)
    }
}
