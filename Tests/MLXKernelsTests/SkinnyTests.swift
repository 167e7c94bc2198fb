import CMLXKernels
import MLXBase
import Testing

@testable import MLXKernels

/// Products of few rows at every level of the machine, against sums in float64: each count of rows
/// up to one more than the kernels have, odd extents, the matrix as it lies and transposed, parts
/// of the depth, and numbers that are none.
@Suite struct SkinnyTests {
    static let dtypes: [DType] = [.float32, .float16, .bfloat16]
    static let rowCounts = Array(1...9) + [11, 12, 13, 16, 17, 24, 25, 33, 49, 64, 65]

    /// One product: operands, and the sums and the sums of magnitudes that bound its error.
    private struct Case {
        let a: TestArray
        let b: TestArray
        let dims: [Int]
        var sums: [Double]
        var bounds: [Double]

        init(
            _ m: Int, _ k: Int, _ n: Int, _ dtype: DType, isTransposed: Bool,
            _ value: (Int) -> Double = { Double(($0 &* 2_654_435_761) % 2003) / 1001 - 1 }
        ) {
            a = TestArray([m, k], dtype, value)
            b = TestArray([k, n], dtype, strides: isTransposed ? [1, k] : [n, 1]) { value($0 + 7) }
            dims = [m, n]
            let (x, y) = (a.values, b.values)
            sums = [Double](repeating: 0, count: m * n)
            bounds = sums
            for row in 0..<m {
                for term in 0..<k {
                    let factor = x[row * k + term]
                    for column in 0..<n {
                        let product = factor * y[term * n + column]
                        sums[row * n + column] += product
                        bounds[row * n + column] += abs(product)
                    }
                }
            }
        }

        /// - Returns: what is wrong, if something is.
        func check(_ got: TestArray, _ dtype: DType, terms: Int) -> String? {
            let rounding = dtype == .float32 ? 0 : dtype == .float16 ? 0x1p-11 : 0x1p-8
            for (place, value) in got.values.enumerated() {
                let (sum, bound) = (sums[place], bounds[place])
                if sum.isNaN || sum.isInfinite {
                    if value != sum && !(value.isNaN && sum.isNaN) { return "\(value) for \(sum)" }
                    continue
                }
                let limit = bound * Double(terms) * 0x1p-23 + abs(sum) * rounding + 0x1p-24
                if !(abs(value - sum) <= limit) { return "\(value) for \(sum) at \(place)" }
            }
            return nil
        }
    }

    /// Runs one product on all levels, its chunks shuffled; at the best one on both engines, and in
    /// order as well.
    private func check(_ item: Case, _ dtype: DType, terms: Int, _ what: String) throws {
        func product(_ device: DeviceTraits, on fanOut: any FanOut) throws -> TestArray {
            let got = try run(
                device.products.matmul, item.dims, dtype, [item.a, item.b], device: device,
                on: fanOut)
            if let wrong = item.check(got, dtype, terms: terms) {
                Issue.record("\(what) \(dtype) level \(mlx_level()) \(device.name): \(wrong)")
            }
            return got
        }
        for level in 0...mlx_best_level() {
            mlx_override_level(level)
            defer { mlx_override_level(-1) }
            let got = try product(.gpu, on: ShuffledFanOut())
            if level < mlx_best_level() { continue }
            let areSame = bits(try product(.gpu, on: SerialFanOut())) == bits(got)
            #expect(areSame, "\(what) \(dtype): chunks matter")
            _ = try product(.cpu, on: ShuffledFanOut())
        }
    }

    @Test(arguments: dtypes) func rows(dtype: DType) throws {
        for m in Self.rowCounts {
            for isTransposed in [false, true] {
                // Above and below what is left to the kernel of small products.
                for (k, n) in [(67, 71), (129, m == 3 ? 700 : 17)] {
                    let item = Case(m, k, n, dtype, isTransposed: isTransposed)
                    try check(item, dtype, terms: k, "\(m) x \(k) x \(n) \(isTransposed)")
                }
            }
        }
    }

    @Test(arguments: dtypes) func partsOfTheDepth(dtype: DType) throws {
        for (m, k, n) in [(1, 9001, 19), (3, 8300, 6), (17, 1100, 35), (2, 600, 515)] {
            for isTransposed in [false, true] {
                let item = Case(m, k, n, dtype, isTransposed: isTransposed)
                try check(item, dtype, terms: k, "\(m) x \(k) x \(n) \(isTransposed)")
            }
        }
    }

    @Test(arguments: dtypes) func columns(dtype: DType) throws {
        for (m, k) in [(71, 67), (500, 129), (3, 5000)] {
            for isTransposed in [false, true] {
                let item = Case(m, k, 1, dtype, isTransposed: isTransposed)
                try check(item, dtype, terms: k, "\(m) x \(k) x 1 \(isTransposed)")
            }
        }
    }

    /// What is no number stays in its rows and columns, whatever is padded.
    @Test(arguments: dtypes) func extremes(dtype: DType) throws {
        for m in [1, 5, 13, 33, 65] {
            for isTransposed in [false, true] {
                let (k, n) = (101, 83)
                let values: [Int: Double] = [
                    0: .nan, 3 * k + 100: .infinity, 4 * k + 50: -.infinity, 12 * k + 1: .nan,
                    7 + n * 100 + 82: .infinity, 7 + 40: .nan,
                ]
                let item = Case(m, k, n, dtype, isTransposed: isTransposed) {
                    values[$0] ?? Double($0 % 9) / 4 - 1
                }
                try check(item, dtype, terms: k, "\(m) rows \(isTransposed)")
            }
        }
    }

    /// A product has the bits that it has alone, in a batch as well.
    @Test(arguments: dtypes) func batches(dtype: DType) throws {
        let shapes = [(5, 120, 600), (16, 130, 140), (40, 90, 100), (70, 80, 90), (1, 100, 90)]
        for (m, k, n) in shapes {
            func value(_ index: Int) -> Double { Double((index &* 7919) % 2003) / 1001 - 1 }
            let a = TestArray([3, m, k], dtype, value)
            let b = TestArray([3, k, n], dtype, value)
            for device in [DeviceTraits.cpu, .gpu] {
                let kernel = device.products.matmul
                let whole = try run(kernel, [3, m, n], dtype, [a, b], device: device)
                for item in 0..<3 {
                    let x = TestArray([m, k], dtype) { value(item * m * k + $0) }
                    let y = TestArray([k, n], dtype) { value(item * k * n + $0) }
                    let alone = try run(kernel, [m, n], dtype, [x, y], device: device)
                    let count = m * n * dtype.size
                    let areSame = bits(whole)[item * count..<(item + 1) * count].elementsEqual(
                        bits(alone))
                    #expect(areSame, "\(device.name) \(m) x \(k) x \(n) \(dtype)")
                }
            }
        }
    }
}
