import MLX
import MLXGraph
import MLXOps
import Testing

/// `withPrecision`: products in int8 where the tolerance allows, as they are elsewhere.
@Suite("Reduced precision") struct ReducedPrecisionTests {
    private func operands(_ m: Int, _ k: Int, _ n: Int) -> (MLXArray, MLXArray) {
        let (a, b) = MLXRandom.split(key: MLXRandom.key(UInt64(m * k + n)))
        let (x, w) = (MLXRandom.normal([m, k], key: a), MLXRandom.normal([n, k], key: b))
        eval(x, w)
        return (x, w)
    }

    /// The largest |y' - y| / (‖x‖₂ ‖w‖₂).
    private func error(_ y: MLXArray, _ x: MLXArray, _ w: MLXArray) -> Float {
        let exact = matmul(x.asType(.float64), w.T.asType(.float64))
        let sizes = outer(
            sqrt(square(x.asType(.float64)).sum(axis: 1)),
            sqrt(square(w.asType(.float64)).sum(axis: 1)))
        return (abs(y.asType(.float64) - exact) / sizes).max().item(Float.self)
    }

    @Test("a product is rounded on the npu where its bound is within, and nowhere else")
    func tolerance() throws {
        let (x, w) = operands(64, 256, 96)
        let bound = ReducedPrecision.int8.errorBound(terms: 256)
        #expect(bound > 0.06 && bound < 0.08)
        let exact = matmul(x, w.T)
        let (within, rounded) = withPrecision(.int8, tolerance: bound + 1e-6) {
            (matmul(x, w.T), matmul(x, w.T, stream: .npu))
        }
        let limit = Float(bound)
        #expect(error(within, x, w) <= limit)
        #expect(error(rounded, x, w) <= limit && error(rounded, x, w) > 1e-5)
        let beyond = withPrecision(.int8, tolerance: bound * 0.99) {
            matmul(x, w.T, stream: .npu)
        }
        #expect(error(beyond, x, w) < 1e-6)
        #expect(arrayEqual(withPrecision(.int8, tolerance: 0) { matmul(x, w.T) }, exact).item())
    }

    @Test("explain names the bound of a product that is not rounded, and what others cost")
    func explanation() throws {
        let (x, w) = operands(64, 256, 96)
        let refused = withPrecision(.int8, tolerance: 0.01) { matmul(x, w.T) }
        let text = try explain(refused)
        #expect(text.contains("because npu may be off by 0.071, more than 0.01"), "\(text)")
        let allowed = withPrecision(.int8, tolerance: 0.1) { matmul(x, w.T) }
        let placed = try explain(allowed)
        #expect(placed.contains("npu "), "\(placed)")
        let pinned = withPrecision(.int8, tolerance: 0.01) { matmul(x, w.T, stream: .npu) }
        #expect(try explain(pinned).contains("because npu may be off by"))
    }

