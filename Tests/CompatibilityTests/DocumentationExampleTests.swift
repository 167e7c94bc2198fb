import MLX
import Testing

/// What the examples in the comments of creation, shape, reduction and product functions say.
@Suite("Examples in comments") struct DocumentationExampleTests {
    private let m = MLXArray([1, 2, 3, 4] as [Float], [2, 2])

    @Test("Creation") func creation() {
        #expect(zeros([2, 3]).dtype == .float32 && zeros([2, 3], type: Int32.self).dtype == .int32)
        #expect(ones([2, 3], dtype: .float16).sum().item(Float.self) == 6)
        #expect(eye(2, m: 3, k: 1).asArray(Int.self) == [0, 1, 0, 0, 0, 1])
        #expect(tri(3).asArray(Int.self) == [1, 0, 0, 1, 1, 0, 1, 1, 1])
        #expect(linspace(0, 10, count: 5).asArray(Float.self) == [0, 2.5, 5, 7.5, 10])
        #expect(linspace(0.0, 1.0, count: 3).asArray(Float.self) == [0, 0.5, 1])
        #expect(arange(4).asArray(Int.self) == [0, 1, 2, 3] && arange(4).dtype == .int32)
        #expect(arange(-4).size == 0)
        #expect(arange(5, 0, step: -2).asArray(Int.self) == [5, 3, 1])
        #expect(arange(0.0, 1.0, step: 0.25).asArray(Float.self) == [0, 0.25, 0.5, 0.75])
        #expect(full([2, 2], values: 7, type: Int32.self).asArray(Int.self) == [7, 7, 7, 7])
        let rows = full([2, 3], values: MLXArray([1, 2, 3]))
        #expect(rows.asArray(Int.self) == [1, 2, 3, 1, 2, 3])
        #expect(throws: (any Error).self) { try checkedEval(arange(0, 5, step: 0)) }
        #expect(throws: (any Error).self) { try checkedEval(zeros([-1])) }
    }

    @Test("Reductions") func reductions() {
        #expect(sum(m, axis: 0).asArray(Float.self) == [4, 6])
        #expect(product(m, axis: 0).asArray(Float.self) == [3, 8])
        #expect(max(m, axis: 1).asArray(Float.self) == [2, 4])
        #expect(min(m, axis: 1).asArray(Float.self) == [1, 3])
        #expect(all(m .> 1, axis: 1).asArray(Bool.self) == [false, true])
        #expect(any(m .> 3, axis: 1).asArray(Bool.self) == [false, true])
        #expect(abs(logSumExp(m, axis: 1)[0].item(Float.self) - 2.3133) < 1e-4)
        #expect(mean(m, axis: 0).asArray(Float.self) == [2, 3])
        #expect(variance(m, axis: 0).asArray(Float.self) == [1, 1])
        #expect(std(m, axis: 0).asArray(Float.self) == [1, 1])
        #expect(argMax(MLXArray([3, 9, 9]), axis: 0).item(Int.self) == 1)
        #expect(argMin(MLXArray([3, 1, 1]), axis: 0).item(Int.self) == 1)
        #expect(softmax(MLXArray([0, 0] as [Float]), axis: 0).asArray(Float.self) == [0.5, 0.5])
        #expect(sum(m, axes: [Int]()).shape == [2, 2])
        #expect(sum(MLXArray([250, 250] as [UInt8])).item(Int.self) == 500)
        #expect(sum(MLXArray([true, true])).dtype == .int32)
        #expect(product(zeros([0])).item(Int.self) == 1 && sum(zeros([0])).item(Int.self) == 0)
        #expect(mean(zeros([0])).item(Float.self).isNaN)
        #expect(throws: (any Error).self) { try checkedEval(max(zeros([0]))) }
        #expect(throws: (any Error).self) { try checkedEval(sum(m, axes: [0, 0])) }
    }

