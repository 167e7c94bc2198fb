import MLX
import Testing

/// Known answers of functions that are compositions of others: diagonals and triangles, tensor
/// products, grids and windows, one-dimensional and transposed convolutions.
@Suite("Compositions") struct CompositionTests {
    let matrix = MLXArray(0 ..< 12, [3, 4])

    @Test("triangles and diagonals") func diagonals() {
        #expect(tril(matrix).sum().item(Int.self) == 0 + 4 + 5 + 8 + 9 + 10)
        #expect(triu(matrix, k: 1).asArray(Int.self) == [0, 1, 2, 3, 0, 0, 6, 7, 0, 0, 0, 11])
        let nan = triu(MLXArray([Float.nan, 1, .nan, 2], [2, 2]), k: 1).asArray(Float.self)
        #expect(nan == [0, 1, 0, 0])
        #expect(diagonal(matrix).asArray(Int.self) == [0, 5, 10])
        #expect(diagonal(matrix, offset: 2).asArray(Int.self) == [2, 7])
        #expect(matrix.diagonal(offset: -1).asArray(Int.self) == [4, 9])
        #expect(diagonal(matrix, offset: 9).shape == [0])
        #expect(diagonal(matrix, offset: .min).shape == [0])
        #expect(diagonal(MLXArray(0 ..< 24, [2, 3, 4]), axis1: 0, axis2: 2).shape == [3, 2])
        #expect(diag(MLXArray([1, 2]), k: 1).asArray(Int.self) == [0, 1, 0, 0, 0, 2, 0, 0, 0])
        #expect(diag(MLXArray([1, 2]), k: -1).asArray(Int.self) == [0, 0, 0, 1, 0, 0, 0, 2, 0])
        #expect(matrix.diag(k: 1).asArray(Int.self) == [1, 6, 11])
        #expect(trace(matrix).item(Int.self) == 15)
        #expect(trace(matrix.asType(.int8)).dtype == .int32)
        #expect(trace(matrix, offset: 1, dtype: .float32).item(Float.self) == 18)
        let slope = grad { (x: MLXArray) in trace(x) }(matrix.asType(.float32))
        #expect(slope.arrayEqual(MLXArray.eye(3, m: 4)).item(Bool.self))
    }

    @Test("products") func products() {
        let a = MLXArray([1, 2] as [Float])
        let b = MLXArray([3, 4, 5] as [Float])
        #expect(outer(a, b).asArray(Float.self) == [3, 4, 5, 6, 8, 10])
        #expect(inner(a, a).item(Float.self) == 5)
        #expect(inner(a, MLXArray(2 as Float)).asArray(Float.self) == [2, 4])
        let x = MLXArray(0 ..< 24, [2, 3, 4]).asType(.float32)
        let y = MLXArray(0 ..< 12, [4, 3]).asType(.float32)
        #expect(tensordot(x, y).shape == [2, 3, 3])
        #expect(tensordot(x, y, axes: ([2], [0])).arrayEqual(tensordot(x, y)).item())
        #expect(
            tensordot(x, y, axes: ((1, 2), (1, 0))).asArray(Float.self) == [440, 1232])
        #expect(tensordot(a, b, axes: 0).shape == [2, 3])
        #expect(
            kron(MLXArray([1, 2]), MLXArray([1, 10])).asArray(Int.self) == [1, 10, 2, 20])
        #expect(kron(MLXArray.eye(2), MLXArray.ones([1, 2])).shape == [2, 4])
        #expect(throws: MLXError.self) { try withError { _ = tensordot(x, a) } }
    }

    @Test("grids, rolling, windows") func grids() {
        let grid = meshGrid([MLXArray([1, 2]), MLXArray([3, 4, 5])])
        #expect(grid.map(\.shape) == [[3, 2], [3, 2]])
        #expect(grid[1].asArray(Int.self) == [3, 3, 4, 4, 5, 5])
        #expect(meshGrid(grid, sparse: true, indexing: .ij).map(\.shape) == [[6, 1], [1, 6]])
        #expect(roll(MLXArray([1, 2, 3]), shift: 1).asArray(Int.self) == [3, 1, 2])
        #expect(roll(MLXArray([1, 2, 3]), shift: -4, axis: 0).asArray(Int.self) == [2, 3, 1])
        #expect(roll(matrix, shift: 1)[0, 0].item(Int.self) == 11)
        #expect(roll(matrix, shift: 1, axes: [0, 1])[0, 0].item(Int.self) == 11)
        #expect(hanning(5).allClose(MLXArray(converting: [0, 0.5, 1, 0.5, 0]), atol: 1e-6).item())
        #expect(
            hamming(3).allClose(MLXArray(converting: [0.08, 1, 0.08]), atol: 1e-6).item())
        #expect(
            bartlett(5).allClose(MLXArray(converting: [0, 0.5, 1, 0.5, 0]), atol: 1e-6).item())
        #expect(blackman(3).allClose(MLXArray(converting: [0, 1, 0]), atol: 1e-6).item())
        #expect(hanning(0).shape == [0])
        #expect(blackman(1).asArray(Float.self) == [1])
    }

    @Test("windows of any strides") func strided() {
        #expect(asStrided(matrix, [2, 2], strides: [4, 1], offset: 5).asArray(Int.self)
            == [5, 6, 9, 10])
        #expect(asStrided(matrix, [4], strides: [-1], offset: 3).asArray(Int.self) == [3, 2, 1, 0])
        #expect(asStrided(matrix.T, [3]).asArray(Int.self) == [0, 4, 8])
        #expect(throws: MLXError.self) {
            try withError { _ = asStrided(matrix, [2], strides: [.max]) }
        }
        #expect(throws: MLXError.self) {
            try withError { _ = asStrided(matrix, [13], strides: [1]) }
        }
    }

    @Test("convolutions") func convolutions() {
        func line(_ values: [Float]) -> MLXArray { MLXArray(values, [1, values.count, 1]) }
        let x = line([0, 1, 2])
        let w = line([1, 2, 3])
        #expect(
            convTransposed1d(x, w, stride: 2).asArray(Float.self) == [0, 0, 1, 2, 5, 4, 6])
        #expect(
            convTransposed1d(x, w, stride: 2, padding: 1, outputPadding: 1).asArray(Float.self)
                == [0, 1, 2, 5, 4, 6])
        let signal = line([0, 1, 2, 3, 4])
        let pick = line([1, 0, 0])
        #expect(conv1d(signal, pick).asArray(Float.self) == [0, 1, 2])
        #expect(convGeneral(signal, pick, flip: true).asArray(Float.self) == [2, 3, 4])
        #expect(convGeneral(signal, pick, padding: (2, 0)).asArray(Float.self) == [0, 0, 0, 1, 2])
        let a = MLXArray([1, 2, 3] as [Float])
        let b = MLXArray([0, 1, 0.5] as [Float])
        #expect(convolve(a, b).asArray(Float.self) == [0, 1, 2.5, 4, 1.5])
        #expect(convolve(a, b, mode: .same).asArray(Float.self) == [1, 2.5, 4])
        #expect(convolve(a, b, mode: .valid).asArray(Float.self) == [2.5])
        #expect(
            convTransposed2d(MLXArray.ones([1, 2, 2, 1]), MLXArray.ones([1, 2, 2, 1])).asArray(
                Float.self) == [1, 2, 1, 2, 4, 2, 1, 2, 1])
        #expect(throws: MLXError.self) { try withError { _ = conv1d(a, b) } }
        #expect(a.l2Normalized().square().sum().item(Float.self) > 0.9999)
    }
}
