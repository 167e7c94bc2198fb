import Foundation
import MLX
import Testing

/// Complex functions against values that numpy made in complex128 (Scripts/complex-fixtures): on
/// both sides of every branch cut, with their derivatives in both modes.
@Suite("Complex values") struct ComplexValueTests {
    /// What is not finite is text in JSON.
    private struct Number: Decodable {
        let value: Double
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                value = number
            } else {
                value = Double(try container.decode(String.self)) ?? .nan
            }
        }
    }

    private struct Fixture: Decodable {
        struct Unary: Decodable {
            let name: String
            let z, value, slope: [Number]
        }
        struct Binary: Decodable {
            let name: String
            let a, b, value, slope_a, slope_b: [Number]
        }
        struct Sorting: Decodable {
            let rows, sorted: [Number]
            let order: [Int]
            let width: Int
        }
        struct Quotients: Decodable { let a, b, value: [Number] }
        struct Matrices: Decodable { let a, b, inv, solve, det, sign, logdet: [Number] }
        struct Folds: Decodable { let x, softmax, logsumexp, product: [Number] }
        let unary: [Unary]
        let binary: [Binary]
        let sorting: Sorting
        let quotients: Quotients
        let matrices: Matrices
        let folds: Folds
    }

    private static let fixture: Result<Fixture, any Error> = Result {
        let url = Bundle.module.url(
            forResource: "complex", withExtension: "json", subdirectory: "Fixtures")!
        return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
    }

    private typealias Point = Complex<Float>

    private static func points(_ numbers: [Number]) -> [Complex<Float>] {
        stride(from: 0, to: numbers.count, by: 2).map {
            Complex(Float(numbers[$0].value), Float(numbers[$0 + 1].value))
        }
    }

    private static func array(_ numbers: [Number], _ shape: [Int]? = nil) -> MLXArray {
        let values = points(numbers)
        return MLXArray(values, shape ?? [values.count])
    }

    /// - Returns: how many were compared.
    @discardableResult private func expectClose(
        _ got: MLXArray, _ wanted: [Number], _ tolerance: Double, _ what: String
    ) -> Int {
        let (values, right) = (got.asArray(Complex<Float>.self), Self.points(wanted))
        #expect(values.count == right.count, "\(what)")
        for (index, (a, b)) in zip(values, right).enumerated() {
            let error = (a - b).length
            let bound = Float(tolerance) * Swift.max(1, b.length)
            #expect(error <= bound, "\(what) at \(index): \(a), not \(b)")
        }
        return values.count
    }

    private static let functions: [String: @Sendable (MLXArray) -> MLXArray] = [
        "square": { square($0) }, "sqrt": { sqrt($0) }, "rsqrt": { rsqrt($0) },
        "reciprocal": { reciprocal($0) }, "exp": { exp($0) }, "log": { log($0) },
        "log2": { log2($0) }, "log10": { log10($0) }, "log1p": { log1p($0) },
        "sin": { sin($0) }, "cos": { cos($0) }, "tan": { tan($0) }, "asin": { asin($0) },
        "acos": { acos($0) }, "atan": { atan($0) }, "sinh": { sinh($0) }, "cosh": { cosh($0) },
        "tanh": { tanh($0) }, "asinh": { asinh($0) }, "acosh": { acosh($0) },
        "atanh": { atanh($0) },
    ]

    private static let pairs: [String: @Sendable (MLXArray, MLXArray) -> MLXArray] = [
        "multiply": { $0 * $1 }, "divide": { $0 / $1 }, "power": { pow($0, $1) },
        "logaddexp": { logAddExp($0, $1) },
    ]

    @Test("functions of one number, and their derivatives in both modes") func unary() throws {
        var count = 0
        for one in try Self.fixture.get().unary {
            let f = try #require(Self.functions[one.name])
            let z = Self.array(one.z)
            count += expectClose(f(z), one.value, 3e-6, one.name)
            let ones = MLXArray.ones(like: z)
            let (_, gradients) = vjp({ [f($0[0])] }, primals: [z], cotangents: [ones])
            expectClose(conjugate(gradients[0]), one.slope, 3e-5, "gradient of \(one.name)")
            let (_, slopes) = jvp({ [f($0[0])] }, primals: [z], tangents: [ones])
            expectClose(slopes[0], one.slope, 3e-5, "tangent of \(one.name)")
        }
        #expect(count > 500)
    }

    @Test("functions of two numbers, and their derivatives in both modes") func binary() throws {
        for one in try Self.fixture.get().binary {
            let f = try #require(Self.pairs[one.name])
            let (a, b) = (Self.array(one.a), Self.array(one.b))
            expectClose(f(a, b), one.value, 3e-6, one.name)
            let ones = MLXArray.ones(like: a)
            let (_, gradients) = vjp({ [f($0[0], $0[1])] }, primals: [a, b], cotangents: [ones])
            expectClose(conjugate(gradients[0]), one.slope_a, 1e-4, "gradient of \(one.name)")
            expectClose(conjugate(gradients[1]), one.slope_b, 1e-4, "gradient of \(one.name)")
            let none = MLXArray.zeros(like: a)
            let (_, left) = jvp(
                { [f($0[0], $0[1])] }, primals: [a, b], tangents: [ones, none])
            expectClose(left[0], one.slope_a, 1e-4, "tangent of \(one.name)")
        }
    }

    @Test("quotients with zeros and infinities") func quotients() throws {
        let one = try Self.fixture.get().quotients
        let values = (Self.array(one.a) / Self.array(one.b)).asArray(Complex<Float>.self)
        let known = Self.points(one.value)
        func parts(_ z: Complex<Float>) -> [Float] { [z.real, z.imaginary] }
        func isRaw(_ z: Complex<Float>, _ condition: (Float) -> Bool) -> Bool {
            condition(z.rawStorage.x) || condition(z.rawStorage.y)
        }
        for index in values.indices {
            let (re, im) = (one.a[index * 2].value, one.a[index * 2 + 1].value)
            let (c, d) = (one.b[index * 2].value, one.b[index * 2 + 1].value)
            let got = values[index]
            let what = "(\(re), \(im)) / (\(c), \(d)) = \(got)"
            let isInfinite = (re.isInfinite || im.isInfinite, c.isInfinite || d.isInfinite)
            if isInfinite.0 && isInfinite.1 || re == 0 && im == 0 && c == 0 && d == 0 {
                #expect(isRaw(got) { $0.isNaN }, "\(what)")
            } else if isInfinite.1 {
                #expect(got.rawStorage.x == 0 && got.rawStorage.y == 0, "\(what)")
            } else if isInfinite.0 || c == 0 && d == 0 {
                #expect(isRaw(got) { $0.isInfinite }, "\(what)")
            } else {
                #expect((got - known[index]).length < 1e-6, "\(what)")
            }
        }
        let direct = MLXArray(real: 1, imaginary: 1) / MLXArray(Float.infinity)
        #expect(direct.item(Complex<Float>.self) == .zero)
    }

    @Test("absolute values next to infinity") func magnitudes() {
        let z = MLXArray([
            Complex<Float>(.infinity, .nan), Complex(.nan, -.infinity), Complex(1e30, 1e30),
            Complex(3e-40, 4e-40), Complex(.nan, 1), Complex(-3, 4),
        ])
        let sizes = abs(z).asArray(Float.self)
        #expect(sizes[0] == .infinity && sizes[1] == .infinity && sizes[4].isNaN)
        #expect(Swift.abs(sizes[2] / 1.4142135e30 - 1) < 1e-6 && sizes[5] == 5)
        #expect(Swift.abs(sizes[3] - 5e-40) < 1e-44)
    }

    @Test("what is small stays in log1p") func smallLogarithms() {
        let z = MLXArray([Complex<Float>(1e-20, -1e-30), Complex(-1e-12, 0), Complex(0, 1e-15)])
        let values = log1p(z).asArray(Complex<Float>.self)
        #expect(values[0].real == 1e-20 && values[0].imaginary == -1e-30)
        #expect(values[1].real == -1e-12)
        #expect(values[2].imaginary == 1e-15 && Swift.abs(values[2].real - 5e-31) < 1e-36)
    }

    @Test("NaN comes last in whatever sorts") func sorting() throws {
        let one = try Self.fixture.get().sorting
        let rows = Self.array(one.rows, [one.rows.count / 2 / one.width, one.width])
        let (order, right) = (one.order, Self.bits(Self.array(one.sorted)))
        #expect(Self.bits(sorted(rows, axis: -1)) == right)
        #expect(argSort(rows, axis: -1).asArray(Int32.self).map(Int.init) == order)
        for kth in 0..<one.width {
            let part = Self.bits(partitioned(rows, kth: kth, axis: -1))
            for row in 0..<2 {
                #expect(part[row * one.width + kth] == right[row * one.width + kth])
            }
        }
        for row in 0..<2 {
            let ascending = sorted(rows[row])
            let places = searchSorted(ascending, ascending).asArray(Int32.self)
            #expect(places == (0..<Int32(one.width)).map { $0 })
        }
        let largest = Set(Self.bits(top(rows[0], k: 3)))
        #expect(largest == Set(right[(one.width - 3)..<one.width]))
    }

    /// NaNs alike, whatever their bits.
    private static func bits(_ x: MLXArray) -> [String] {
        let parts = x.view(dtype: .float32).asArray(Float.self)
        return stride(from: 0, to: parts.count, by: 2).map { "\(parts[$0]) \(parts[$0 + 1])" }
    }

    @Test("inverses, systems and determinants") func matrices() throws {
        let one = try Self.fixture.get().matrices
        let (a, b) = (Self.array(one.a, [3, 4, 4]), Self.array(one.b, [3, 4, 2]))
        expectClose(MLXLinalg.inv(a).flattened(), one.inv, 1e-4, "inv")
        expectClose(MLXLinalg.solve(a, b).flattened(), one.solve, 1e-4, "solve")
        expectClose(MLXLinalg.det(a), one.det, 1e-5, "det")
        let (sign, size) = MLXLinalg.slogdet(a)
        expectClose(sign, one.sign, 1e-5, "slogdet")
        #expect(size.dtype == .float32)
        for (x, y) in zip(size.asArray(Float.self), one.logdet) {
            #expect(Swift.abs(Double(x) - y.value) < 1e-5)
        }
    }

    @Test("softmax, sums of exponentials and products") func folds() throws {
        let one = try Self.fixture.get().folds
        let x = Self.array(one.x, [3, 5])
        expectClose(softmax(x, axis: -1).flattened(), one.softmax, 3e-6, "softmax")
        expectClose(softmax(x.T, axis: 0).T.flattened(), one.softmax, 3e-6, "softmax")
        expectClose(logSumExp(x, axis: -1), one.logsumexp, 3e-6, "logsumexp")
        expectClose(logSumExp(x.T, axis: 0), one.logsumexp, 3e-6, "logsumexp")
        expectClose(x.product(axis: -1), one.product, 3e-6, "product")
        // Far from what exp can hold.
        let far = logSumExp(x + Float(500), axis: -1) - Float(500)
        expectClose(far, one.logsumexp, 1e-4, "logsumexp")
        let nothing = MLXArray([Complex<Float>]()).reshaped(2, 0)
        let empty = logSumExp(nothing, axis: -1).asArray(Complex<Float>.self)
        #expect(empty.count == 2 && empty[0].rawStorage.x == -.infinity)
    }

    @Test("the gradient of a product is conjugated") func product() {
        let z = MLXArray([Complex<Float>(1, 2), Complex(-0.5, 0.3)])
        let gradient = grad { (z: MLXArray) in z.product() }(z).asArray(Complex<Float>.self)
        #expect(gradient == [Complex(-0.5, -0.3), Complex(1, -2)])
    }
}
