import MLX
import Testing

/// Products and convolutions of whole numbers, which are exact, of every layout and geometry for
/// which operands are read where they lie, and of those beside for which they are copied.
@Suite("Products in place") struct ProductsInPlaceTests {
    private struct Draws: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    private static let devices: [Device] = [.cpu, .gpu]

    private static func whole(_ shape: [Int], _ draws: inout Draws) -> (MLXArray, [Int]) {
        let values = (0..<shape.reduce(1, *)).map { _ in Int.random(in: -3...3, using: &draws) }
        return (MLXArray(values.map { Float($0) }, shape), values)
    }

    // MARK: - Convolutions

    private struct Geometry {
        var (stride, padding, dilation) = ((1, 1), (0, 0), (1, 1))
        var groups = 1
        var flip = false
    }

    /// y[n, i, j, o] = Σ x[n, i s + a d - p, j s + b d - p, c] w[o, a, b, c].
    private static func naive(
        _ x: [Int], _ xs: [Int], _ w: [Int], _ ws: [Int], _ g: Geometry, _ ys: [Int]
    ) -> [Float] {
        var y: [Float] = []
        for n in 0..<ys[0] {
            for i in 0..<ys[1] {
                for j in 0..<ys[2] {
                    for o in 0..<ys[3] {
                        y.append(Float(sum(x, xs, w, ws, g, (n, i, j, o), o / (ys[3] / g.groups))))
                    }
                }
            }
        }
        return y
    }

    private static func sum(
        _ x: [Int], _ xs: [Int], _ w: [Int], _ ws: [Int], _ g: Geometry,
        _ at: (n: Int, i: Int, j: Int, o: Int), _ group: Int
    ) -> Int {
        var total = 0
        for a in 0..<ws[1] {
            for b in 0..<ws[2] {
                let row = at.i * g.stride.0 + a * g.dilation.0 - g.padding.0
                let column = at.j * g.stride.1 + b * g.dilation.1 - g.padding.1
                guard (0..<xs[1]).contains(row), (0..<xs[2]).contains(column) else { continue }
                let (p, q) = g.flip ? (ws[1] - 1 - a, ws[2] - 1 - b) : (a, b)
                let from = ((at.n * xs[1] + row) * xs[2] + column) * xs[3] + group * ws[3]
                let weight = ((at.o * ws[1] + p) * ws[2] + q) * ws[3]
                for c in 0..<ws[3] { total += x[from + c] * w[weight + c] }
            }
        }
        return total
    }

    @Test("convolutions of wide rows are exact", arguments: 0..<40)
    func convolutions(seed: UInt64) throws {
        var draws = Draws(state: seed &* 977 &+ 5)
        var g = Geometry()
        g.stride = (Int.random(in: 1...2, using: &draws), Int.random(in: 1...3, using: &draws))
        g.padding = (Int.random(in: 0...3, using: &draws), Int.random(in: 0...3, using: &draws))
        g.dilation = (Int.random(in: 1...2, using: &draws), Int.random(in: 1...2, using: &draws))
        g.groups = [1, 1, 1, 2].randomElement(using: &draws)!
        g.flip = Bool.random(using: &draws)
        let channels = [1, 3, 16, 20, 64].randomElement(using: &draws)!
        let kernel = (Int.random(in: 1...4, using: &draws), Int.random(in: 1...5, using: &draws))
        let outputs = [1, 5, 16, 34, 70].randomElement(using: &draws)! * g.groups
        let xs = [
            Int.random(in: 1...2, using: &draws), Int.random(in: 9...14, using: &draws),
            Int.random(in: 17...45, using: &draws), channels * g.groups,
        ]
        let ws = [outputs, kernel.0, kernel.1, channels]
        let (x, numbers) = Self.whole(xs, &draws)
        let (w, weights) = Self.whole(ws, &draws)
        for device in Self.devices {
            let y = convGeneral(
                x, w, strides: [g.stride.0, g.stride.1], padding: [g.padding.0, g.padding.1],
                kernelDilation: [g.dilation.0, g.dilation.1], groups: g.groups, flip: g.flip,
                stream: .device(device))
            try checkedEval(y)
            let expected = Self.naive(numbers, xs, weights, ws, g, y.shape)
            #expect(y.asArray(Float.self) == expected, "seed \(seed), \(g), \(xs), \(ws)")
        }
    }

