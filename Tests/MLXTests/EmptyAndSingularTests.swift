import MLX
import Testing

/// Matrices without elements and singular ones, borders of nothing, and terms multiplied by zero.
@Suite("Empty and singular") struct EmptyAndSingularTests {
    private static let types: [DType] = [.float32, .float64, .complex64]

    @Test("determinants without rows are 1", arguments: types)
    func empty(dtype: DType) async throws {
        for batch in [[], [3], [2, 0]] as [[Int]] {
            let x = MLXArray.zeros(batch + [0, 0], dtype: dtype)
            let count = batch.reduce(1, *)
            let det = try await values(MLXLinalg.det(x))
            #expect(det == [Double](repeating: 1, count: count))
            let (sign, size) = MLXLinalg.slogdet(x)
            #expect(try await values(sign) == [Double](repeating: 1, count: count))
            #expect(try await values(size) == [Double](repeating: 0, count: count))
            #expect(try await values(MLXLinalg.inv(x)).isEmpty)
            let b = MLXArray.zeros(batch + [0, 2], dtype: dtype)
            #expect(MLXLinalg.solve(x, b).shape == batch + [0, 2])
            #expect(try await values(grad { MLXLinalg.det($0).sum() }(x)).isEmpty)
        }
        let (u, s, v): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(
            MLXArray.zeros([2, 0], dtype: dtype))
        #expect(try await values(u) == [1, 0, 0, 1])
        #expect(s.shape == [0] && v.shape == [0, 0])
    }

    private func values(_ x: MLXArray) async throws -> [Double] {
        let wide = (x.dtype == .complex64 ? x.realPart() : x).asType(.float64)
        try await evaluate(wide)
        return wide.asArray(Double.self)
    }

