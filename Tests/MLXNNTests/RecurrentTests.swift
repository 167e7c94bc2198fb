import MLX
import MLXNN
import Testing

/// Layers with gates against the same written step by step, for values and gradients.
@Suite("Recurrent layers with gates") struct RecurrentTests {
    /// (…, H) of every step, as the formulas say.
    private func composed(
        _ layer: LSTM, _ x: MLXArray, _ hidden: MLXArray? = nil, _ cell: MLXArray? = nil
    ) -> MLXArray {
        var (h, c) = (hidden, cell)
        let states = (0..<x.dim(-2)).map { step in
            var sums = matmul(x[.ellipsis, step, 0...], layer.wx.T)
            if let bias = layer.bias { sums = sums + bias }
            if let h { sums = sums + matmul(h, layer.wh.T) }
            let gates = split(sums, parts: 4, axis: -1)
            let new = sigmoid(gates[0]) * tanh(gates[2])
            c = c.map { sigmoid(gates[1]) * $0 + new } ?? new
            h = sigmoid(gates[3]) * tanh(c!)
            return h!
        }
        return stacked(states, axis: -2)
    }

    private func composed(_ layer: GRU, _ x: MLXArray, _ hidden: MLXArray? = nil) -> MLXArray {
        var h = hidden ?? MLXArray.zeros(x.shape.dropLast(2) + [layer.hiddenSize])
        let states = (0..<x.dim(-2)).map { step in
            var sums = matmul(x[.ellipsis, step, 0...], layer.wx.T)
            if let b = layer.b { sums = sums + b }
            let (own, stated) = (
                split(sums, parts: 3, axis: -1), split(matmul(h, layer.wh.T), parts: 3, axis: -1)
            )
            let inner = layer.bhn.map { stated[2] + $0 } ?? stated[2]
            let keep = sigmoid(own[1] + stated[1])
            let new = tanh(own[2] + sigmoid(own[0] + stated[0]) * inner)
            h = (1 - keep) * new + keep * h
            return h
        }
        return stacked(states, axis: -2)
    }

    private func normal(_ shape: [Int], _ seed: UInt64) -> MLXArray {
        MLXRandom.normal(shape, key: MLXRandom.key(seed))
    }

    /// Batches that threads divide, one row whose units they divide, a plain sequence, and one that
    /// takes more than a node.
    @Test(
        "values are those of the formulas",
        arguments: [
            ([5], 7, 3, 4), ([], 6, 8, 20), ([2, 3], 4, 5, 6), ([40], 3, 16, 70), ([1], 3, 4, 1024),
            ([2], 600, 3, 5),
        ])
    func values(lead: [Int], steps: Int, input: Int, width: Int) {
        let x = normal(lead + [steps, input], 1)
        let (h, c) = (normal(lead + [width], 2), normal(lead + [width], 3))
        for hasBias in [true, false] {
            let long = LSTM(inputSize: input, hiddenSize: width, bias: hasBias)
            #expect(allClose(long(x).0, composed(long, x), rtol: 1e-4, atol: 2e-5).item())
            let carried = long(x, hidden: h, cell: c)
            let wanted = composed(long, x, h, c)
            #expect(allClose(carried.0, wanted, rtol: 1e-4, atol: 2e-5).item())
            #expect(carried.1.shape == wanted.shape)
            let gated = GRU(inputSize: input, hiddenSize: width, bias: hasBias)
            #expect(allClose(gated(x), composed(gated, x), rtol: 1e-4, atol: 2e-5).item())
            let second = gated(x, hidden: h)
            #expect(allClose(second, composed(gated, x, h), rtol: 1e-4, atol: 2e-5).item())
        }
    }

    private func close(_ a: [MLXArray], _ b: [MLXArray]) -> Bool {
        zip(a, b).allSatisfy { allClose($0, $1, rtol: 1e-3, atol: 1e-4).item() }
    }