    @Test("layers, vectors, batches on the left and halves are products too")
    func kinds() throws {
        let (x, w) = operands(12, 64, 40)
        func layer(_ x: MLXArray) -> MLXArray { addMM(MLXArray.ones([40]), x, w.T) }
        let dense = withPrecision(.int8, tolerance: 1) { using(device: .npu) { layer(x) } }
        let difference = abs(dense - layer(x)).max().item(Float.self)
        #expect(difference > 0 && difference < 1)
        let row = withPrecision(.int8, tolerance: 1) { matmul(x[0], w.T, stream: .npu) }
        #expect(row.shape == [40])
        #expect(allClose(row, matmul(x[0], w.T), rtol: 0, atol: 1).item())
        let batch = x.reshaped([3, 4, 64])
        let many = withPrecision(.int8, tolerance: 1) { matmul(batch, w.T, stream: .npu) }
        #expect(many.shape == [3, 4, 40])
        #expect(allClose(many, matmul(batch, w.T), rtol: 0, atol: 1).item())
        for dtype in [DType.float16, .bfloat16] {
            let (a, b) = (x.asType(dtype), w.asType(dtype))
            let y = withPrecision(.int8, tolerance: 1) { matmul(a, b.T, stream: .npu) }
            #expect(y.dtype == dtype)
            #expect(
                error(y, a, b) <= Float(ReducedPrecision.int8.errorBound(terms: 64, dtype: dtype)))
        }
    }

    @Test("what cannot be rounded is computed as it is")
    func others() {
        let (x, w) = operands(6, 8, 5)
        func same(_ product: () -> MLXArray) -> Bool {
            arrayEqual(withPrecision(.int8, tolerance: 1, product), product()).item()
        }
        #expect(same { matmul(x.asType(.float64), w.T.asType(.float64)) })
        #expect(same { matmul(x.asType(.complex64), w.T) })
        #expect(same { matmul(x, w.T.asType(.float16)) })
        #expect(same { matmul(x.reshaped([2, 3, 8]), stacked([w.T, w.T])) })
        #expect(same { matmul(x, w[0]) })
        #expect(same { matmul(MLXArray.zeros([3, 0]), MLXArray.zeros([0, 2])) })
    }

    @Test("convolutions of images and of sequences")
    func convolutions() {
        let x = MLXRandom.normal([2, 9, 8, 4], key: MLXRandom.key(1))
        let w = MLXRandom.normal([6, 3, 3, 2], key: MLXRandom.key(2))
        let exact = conv2d(x, w, stride: 2, padding: 1, groups: 2)
        let rounded = withPrecision(.int8, tolerance: 1) {
            conv2d(x, w, stride: 2, padding: 1, groups: 2, stream: .npu)
        }
        let difference = abs(exact - rounded).max().item(Float.self)
        #expect(difference > 0 && difference < 0.5)
        let kernel = w.reshaped([6, 9, 2])
        let signal = x.reshaped([2, 72, 4])
        let line = conv1d(signal, kernel, padding: 2, groups: 2)
        let roundedLine = withPrecision(.int8, tolerance: 1) {
            conv1d(signal, kernel, padding: 2, groups: 2, stream: .npu)
        }
        let change = abs(line - roundedLine).max().item(Float.self)
        #expect(line.shape == roundedLine.shape && change > 0 && change < 0.5)
    }

    @Test("derivatives are those of exact products; maps and compiled functions agree")
    func transforms() throws {
        let (x, w) = operands(5, 32, 7)
        func loss(_ x: MLXArray, _ w: MLXArray) -> MLXArray {
            withPrecision(.int8, tolerance: 1) { matmul(x, w.T, stream: .npu) }.sum()
        }
        let found = grad({ (p: [MLXArray]) in [loss(p[0], p[1])] }, argumentNumbers: [0, 1])([x, w])
        let wanted = grad(
            { (p: [MLXArray]) in [matmul(p[0], p[1].T).sum()] }, argumentNumbers: [0, 1])([x, w])
        #expect(zip(found, wanted).allSatisfy { allClose($0, $1, rtol: 1e-5, atol: 1e-5).item() })
        let (_, tangents) = jvp(
            { [loss($0[0], w)] }, primals: [x], tangents: [MLXArray.ones([5, 32])])
        let sum = w.sum() * 5
        #expect(allClose(tangents[0], sum, rtol: 1e-4).item())

        let rows = withPrecision(.int8, tolerance: 1) {
            vmap({ matmul($0.reshaped([1, 32]), w.T, stream: .npu) })(x)
        }
        let all = withPrecision(.int8, tolerance: 1) { matmul(x, w.T, stream: .npu) }
        #expect(arrayEqual(rows.squeezed(axis: 1), all).item())

        let compiled = compile { (x: MLXArray) in matmul(x, w.T, stream: .npu) }
        let plain = compiled(x)
        let inside = withPrecision(.int8, tolerance: 1) { compiled(x) }
        #expect(arrayEqual(inside, all).item() && !arrayEqual(inside, plain).item())
        #expect(arrayEqual(compiled(x), plain).item())
    }

    @Test("scopes nest, end, and reach what is awaited in them")
    func scopes() async throws {
        let (x, w) = operands(5, 32, 7)
        let exact = matmul(x, w.T)
        let nested = withPrecision(.int8, tolerance: 1) {
            withPrecision(.int8, tolerance: 0) { matmul(x, w.T, stream: .npu) }
        }
        #expect(allClose(nested, exact).item())
        let awaited = await withPrecision(.int8, tolerance: 1) { () async -> MLXArray in
            await Task.yield()
            return matmul(x, w.T, stream: .npu)
        }
        #expect(!allClose(awaited, exact, rtol: 1e-6, atol: 1e-6).item())
        #expect(allClose(matmul(x, w.T, stream: .npu), exact).item())
    }

    @Test("a tolerance that is none is a typed error", arguments: [-0.5, .nan, -.infinity])
    func badTolerance(value: Double) {
        let (x, w) = operands(2, 8, 3)
        #expect(throws: MLXError.self) {
            try withError { eval(withPrecision(.int8, tolerance: value) { matmul(x, w.T) }) }
        }
    }

    @Test("a file cannot ask for rounding beyond its tolerance")
    func hostileWords() {
        let (x, w) = operands(2, 8, 3)
        for words in [[10, 1], [-1, 0], [0, 2], [0], [0, 0, 0], []] {
            #expect(throws: MLXError.self, "\(words)") {
                try withError {
                    eval(Ops.record(.limitedMatmul, [x, w.T], Attributes(words: words)))
                }
            }
        }
    }
}