    @Test("Shapes and joining") func shapes() {
        #expect(reshaped(arange(6), [2, -1]).shape == [2, 3])
        #expect(flattened(zeros([2, 3, 4]), start: 1).shape == [2, 12])
        #expect(unflatten(zeros([6, 5]), axis: 0, shape: [2, 3]).shape == [2, 3, 5])
        #expect(expandedDimensions(zeros([3]), axes: [0, 2]).shape == [1, 3, 1])
        #expect(expandedDimensions(zeros([3]), axis: -1).shape == [3, 1])
        #expect(squeezed(zeros([1, 3, 1]), axes: [0]).shape == [3, 1])
        #expect(transposed(zeros([2, 3, 4]), axes: [2, 0, 1]).shape == [4, 2, 3])
        #expect(swappedAxes(zeros([2, 3, 4]), 0, -1).shape == [4, 3, 2])
        #expect(movedAxis(zeros([2, 3, 4]), source: 0, destination: 2).shape == [3, 4, 2])
        #expect(broadcast(arange(3), to: [2, 3]).asArray(Int.self) == [0, 1, 2, 0, 1, 2])
        #expect(concatenated([zeros([2, 3]), ones([2, 1])], axis: 1).shape == [2, 4])
        #expect(stacked([zeros([3]), ones([3])]).shape == [2, 3])
        #expect(split(arange(6), parts: 3).map { $0.asArray(Int.self) } == [[0, 1], [2, 3], [4, 5]])
        let parts = split(arange(6), indices: [1, 4])
        #expect(parts.map { $0.asArray(Int.self) } == [[0], [1, 2, 3], [4, 5]])
        #expect(padded(ones([2]), width: 1).asArray(Int.self) == [0, 1, 1, 0])
        #expect(padded(ones([2, 2]), widths: [0, [1, 2]]).shape == [2, 5])
        #expect(repeated(arange(2), count: 2, axis: 0).asArray(Int.self) == [0, 0, 1, 1])
        let tiles = tiled(arange(2), repetitions: [2, 2])
        #expect(tiles.asArray(Int.self) == [0, 1, 0, 1, 0, 1, 0, 1])
    }

    @Test("Pairs of elements") func pairs() {
        #expect(add(MLXArray([1, 2]), 10).asArray(Int.self) == [11, 12])
        #expect(divide(MLXArray([1, 2]), 2).asArray(Float.self) == [0.5, 1])
        #expect(remainder(MLXArray([-7, 7]), 3).asArray(Int.self) == [2, 1])
        #expect(floorDivide(MLXArray([-7, 7]), 2).asArray(Int.self) == [-4, 3])
        let angle = atan2(MLXArray(1 as Float), MLXArray(1 as Float)).item(Float.self)
        #expect(abs(angle - .pi / 4) < 1e-6)
        let one = MLXArray(1 as Float)
        #expect(grad { maximum($0, one) }(one).item(Float.self) == 0)
        #expect(throws: (any Error).self) { try checkedEval(leftShift(ones([2]), 1)) }
    }

    @Test("Products and picking") func products() {
        #expect(matmul(ones([2, 3]), ones([3, 4])).shape == [2, 4])
        #expect(matmul(ones([3]), ones([3])).item(Float.self) == 3)
        #expect(outer(MLXArray([1, 2]), MLXArray([3, 4])).asArray(Int.self) == [3, 4, 6, 8])
        let (a, b) = (MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float]))
        #expect(inner(a, b).item(Float.self) == 11)
        #expect(tensordot(ones([2, 3, 4]), ones([3, 4, 5]), axes: 2).shape == [2, 5])
        let numbers = arange(6).reshaped(2, 3)
        let columns = take(numbers, MLXArray([2, 0]), axis: 1)
        #expect(columns.asArray(Int.self) == [2, 0, 5, 3])
        let best = takeAlong(numbers, argMax(numbers, axis: 1, keepDims: true), axis: 1)
        #expect(best.asArray(Int.self) == [2, 5] && best.shape == [2, 1])
        #expect(throws: (any Error).self) {
            try checkedEval(matmul(arange(4).reshaped(2, 2), arange(4).reshaped(2, 2)))
        }
        #expect(throws: (any Error).self) { try checkedEval(negative(MLXArray([true]))) }
    }
}
