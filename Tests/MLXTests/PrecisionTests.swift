import Foundation
import MLX
import Testing

/// Means, variances, norms and sums where a narrow total would wrap or overflow; wanted values are
/// NumPy's, or plain arithmetic in float64.
@Suite("Wide totals") struct PrecisionTests {
    private static let integers: [(DType, [Int])] = [
        (.int8, [127, 127, -128, 3]), (.uint8, [255, 255, 254, 1]),
        (.int16, [32767, 32767, -32768, 7]), (.uint16, [65535, 65535, 1, 0]),
        (.int32, [2_147_483_647, 2_147_483_647, 2_147_483_600, -2_147_483_648]),
        (.uint32, [4_294_967_295, 4_294_967_295, 4_294_967_290, 0]),
        (.int64, [.max, .max, .max, .min]), (.bool, [1, 1, 0, 1]),
    ]

    private func values(_ array: MLXArray) -> [Double] {
        array.asType(.float64).asArray(Double.self)
    }

    /// An array of rows that repeat four numbers, in three layouts.
    private func layouts(_ numbers: [Int], _ type: DType, rows: Int) -> [MLXArray] {
        let row = MLXArray(int64: numbers).asType(type)
        let wide = tiled(row, repetitions: [rows, 1])
        return [
            wide, tiled(row.reshaped([4, 1]), repetitions: [1, rows]).T, wide[.stride(by: 1)],
        ]
    }

    @Test("the mean of integers does not wrap", arguments: integers)
    func means(type: DType, numbers: [Int]) {
        let mean = numbers.reduce(0.0) { $0 + Double($1) } / 4
        for array in layouts(numbers, type, rows: 700) {
            for (axis, result) in [
                ("all", array.mean()), ("rows", array.mean(axis: 1)[5]),
                ("both", array.mean(axes: [0, 1])),
            ] {
                #expect(result.dtype == .float32)
                let bound = 1e-6 * Swift.max(1, mean.magnitude)
                #expect(abs(values(result)[0] - mean) <= bound, "\(type) \(axis)")
            }
            let columns = values(array.mean(axis: 0))
            let isClose = zip(columns, numbers).allSatisfy {
                abs($0 - Double($1)) <= 1e-6 * Swift.max(1, Double($1).magnitude)
            }
            #expect(isClose, "\(type): \(columns)")
        }
    }

    @Test("the variance of large integers that lie close together")
    func closeIntegers() {
        for (type, base) in [
            (.int32, 1 << 30), (.uint32, 1 << 31), (.int64, 1 << 40), (.uint64, 1 << 40),
        ] as [(DType, Int)] {
            let x = MLXArray(int64: [base, base + 1, base + 2, base + 3]).asType(type)
            #expect(values(x.variance()) == [1.25], "\(type)")
            #expect(abs(values(std(x, ddof: 1))[0] - (5.0 / 3).squareRoot()) < 1e-6, "\(type)")
        }
    }

    @Test("sums read narrow types as they are", arguments: integers)
    func sums(type: DType, numbers: [Int]) {
        let isSmall = type.size < 4
        for array in layouts(numbers, type, rows: 700) where isSmall {
            let total = numbers.reduce(0, +)
            #expect(array.sum().item(Int.self) == 700 * total, "\(type)")
            #expect(array.sum(axis: 1).asArray(Int.self) == [Int](repeating: total, count: 700))
            #expect(array.sum(axis: 0).asArray(Int.self) == numbers.map { 700 * $0 }, "\(type)")
            let products = array[..<2].product(axis: 0).asArray(Int.self)
            #expect(products == numbers.map { $0 * $0 }, "\(type)")
        }
    }

    @Test("spread and norms of half types", arguments: [DType.float16, .bfloat16])
    func halves(type: DType) {
        let x = MLXArray([300, -300, 300, -300, 400, -400] as [Float]).asType(type)
        let size = (4 * 9e4 + 2 * 16e4 as Double)
        let eps = type.finfo!.eps
        func near(_ result: MLXArray, _ wanted: Double, _ what: String) {
            #expect(result.dtype == type, "\(what)")
            let value = values(result)[0]
            let fits = wanted <= type.finfo!.max
            #expect(
                fits ? abs(value - wanted) <= eps * wanted : value.isInfinite,
                "\(what) \(type): \(value), not \(wanted)")
        }
        near(variance(x), size / 6, "variance")
        near(std(x), (size / 6).squareRoot(), "std")
        near(norm(x), size.squareRoot(), "norm")
        near(norm(x, ord: 1, axis: 0), 2000, "norm 1")
        near(norm(x, ord: 3, axis: 0), pow(4 * 2.7e7 + 2 * 6.4e7, 1.0 / 3), "norm 3")
        near(norm(x, ord: .infinity, axis: 0), 400, "norm inf")
        let matrix = x.reshaped([2, 3])
        near(norm(matrix, ord: .fro), size.squareRoot(), "frobenius")
        let gradient = grad { (x: MLXArray) in norm(x) }(x)
        let isRight = zip(values(gradient), values(x)).allSatisfy {
            abs($0 - $1 / size.squareRoot()) <= 2 * eps
        }
        #expect(gradient.dtype == type && isRight)
    }

    @Test("the second derivative of norms in float16 is finite")
    func secondDerivatives() {
        let x = MLXArray([300, -250, 400, 10] as [Float]).asType(.float16)
        let weight = MLXArray.ones([4], dtype: .float16)
        for layer in [
            { MLXFast.rmsNorm($0, weight: weight, eps: 1e-5) },
            { MLXFast.layerNorm($0, weight: weight, bias: nil, eps: 1e-5) },
        ] as [(MLXArray) -> MLXArray] {
            let twice = grad { (x: MLXArray) in
                grad { (x: MLXArray) in
                    (layer(x) * layer(x) * layer(x)).sum()
                }(x).sum()
            }(x)
            #expect(twice.dtype == .float16 && isFinite(twice).all().item())
        }
    }
}
