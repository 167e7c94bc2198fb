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
        for (m, k, n) in [(1, 1, 1), (5, 16, 3), (13, 131, 35), (50, 64, 70)] {
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
            let got = try run(NPUKernels.int8Matmul, [m, n], .float32, [x, q, s])
            #expect(isClose(got.values, want, 1e-6), "\(m) \(k) \(n)")
            for kernel in kernels(CPUKernels.int8Matmul, GPUKernels.int8Matmul) {
                #expect(isClose(try run(kernel, [m, n], .float32, [x, q, s]).values, want))
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
        let exact = try run(GPUKernels.int8Conv2d, [2, 5, 6, 6], .float32, [x, q, s], words).values
        let cpu = try run(CPUKernels.int8Conv2d, [2, 5, 6, 6], .float32, [x, q, s], words).values
        #expect(isClose(cpu, exact))
        // NUMERICS: 18 terms, each off by at most half a step of 11/3/127 times |w| <= 1.
        let npu = try run(NPUKernels.int8Conv2d, [2, 5, 6, 6], .float32, [x, q, s], words).values
        #expect(zip(npu, exact).allSatisfy { abs($0 - $1) < 18 * 0.5 * 11 / 3 / 127 + 1e-4 })
        #expect(npu != exact)
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