    /// Matrices of every rank below their size, zeros and repeated rows among them.
    private static let singular: [(String, Int, [Double])] = [
        ("rank 0 of 1", 1, [0]), ("rank 1 of 2", 2, [1, 2, 2, 4]),
        ("rank 0 of 2", 2, [0, 0, 0, 0]),
        ("rank 2 of 3", 3, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("rank 1 of 3", 3, [1, 2, 3, 2, 4, 6, 3, 6, 9]),
        ("a zero row of 3", 3, [1, 2, 3, 0, 0, 0, 2, 0, 1]),
        ("a zero column of 3", 3, [0, 2, 3, 0, 1, 4, 0, 5, 1]),
        ("rank 3 of 4", 4, [2, 0, 1, 3, 1, 1, 0, 2, 3, 1, 1, 5, 0, 2, 1, 1]),
        ("rank 2 of 4", 4, [1, 0, 2, 0, 0, 1, 0, 3, 1, 1, 2, 3, 2, 1, 4, 3]),
        ("regular 3", 3, [2, 1, 0, 1, 3, 1, 0, 1, 4]),
    ]

    private func minor(_ a: [Double], _ n: Int, _ row: Int, _ column: Int) -> [Double] {
        (0..<n * n).filter { $0 / n != row && $0 % n != column }.map { a[$0] }
    }

    private func determinant(_ a: [Double], _ n: Int) -> Double {
        if n == 0 { return 1 }
        return (0..<n).reduce(0) {
            $0 + ($1 % 2 == 0 ? 1 : -1) * a[$1] * determinant(minor(a, n, 0, $1), n - 1)
        }
    }

    private func cofactors(_ a: [Double], _ n: Int) -> [Double] {
        (0..<n * n).map { place in
            let (i, j) = (place / n, place % n)
            return ((i + j) % 2 == 0 ? 1 : -1) * determinant(minor(a, n, i, j), n - 1)
        }
    }

    private func array(_ numbers: [Double], _ n: Int, _ dtype: DType) -> MLXArray {
        MLXArray(converting: numbers, [n, n]).asType(dtype)
    }

    @Test("the gradient of a determinant is its cofactors", arguments: types, 0..<10)
    func gradients(dtype: DType, number: Int) async throws {
        let (name, n, numbers) = Self.singular[number]
        let x = array(numbers, n, dtype)
        let wanted = cofactors(numbers, n)
        let got = try await values(grad { MLXLinalg.det($0) }(x))
        let bound =
            (dtype == .float64 ? 1e-12 : 2e-5) * wanted.reduce(1.0) { Swift.max($0, Swift.abs($1)) }
        for (a, b) in zip(got, wanted) { #expect(abs(a - b) <= bound, "\(name): \(got)") }
        let ones = MLXArray.ones(like: x)
        let (_, slopes) = jvp({ [MLXLinalg.det($0[0])] }, primals: [x], tangents: [ones])
        let (slope, total) = (try await values(slopes[0])[0], wanted.reduce(0.0, +))
        #expect(Swift.abs(slope - total) <= Double(n * n) * bound, "\(name)")
    }

    @Test("second derivatives of a determinant", arguments: 0..<10)
    func secondDerivatives(number: Int) async throws {
        let (name, n, numbers) = Self.singular[number]
        let direction = (0..<n * n).map { Double(($0 * 5) % 7) / 3 - 1 }
        let along = array(direction, n, .float64)
        let slope = { (x: MLXArray) in (grad { MLXLinalg.det($0) }(x) * along).sum() }
        let got = try await values(grad(slope)(array(numbers, n, .float64)))
        let h = 1e-4
        let (up, down) = (
            cofactors(zip(numbers, direction).map { $0 + h * $1 }, n),
            cofactors(zip(numbers, direction).map { $0 - h * $1 }, n)
        )
        for (index, value) in got.enumerated() {
            let wanted = (up[index] - down[index]) / (2 * h)
            #expect(abs(value - wanted) < 1e-5 * Swift.max(1, abs(wanted)), "\(name): \(got)")
        }
    }

    @Test("singular matrices beside regular ones, and cofactors that turn")
    func batches() async throws {
        let batch = stacked([
            array([1, 2, 2, 4], 2, .float32), array([1, 2, 3, 4], 2, .float32),
        ])
        let got = try await values(grad { MLXLinalg.det($0).sum() }(batch))
        for (a, b) in zip(got, [4.0, -2, -2, 1, 4, -3, -2, 1]) { #expect(abs(a - b) < 1e-5) }
        // (1, i; i, -1) is singular: its cofactors are (-1, -i; -i, 1), conjugated.
        let i = MLXArray(real: 0, imaginary: 1)
        let z = stacked([MLXArray(real: 1, imaginary: 0), i, i, MLXArray(real: -1, imaginary: 0)])
            .reshaped(2, 2)
        let turned = grad { MLXLinalg.det($0) }(z).asArray(Complex<Float>.self)
        let right: [Complex<Float>] = [Complex(-1, 0), Complex(0, 1), Complex(0, 1), Complex(1, 0)]
        for (a, b) in zip(turned, right) { #expect((a - b).length < 1e-6, "\(turned)") }
    }

    @Test("an axis without elements has no edge") func edges() async throws {
        for mode in [PadMode.edge, .reflect, .symmetric] {
            let bad = padded(MLXArray.zeros([2, 0]), widths: [0, 1], mode: mode)
            let error = await #expect(throws: ArrayError.self) { try await evaluate(bad) }
            #expect(error?.operation == "pad")
            // Along the other axis there is nothing to repeat, but nothing is asked for.
            #expect(padded(MLXArray.zeros([2, 0]), widths: [1, 0], mode: mode).shape == [4, 0])
        }
        #expect(padded(MLXArray.zeros([0]), width: 2).shape == [4])
    }

    @Test("a term multiplied by 0 is left out") func zeroFactors() {
        let nan = MLXArray.full([2, 2], values: MLXArray(Float.nan))
        let one = MLXArray.ones([2, 2])
        let c = MLXArray([1, 2] as [Float])
        #expect(addMM(nan, one, one, beta: 0).asArray(Float.self) == [2, 2, 2, 2])
        #expect(addMM(c, nan, one, alpha: 0).asArray(Float.self) == [1, 2, 1, 2])
        #expect(addMM(c, nan, one, alpha: 0, beta: 3).asArray(Float.self) == [3, 6, 3, 6])
        #expect(addMM(nan, nan, nan, alpha: 0, beta: 0).asArray(Float.self) == [0, 0, 0, 0])
        #expect(addMM(nan, one, one, alpha: 2, beta: 0).asArray(Float.self) == [4, 4, 4, 4])
        let gradients = grad(
            { [addMM($0[0], $0[1], $0[2], alpha: 0).sum()] }, argumentNumbers: [0, 1, 2])(
                [one, nan, one])
        #expect(gradients[0].asArray(Float.self) == [1, 1, 1, 1])
        #expect(gradients[1].asArray(Float.self) == [0, 0, 0, 0])
        let wide = addMM(one.asType(.float64), one, one, beta: 0)
        #expect(wide.dtype == addMM(one.asType(.float64), one, one).dtype)
    }

    @Test("zero factors do not hide errors") func zeroFactorErrors() async {
        let (a, b) = (MLXArray.ones([2, 3]), MLXArray.ones([2, 3]))
        await #expect(throws: ArrayError.self) {
            try await evaluate(addMM(MLXArray.ones([2, 2]), a, b, alpha: 0))
        }
        await #expect(throws: ArrayError.self) {
            try await evaluate(addMM(MLXArray.ones([3, 5]), a, a.T, beta: 0))
        }
    }
}
