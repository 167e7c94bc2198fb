import MLX
import Testing

/// `MLXArray.mlxNone`: nil for what is optional, an error for everything else.
@Suite("No array") struct NoneTests {
    private let x = MLXArray([1, 2, 3, -4] as [Float], [2, 2])
    private let none = MLXArray.mlxNone

    private func expectEqual(_ a: MLXArray, _ b: MLXArray) {
        #expect(a.asType(.float32).asArray(Float.self) == b.asType(.float32).asArray(Float.self))
    }

    @Test("norms") func norms() {
        expectEqual(
            MLXFast.rmsNorm(x, weight: none, eps: 1e-5),
            MLXFast.rmsNorm(x, weight: MLXArray.ones([2]), eps: 1e-5))
        expectEqual(
            MLXFast.layerNorm(x, weight: none, bias: none, eps: 1e-5),
            MLXFast.layerNorm(x, eps: 1e-5))
    }

    @Test("attention and rotary positions") func attention() {
        let q = x.reshaped([1, 1, 2, 2])
        func attend(_ mask: MLXArray?, _ sinks: MLXArray?) -> MLXArray {
            MLXFast.scaledDotProductAttention(
                queries: q, keys: q, values: q, scale: 1, mask: mask, sinks: sinks)
        }
        expectEqual(attend(none, none), attend(nil, nil))
        expectEqual(
            MLXFast.scaledDotProductAttention(
                queries: q, keys: q, values: q, scale: 1, mask: .array(none)), attend(nil, nil))
        func turn(_ freqs: MLXArray?) -> MLXArray {
            MLXFast.RoPE(
                q, dimensions: 2, traditional: false, base: 100, scale: 1, offset: 1,
                freqs: freqs)
        }
        expectEqual(turn(none), turn(nil))
    }

    @Test("quantized and indexed products, padding") func products() {
        let w = MLXArray((0..<128).map { Float($0 % 7) }, [2, 64])
        let row = MLXArray.ones([1, 64])
        let codes = quantized(w, groupSize: 32, bits: 4, mode: .mxfp4, globalScale: none)
        let plain = quantized(w, groupSize: 32, bits: 4, mode: .mxfp4)
        expectEqual(codes.scales, plain.scales)
        func product(_ biases: MLXArray?) -> MLXArray {
            quantizedMM(
                row, plain.wq, scales: plain.scales, biases: biases, groupSize: 32, bits: 4,
                mode: .mxfp4)
        }
        expectEqual(product(none), product(nil))
        expectEqual(
            dequantized(
                plain.wq, scales: plain.scales, biases: none, groupSize: 32, bits: 4, mode: .mxfp4),
            dequantized(
                plain.wq, scales: plain.scales, biases: nil, groupSize: 32, bits: 4, mode: .mxfp4))
        expectEqual(gatherMM(x, x, lhsIndices: none, rhsIndices: none), matmul(x, x))
        expectEqual(blockMaskedMM(x, x, maskOut: none), matmul(x, x))
        expectEqual(padded(x, width: 1, value: none), padded(x, width: 1))
    }

    @Test("gradients of a function that is given none") func gradients() {
        let function = { (inputs: [MLXArray]) in
            [MLXFast.rmsNorm(inputs[0], weight: inputs[1], eps: 1e-5).sum()]
        }
        let plain = grad { (x: MLXArray) in
            MLXFast.rmsNorm(x, weight: MLXArray.ones([2]), eps: 1e-5).sum()
        }(x)
        expectEqual(grad(function)([x, none])[0], plain)
        expectEqual(grad(function, argumentNumbers: [0, 1])([x, none])[0], plain)
        let tangent = jvp(function, primals: [x, none], tangents: [x, MLXArray(0 as Float)]).1[0]
        #expect(throws: Never.self) { try checkedEval(tangent) }
    }

    @Test("other operations say what it is") func errors() {
        for array in [
            none + 1, matmul(x, none), exp(none), concatenated([x, none]), none,
            MLXFast.rmsNorm(none, weight: MLXArray.ones([2]), eps: 1e-5),
        ] {
            let error = #expect(throws: ArrayError.self) { try checkedEval(array) }
            #expect(error?.operation == "mlxNone" && error?.kind == .argument)
        }
        // Having it is no error; nothing is wrong before it is used.
        #expect(throws: Never.self) { try withError { _ = MLXArray.mlxNone } }
        #expect("\(none)" == "array(<[mlxNone] stands for no array, and the operation needs one>)")
    }
}