    @Test("a convolution's gradients are the sums that they stand for", arguments: 0..<8)
    func gradients(seed: UInt64) throws {
        var draws = Draws(state: seed &* 31 &+ 7)
        let stride = Int.random(in: 1...2, using: &draws)
        let padding = Int.random(in: 0...2, using: &draws)
        let (x, _) = Self.whole([2, 11, 26, 16], &draws)
        let (w, _) = Self.whole([18, 3, 3, 16], &draws)
        func f(_ arrays: [MLXArray]) -> [MLXArray] {
            [conv2d(arrays[0], arrays[1], stride: IntOrPair(stride), padding: IntOrPair(padding))]
        }
        let (cotangent, _) = Self.whole(f([x, w])[0].shape, &draws)
        let (_, found) = vjp(f, primals: [x, w], cotangents: [cotangent])
        // The convolution is bilinear: <c, f(u, w)> = <x-gradient, u> for every u.
        for (number, array) in [x, w].enumerated() {
            let (u, _) = Self.whole(array.shape, &draws)
            let y = number == 0 ? f([u, w])[0] : f([x, u])[0]
            let (left, right) = ((y * cotangent).sum(), (found[number] * u).sum())
            try checkedEval(left, right)
            #expect(left.item(Float.self) == right.item(Float.self), "seed \(seed)")
        }
    }

    // MARK: - Matrices

    @Test("products of any layout are exact", arguments: 0..<40)
    func matrices(seed: UInt64) throws {
        var draws = Draws(state: seed &* 1009 &+ 3)
        let m = Int.random(in: 1...80, using: &draws)
        let k = [1, 7, 64, 257, 530].randomElement(using: &draws)!
        let n = [1, 16, 33, 64, 96, 130].randomElement(using: &draws)!
        let dtype: DType = [.float32, .float32, .float64, .float16, .bfloat16]
            .randomElement(using: &draws)!
        /// A matrix in a larger one, or its transpose.
        func matrix(_ rows: Int, _ columns: Int) -> (MLXArray, [Int]) {
            let (more, turned) = (Int.random(in: 0...9, using: &draws), Bool.random(using: &draws))
            // Halves have exact sums up to 2048 (256 in bfloat16): few numbers are not zero.
            let all = (0..<rows * columns).map { _ in
                dtype == .float32 || dtype == .float64
                    ? Int.random(in: -3...3, using: &draws)
                    : Int.random(in: 0..<12, using: &draws) == 0 ? 1 : 0
            }
            let flat = MLXArray(all.map { Float($0) }, [rows, columns]).asType(dtype)
            let wide = concatenated(
                [
                    turned ? flat.T : flat,
                    MLXArray.zeros([turned ? columns : rows, more])
                        .asType(dtype),
                ], axis: 1)
            let view = wide[0..., 0..<(turned ? rows : columns)]
            return (turned ? view.T : view, all)
        }
        let ((a, left), (b, right)) = (matrix(m, k), matrix(k, n))
        try checkedEval(a, b)
        var expected: [Float] = []
        for i in 0..<m {
            for j in 0..<n {
                expected.append(
                    Float((0..<k).reduce(0) { $0 + left[i * k + $1] * right[$1 * n + j] }))
            }
        }
        for device in Self.devices {
            let c = matmul(a, b, stream: .device(device)).asType(.float32)
            try checkedEval(c)
            #expect(
                c.asArray(Float.self) == expected, "seed \(seed), \(m) \(k) \(n) \(dtype)")
        }
    }

    @Test("many small arrays are joined as few large ones are") func joined() throws {
        var draws = Draws(state: 11)
        let parts = (0..<70).map { Self.whole([3, 1 + $0 % 4, 5], &draws).0 }
        for device in Self.devices {
            let all = concatenated(parts, axis: 1, stream: .device(device))
            try checkedEval(all)
            var start = 0
            for part in parts {
                let range = start..<start + part.dim(1)
                #expect((all[0..., range] .== part).all().item())
                start = range.upperBound
            }
            #expect(start == all.dim(1))
        }
    }
}
