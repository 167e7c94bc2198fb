import CMLXKernels
import MLXBase
import Testing

@testable import MLXKernels

/// Products of every engine against three loops: odd sizes, strides, broadcast batches, no terms.
@Suite struct MatmulTests {
    struct Case: Sendable {
        var left: [Int]
        var right: [Int]
        var leftStrides: [Int]?
        var rightStrides: [Int]?
    }

    static let cases: [Case] = [
        Case(left: [3, 4], right: [4, 5]), Case(left: [1, 70], right: [70, 33]),
        Case(left: [65, 130], right: [130, 1]), Case(left: [37, 41], right: [41, 67]),
        Case(left: [3, 0], right: [0, 2]), Case(left: [0, 3], right: [3, 2]),
        Case(left: [29, 20], right: [20, 35], leftStrides: [1, 29], rightStrides: [1, 20]),
        Case(left: [5, 6], right: [6, 7], leftStrides: [24, 2], rightStrides: [-14, 2]),
        Case(left: [2, 3, 4, 5], right: [3, 5, 6]), Case(left: [2, 1, 3, 4], right: [5, 4, 2]),
        Case(left: [3, 4, 5], right: [5, 6]), Case(left: [4, 1, 9], right: [9, 17]),
        Case(left: [1, 9], right: [9, 17], rightStrides: [1, 9]),
        Case(left: [17, 300], right: [300, 40]),
        Case(left: [2, 2], right: [2, 2], leftStrides: [0, 1]),
    ]

    private func reference(_ a: TestArray, _ b: TestArray) -> (dims: [Int], values: [Double]) {
        let (x, y) = (a.operand.shape.array, b.operand.shape.array)
        let rank = max(x.count, y.count) - 2
        func pad(_ dims: [Int]) -> [Int] {
            [Int](repeating: 1, count: rank - dims.count + 2) + dims.dropLast(2)
        }
        let batch = zip(pad(x), pad(y)).map { max($0, $1) }
        let (m, k, n) = (x[x.count - 2], x[x.count - 1], y[y.count - 1])
        var values: [Double] = []
        let (p, q) = (a.values, b.values)
        for item in 0..<batch.reduce(1, *) {
            let position = unravel(item, batch)
            let i = ravel(zip(position, pad(x)).map { $1 == 1 ? 0 : $0 }, pad(x)) * m * k
            let j = ravel(zip(position, pad(y)).map { $1 == 1 ? 0 : $0 }, pad(y)) * k * n
            for row in 0..<m {
                for column in 0..<n {
                    values.append(
                        (0..<k).reduce(0.0) {
                            $0 + p[i + row * k + $1] * q[j + $1 * n + column]
                        })
                }
            }
        }
        return (batch + [m, n], values)
    }

    @Test(arguments: [DType.float16, .bfloat16, .float32, .float64, .complex64])
    func products(dtype: DType) throws {
        for item in Self.cases {
            let a = TestArray(item.left, dtype, strides: item.leftStrides) { pattern($0) / 8 }
            let b = TestArray(item.right, dtype, strides: item.rightStrides) {
                pattern($0 + 5) / 8
            }
            let want = reference(a, b)
            let tolerance = dtype.isHalf ? 1e-2 : 1e-4
            for device in generalDevices {
                let got = try run(device.products.matmul, want.dims, dtype, [a, b], device: device)
                #expect(isClose(got.values, want.values, tolerance), "\(device.name) \(item)")
            }
        }
    }
}
