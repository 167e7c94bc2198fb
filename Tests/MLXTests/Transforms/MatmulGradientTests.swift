import MLX
import MLXBase
import Testing

/// Gradients of products by their matrices, against sums by hand; numbers are small integers, so
/// that every order of the sums gives the same bits.
@Suite("Gradients of products") struct MatmulGradientTests {
    private func numbers(_ shape: [Int], _ step: Int) -> [Float] {
        (0..<shape.reduce(1, *)).map { Float($0 * step % 7 - 3) }
    }

    /// Batches, rows, depth and columns.
    private static let sizes: [([Int], Int, Int, Int)] = [
        ([], 3, 4, 5), ([2], 3, 4, 5), ([2, 3], 1, 7, 2), ([1], 5, 1, 1), ([70], 4, 6, 33),
        ([0], 3, 4, 5),
    ]

    @Test("A matrix that a batch shares, as it lies and transposed", arguments: sizes)
    func shared(_ batch: [Int], _ m: Int, _ k: Int, _ n: Int) throws {
        let rows = batch.reduce(1, *) * m
        let (x, g) = (numbers([rows, k], 3), numbers([rows, n], 5))
        let w = numbers([n, k], 2)
        var (byX, byW) = ([Float](repeating: 0, count: rows * k), w.map { _ in Float(0) })
        for r in 0..<rows {
            for column in 0..<n {
                for d in 0..<k {
                    byX[r * k + d] += g[r * n + column] * w[column * k + d]
                    byW[column * k + d] += g[r * n + column] * x[r * k + d]
                }
            }
        }
        let input = MLXArray(x, batch + [m, k])
        let weights = MLXArray(w, [n, k])
        let cotangent = MLXArray(g, batch + [m, n])
        let layouts: [(MLXArray, (MLXArray) -> MLXArray)] = [
            (weights, { $0.T }), (contiguous(weights.T), { $0 }),
        ]
        for (stored, matrix) in layouts {
            let (_, gradients) = vjp(
                { [matmul($0[0], matrix($0[1]))] }, primals: [input, stored],
                cotangents: [cotangent])
            #expect(gradients[0].asArray(Float.self) == byX)
            #expect(gradients[1].shape == stored.shape)
            let byMatrix = matrix(gradients[1]).T
            #expect(contiguous(byMatrix).asArray(Float.self) == byW)
        }
    }

    @Test("A transposed left matrix, and complex ones")
    func left() throws {
        let x = MLXArray(numbers([4, 3], 3), [4, 3])
        let y = MLXArray(numbers([4, 5], 2), [4, 5])
        let g = MLXArray(numbers([3, 5], 5), [3, 5])
        let (a, b) = (x + x.asImaginary() * 2, y - y.asImaginary())
        let c = g + g.asImaginary()
        for (p, q, cotangent) in [(x, y, g), (a, b, c)] {
            let (_, turned) = vjp(
                { [matmul($0[0].T, $0[1])] }, primals: [p, q], cotangents: [cotangent])
            let (_, plain) = vjp(
                { [matmul($0[0], $0[1])] }, primals: [contiguous(p.T), q],
                cotangents: [cotangent])
            #expect(arrayEqual(turned[0], plain[0].T).item(Bool.self))
            #expect(arrayEqual(turned[1], plain[1]).item(Bool.self))
        }
    }
}

/// Gradients of arrays that are cut into slices: those that are apart are written side by side,
/// all others are summed.
@Suite("Gradients of slices") struct SliceGradientTests {
    /// The gradient of the sum of `weight` times each part, against sums by hand.
    private func check(
        _ parts: [(rows: Range<Int>, columns: Range<Int>)],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let (height, width) = (6, 8)
        var wanted = [Float](repeating: 0, count: height * width)
        for (number, part) in parts.enumerated() {
            for row in part.rows {
                for column in part.columns { wanted[row * width + column] += Float(number + 1) }
            }
        }
        let x = MLXArray.ones([height, width])
        let gradient = grad { (x: MLXArray) -> MLXArray in
            var total = MLXArray(0 as Float)
            for (number, part) in parts.enumerated() {
                let window: MLXArray = x[part.rows, part.columns]
                total = total + window.sum() * Float(number + 1)
            }
            return total
        }
        #expect(gradient(x).asArray(Float.self) == wanted, sourceLocation: sourceLocation)
    }

    @Test("Parts that cover all, some, and meet") func parts() {
        check([(0..<6, 0..<3), (0..<6, 3..<5), (0..<6, 5..<8)])
        check([(0..<2, 0..<8), (4..<6, 0..<8)])
        check([(0..<3, 0..<4), (3..<6, 4..<8)])
        check([(0..<4, 0..<8), (3..<6, 0..<8)])
        check([(0..<6, 0..<4), (0..<6, 4..<8), (2..<3, 3..<6)])
        check([(1..<1, 0..<8), (0..<6, 0..<8)])
    }

    @Test("A whole read beside slices, and every second element") func others() {
        let x = MLXArray(0..<8).asType(.float32)
        let whole = grad { (x: MLXArray) in
            let (low, high) = (x[..<4], x[4...])
            return (low * 2).sum() + (x * x).sum() + (high * 3).sum()
        }
        let wanted: [Float] = [2, 4, 6, 8, 11, 13, 15, 17]
        #expect(whole(x).asArray(Float.self) == wanted)
        let steps = grad { (x: MLXArray) in
            let (even, odd) = (x[.stride(by: 2)], x[.stride(from: 1, by: 2)])
            return (even * 5).sum() + (odd * 7).sum()
        }
        let turns: [Float] = [5, 7, 5, 7, 5, 7, 5, 7]
        #expect(steps(x).asArray(Float.self) == turns)
    }

    @Test("The second derivative, and a gradient that is mapped") func nested() {
        let x = MLXArray([1, 2, 3, 4] as [Float])
        let slope = grad { (x: MLXArray) -> MLXArray in
            let (low, high) = (x[..<2], x[2...])
            return (low * low * low * high).sum()
        }
        // d²/dx² of x₀³ x₂ + x₁³ x₃, summed over rows.
        let second = grad { (x: MLXArray) -> MLXArray in slope(x).sum() }
        let wanted: [Float] = [21, 60, 3, 12]
        #expect(second(x).asArray(Float.self) == wanted)
        let rows = stacked([x, x * 2])
        let mapped = vmap(slope)(rows)
        let (one, two) = (slope(x), slope(x * 2))
        #expect(arrayEqual(mapped, stacked([one, two])).item(Bool.self))
    }
}
