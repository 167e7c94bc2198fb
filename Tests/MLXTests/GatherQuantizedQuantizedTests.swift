import MLX
import MLXBase
import Testing

/// Products of matrices that indices choose, both in codes, against one product for each pair.
@Suite("Products of chosen codes") struct GatherQuantizedQuantizedTests {
    private let x = MLXRandom.normal([3, 2, 64], key: MLXRandom.key(0))
    private let w = MLXRandom.normal([4, 32, 64], key: MLXRandom.key(1))
    private let left = MLXArray([2, 0, 1] as [Int32])
    private let right = MLXArray([1, 3, 3] as [Int32])

    private func expected(_ mode: QuantizationMode) -> MLXArray {
        stacked(
            [(2, 1), (0, 3), (1, 3)].map {
                quantizedQuantizedMM(x[$0.0], w[$0.1], scales: nil, mode: mode)
            })
    }

    @Test(arguments: [QuantizationMode.nvfp4, .mxfp8]) func products(
        _ mode: QuantizationMode
    ) {
        let (codes, scales, _) = quantized(w, mode: mode)
        let floats = gatherQuantizedQuantizedMM(
            x, w, lhsIndices: left, rhsIndices: right, mode: mode)
        let packed = gatherQuantizedQuantizedMM(
            x, codes, scales: scales, lhsIndices: left, rhsIndices: right, mode: mode)
        #expect(floats.shape == [3, 2, 32])
        #expect(allClose(floats, expected(mode), rtol: 1e-4, atol: 1e-4).item(Bool.self))
        #expect(allClose(packed, expected(mode), rtol: 1e-4, atol: 1e-4).item(Bool.self))
    }

    @Test func withoutIndicesMatricesGoInOrder() {
        let all = gatherQuantizedQuantizedMM(x, w[..<3], mode: .mxfp8)
        let first = quantizedQuantizedMM(x[1], w[1], scales: nil, mode: .mxfp8)
        #expect(allClose(all[1], first, rtol: 1e-4, atol: 1e-4).item(Bool.self))
    }

    @Test func whatDoesNotFitIsAnError() {
        let scale = MLXArray(1 as Float)
        for wrong in [
            gatherQuantizedQuantizedMM(x, w, mode: .affine),
            gatherQuantizedQuantizedMM(x[0, 0], w, mode: .mxfp8),
            gatherQuantizedQuantizedMM(x, w, mode: .nvfp4, globalScaleX: scale),
        ] {
            #expect(throws: ArrayError.self) { try checkedEval([wrong]) }
        }
    }
}