    @Test("gradients are those of the formulas", arguments: [([3], 5), ([], 4), ([2, 2], 3)])
    func gradients(lead: [Int], steps: Int) {
        let (input, width) = (4, 6)
        let x = normal(lead + [steps, input], 4)
        let (h, c) = (normal(lead + [width], 5), normal(lead + [width], 6))
        let weight = normal(lead + [steps, width], 7)
        let long = LSTM(inputSize: input, hiddenSize: width)
        let gated = GRU(inputSize: input, hiddenSize: width)
        func gradient(_ f: @escaping ([MLXArray]) -> MLXArray) -> [MLXArray] {
            grad(
                { (arrays: [MLXArray]) in [(f(arrays) * weight).sum()] },
                argumentNumbers: [0, 1, 2])(
                    [x, h, c])
        }
        #expect(
            close(
                gradient { long($0[0], hidden: $0[1], cell: $0[2]).0 },
                gradient { composed(long, $0[0], $0[1], $0[2]) }))
        #expect(
            close(
                gradient { gated($0[0], hidden: $0[1] + $0[2]) },
                gradient { composed(gated, $0[0], $0[1] + $0[2]) }))
        func parameters(_ model: Module, _ f: @escaping () -> MLXArray) -> [MLXArray] {
            valueAndGrad(model: model) { (_: Module, _: MLXArray, _: MLXArray) in
                (f() * weight).sum()
            }(model, x, x).1.flattenedValues()
        }
        #expect(
            close(parameters(long) { long(x).0 }, parameters(long) { self.composed(long, x) }))
        #expect(
            close(parameters(gated) { gated(x) }, parameters(gated) { self.composed(gated, x) }))
    }

    @Test(
        "half types are near float32, and keep their dtype", arguments: [DType.float16, .bfloat16])
    func halves(dtype: DType) {
        let layer = LSTM(inputSize: 8, hiddenSize: 16)
        let x = normal([3, 9, 8], 8)
        let wanted = layer(x).0
        layer.update(parameters: layer.mapParameters { $0.asType(dtype) })
        let half = layer(x.asType(dtype)).0
        #expect(half.dtype == dtype)
        #expect(allClose(half.asType(.float32), wanted, rtol: 0.05, atol: 0.02).item())
    }

    @Test("a function compiled for any length is right for another") func shapeless() {
        let long = LSTM(inputSize: 3, hiddenSize: 5)
        let gated = GRU(inputSize: 3, hiddenSize: 5)
        let both = compile(shapeless: true) { (x: MLXArray) in long(x).0 + gated(x) }
        let slope = compile(shapeless: true) { (x: MLXArray) in
            grad { (x: MLXArray) in (long(x).1 * gated(x)).sum() }(x)
        }
        for (rows, steps) in [(2, 4), (3, 4), (3, 7), (1, 1), (4, 300)] {
            let x = normal([rows, steps, 3], 9)
            let values = composed(long, x) + composed(gated, x)
            #expect(allClose(both(x), values, rtol: 1e-4, atol: 2e-5).item())
            let plain = grad { (x: MLXArray) in (long(x).1 * gated(x)).sum() }(x)
            #expect(allClose(slope(x), plain, rtol: 1e-4, atol: 2e-5).item())
        }
    }

    @Test("what does not fit is an error that says so") func misfits() throws {
        let layer = LSTM(inputSize: 3, hiddenSize: 5)
        #expect(throws: (any Error).self) { try checkedEval(layer(MLXArray.zeros([3])).0) }
        #expect(throws: (any Error).self) {
            try checkedEval(layer(MLXArray.zeros([2, 4, 3]), hidden: MLXArray.zeros([2, 4])).0)
        }
        #expect(throws: (any Error).self) {
            try checkedEval(layer(MLXArray.zeros([2, 4, 3]), cell: MLXArray.zeros([3, 5])).0)
        }
        #expect(layer(MLXArray.zeros([2, 0, 3])).0.shape == [2, 0, 5])
        #expect(layer(MLXArray.zeros([0, 4, 3])).1.shape == [0, 4, 5])
    }
}
