import Foundation
import MLX
import Testing

/// Decompositions by what they multiply to, in both precisions, small, batched and large enough to
/// be factored in blocks; norms, complex matrices, and bad input.
@Suite("Linear algebra") struct LinalgTests {
    private func draw(_ shape: [Int], _ dtype: DType = .float64, _ seed: UInt64 = 1) -> MLXArray {
        MLXRandom.normal(shape, key: MLXRandom.key(seed)).asType(dtype)
    }

    private func complex(_ shape: [Int]) -> MLXArray {
        draw(shape, .complex64) + draw(shape, .complex64, 2) * MLXArray(real: 0, imaginary: 1)
    }

    private func adjoint(_ x: MLXArray) -> MLXArray {
        let t = swappedAxes(x, -1, -2)
        return x.dtype == .complex64 ? conjugate(t) : t
    }

    /// The largest difference relative to the largest value, in epsilons.
    private func expectSame(
        _ a: MLXArray, _ b: MLXArray, _ epsilons: Double = 1000,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(a.shape == b.shape, sourceLocation: sourceLocation)
        guard a.shape == b.shape, a.size > 0 else { return }
        let error = MLX.abs(a - b).max().asType(.float64).item(Double.self)
        let size = MLX.abs(b).max().asType(.float64).item(Double.self)
        let epsilon = a.dtype == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne)
        #expect(
            error <= epsilons * epsilon * Swift.max(size, 1e-30), sourceLocation: sourceLocation)
    }

    static let shapes = [
        [3, 3], [5, 3], [3, 5], [4, 2, 2], [2, 3, 7, 4], [40, 17], [300, 300],
    ]

    @Test("factors multiply to the matrix", arguments: shapes, [DType.float32, .float64])
    func factors(shape: [Int], dtype: DType) {
        let x = draw(shape, dtype)
        let (m, n) = (x.dim(-2), x.dim(-1))
        let k = Swift.min(m, n)
        let (u, s, vt): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(x)
        let thin = u[.ellipsis, ..<k] * expandedDimensions(s, axis: -2)
        expectSame(matmul(thin, vt[.ellipsis, ..<k, 0...]), x)
        expectSame(matmul(adjoint(u), u), broadcast(eye(m, dtype: dtype), to: u.shape))
        let values: MLXArray = MLXLinalg.svd(x)
        expectSame(values, s)
        let (q, r) = MLXLinalg.qr(x)
        expectSame(matmul(q, r), x)
        expectSame(triu(r), r, 0)
        expectSame(
            matmul(adjoint(q), q),
            broadcast(eye(k, dtype: dtype), to: Array(shape.dropLast(2)) + [k, k]))
        let (p, l, upper) = MLXLinalg.lu(x)
        let rows = expandedDimensions(p, axis: -1)
        expectSame(takeAlong(matmul(l, upper), broadcast(rows, to: shape), axis: -2), x)
        let inverse = MLXLinalg.pinv(x)
        expectSame(matmul(matmul(x, inverse), x), x, 1e5)
    }

    static let squares = [[1, 1], [4, 4], [3, 5, 5], [191, 191], [300, 300]]

    @Test("systems and inverses", arguments: squares, [DType.float32, .float64])
    func systems(shape: [Int], dtype: DType) {
        let n = shape.last!
        let a = draw(shape, dtype) + eye(n, dtype: dtype) * Double(4 * n)
        let b = draw(Array(shape.dropLast()) + [7], dtype, 3)
        let one = broadcast(eye(n, dtype: dtype), to: shape)
        expectSame(matmul(a, MLXLinalg.inv(a)), one)
        expectSame(matmul(a, MLXLinalg.solve(a, b)), b)
        let vector = b[.ellipsis, 0].reshaped(-1, n)[0]
        let x = expandedDimensions(MLXLinalg.solve(a, vector), axis: -1)
        expectSame(matmul(a, x)[.ellipsis, 0], broadcast(vector, to: Array(shape.dropLast())))
        for upper in [false, true] {
            let t = upper ? triu(a) : tril(a)
            expectSame(matmul(t, MLXLinalg.triInv(a, upper: upper)), one)
            expectSame(matmul(t, MLXLinalg.solveTriangular(a, b, upper: upper)), b)
            let s = matmul(a, adjoint(a))
            let l = MLXLinalg.cholesky(s, upper: upper)
            expectSame(upper ? matmul(adjoint(l), l) : matmul(l, adjoint(l)), s)
            expectSame(matmul(MLXLinalg.choleskyInv(l, upper: upper), s), one, 1e5)
        }
        if n < 10 {
            let (sign, logarithm) = MLXLinalg.slogdet(a)
            expectSame(sign * exp(logarithm), MLXLinalg.det(a), 1e4)
        }
    }

    @Test("eigenvalues", arguments: [1, 4, 30]) func eigen(n: Int) {
        for x in [draw([3, n, n], .float32), draw([n, n]), complex([2, n, n])] {
            let h = x + adjoint(x)
            let (w, v) = MLXLinalg.eigh(h)
            expectSame(matmul(v * expandedDimensions(w, axis: -2), adjoint(v)), h)
            expectSame(MLXLinalg.eigvalsh(h), w)
            expectSame(MLXLinalg.eigvalsh(triu(h), UPLO: "U"), w)
            let (z, y) = MLXLinalg.eig(x)
            #expect(z.dtype == .complex64)
            expectSame(
                matmul(x.asType(.complex64), y), y * expandedDimensions(z, axis: -2), 1e4)
            expectSame(MLXLinalg.eigvals(x).sum(), z.sum(), 1e4)
        }
        let x = complex([5, n])
        let (u, s, vt): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(x)
        let k = Swift.min(5, n)
        expectSame(matmul(u[0..., ..<k] * s, vt[..<k]), x)
    }

    @Test("norms") func norms() {
        let x = MLXArray([1, -2, 3, 4, 0, -6] as [Float], [2, 3])
        func value(_ x: MLXArray) -> Float { x.item(Float.self) }
        #expect(abs(value(norm(x)) - Float(66).squareRoot()) < 1e-5)
        #expect(value(norm(x, ord: 1, axis: [0, 1])) == 9)
        #expect(value(norm(x, ord: -1, axis: [0, 1])) == 2)
        #expect(value(norm(x, ord: .infinity, axis: [0, 1])) == 10)
        #expect(value(norm(x, ord: -.infinity, axis: [0, 1])) == 6)
        #expect(norm(x, ord: 0, axis: 1).asArray(Float.self) == [3, 2])
        #expect(norm(x, ord: .infinity, axis: 0).asArray(Float.self) == [4, 2, 6])
        #expect(norm(x, axes: [0, 1], keepDims: true).shape == [1, 1])
        let s: MLXArray = MLXLinalg.svd(x)
        expectSame(norm(x, ord: .nuc, axis: [0, 1]), s.sum())
        expectSame(norm(x, ord: 2), s.max())
        #expect(MLXLinalg.norm(x, ord: 2, axes: [0, 1], keepDims: true).shape == [1, 1])
        #expect(norm(MLXArray([3, 4])).item(Float.self) == 5)
        let c = cross(MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float]))
        #expect(c.asArray(Float.self) == [0, 0, -2])
        #expect(cross(ones([4, 3]), ones([1, 3])).shape == [4, 3])
    }

    @Test("bad input is an error") func badInput() async {
        let wide = ones([2, 3])
        let singular = ones([3, 3])
        let odd = MLXArray([1, .nan, 0, .infinity] as [Float], [2, 2])
        let (u, _, _): (MLXArray, MLXArray, MLXArray) = svd(odd)
        let (_, r) = qr(ones([3]))
        let (_, z) = eig(odd)
        let (w, _) = eigh(singular, UPLO: "X")
        let (p, _, _) = lu(ones([3]))
        let bad = [
            inv(wide), inv(ones([3])), inv(singular), inv(MLXArray([1, 2])), solve(singular, wide),
            solve(singular, ones([3])), solve(MLXArray(1 as Float), wide), cholesky(-singular),
            cholesky(wide), triInv(zeros([2, 2])), solveTriangular(zeros([2, 2]), ones([2])),
            u, r, z, w, p, pinv(odd), eigvals(odd), eigvalsh(wide), pinv(ones([3])),
            inv(ones([2, 2], dtype: .float16)), MLXLinalg.det(wide), MLXLinalg.slogdet(wide).0,
            norm(ones([2, 2, 2]), ord: 1), norm(wide, ord: 3, axis: [0, 1]),
            norm(wide, ord: .nuc, axis: 0), norm(wide, axis: 5), cross(wide, ones([2, 4])),
            cross(ones([3]), ones([3]), axis: 2), choleskyInv(ones([3])),
        ]
        for (number, array) in bad.enumerated() {
            await #expect(throws: ArrayError.self, "case \(number)") { try await evaluate(array) }
        }
        // A singular matrix is reported under the name of what was called.
        for (name, array) in [("inv", inv(singular)), ("solve", solve(singular, singular))] {
            let error = await #expect(throws: ArrayError.self) { try await evaluate(array) }
            #expect(error?.description.contains("[\(name)]") == true)
        }
        let empty = zeros([0, 3, 3])
        #expect(inv(empty).shape == [0, 3, 3] && MLXLinalg.det(empty).shape == [0])
        #expect(MLXLinalg.slogdet(singular).1.item(Float.self) == -.infinity)
        #expect(MLXLinalg.det(singular).item(Float.self) == 0)
    }

    @Test("large decompositions, in bands, give the matrix back, alone and in a batch")
    func largeDecompositions() {
        for dtype in [DType.float32, .float64] {
            for (rows, columns) in [(150, 150), (200, 130), (130, 200), (129, 400)] {
                let x = MLXRandom.normal([5, rows, columns], key: MLXRandom.key(3)).asType(dtype)
                let (u, values, vt) = svd(x)
                let k = min(rows, columns)
                let back = matmul(
                    u[0..., 0..., 0..<k] * values[0..., .newAxis, 0...], vt[0..., 0..<k])
                #expect(abs(back - x).max().item(Double.self) < (dtype == .float64 ? 1e-11 : 1e-3))
                let one = MLXArray.eye(rows, dtype: dtype)
                let square = abs(matmul(u, u.swappedAxes(-1, -2)) - one).max()
                #expect(square.item(Double.self) < (dtype == .float64 ? 1e-12 : 1e-4))
                let (alone, _, _) = svd(x[2])
                #expect(arrayEqual(alone, u[2]).item())
            }
            let x = MLXRandom.normal([5, 170, 170], key: MLXRandom.key(4)).asType(dtype)
            let symmetric = x + x.swappedAxes(-1, -2)
            for triangle in ["L", "U"] {
                let (values, vectors) = eigh(symmetric, UPLO: triangle)
                let back = matmul(
                    vectors * values[0..., .newAxis, 0...], vectors.swappedAxes(-1, -2))
                let bound = dtype == .float64 ? 1e-11 : 1e-3
                #expect(abs(back - symmetric).max().item(Double.self) < bound)
                #expect(arrayEqual(eigh(symmetric[3], UPLO: triangle).1, vectors[3]).item())
            }
        }
        // Numbers whose squares do not fit take another way.
        let huge = MLXRandom.normal([140, 140], key: MLXRandom.key(5)) * 1e30
        let (u, values, vt) = svd(huge)
        let back = matmul(u * values, vt)
        #expect((abs(back - huge).max() / abs(huge).max()).item(Float.self) < 1e-4)
    }
}
