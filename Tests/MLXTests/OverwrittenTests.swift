import MLX
import Testing

/// Of several values written to one place the last one stays: the others have no derivative.
@Suite("Overwritten values") struct OverwrittenTests {
    private let a = MLXArray([1, 2, 3] as [Float])
    private let u = MLXArray([5, 7, 11] as [Float])

    private func gradients(
        _ f: @escaping (MLXArray, MLXArray) -> MLXArray, _ a: MLXArray, _ u: MLXArray
    ) -> ([Float], [Float]) {
        let (_, both) = valueAndGrad({ [square(f($0[0], $0[1])).sum()] }, argumentNumbers: [0, 1])(
            [a, u])
        return (both[0].asArray(Float.self), both[1].asArray(Float.self))
    }

    private func assigned(_ places: [Int32], axis: Int = 0) -> (MLXArray, MLXArray) -> MLXArray {
        { a, u in
            let result = a + 0
            result[MLXArray(places)] = u
            return result
        }
    }

    @Test("assignment by index arrays") func assignment() {
        let (da, du) = gradients(assigned([0, 0, 1]), a, u)
        #expect(da == [0, 0, 6])
        #expect(du == [0, 14, 22])
        // Negative places are the same places.
        let (_, ends) = gradients(assigned([2, -1, 0]), a, u)
        #expect(ends == [0, 14, 22])
    }

    @Test("forward mode") func tangents() {
        let f = assigned([0, 0, 1])
        let (_, slopes) = jvp(
            { [f($0[0], $0[1])] }, primals: [a, u],
            tangents: [MLXArray([1, 1, 1] as [Float]), MLXArray([2, 3, 4] as [Float])])
        #expect(slopes[0].asArray(Float.self) == [3, 4, 1])
    }

    @Test("windows are overwritten whole") func windows() {
        let rows = MLXArray(0..<12, [4, 3]).asType(.float32)
        let values = MLXArray(1..<10, [3, 3]).asType(.float32)
        let (da, du) = gradients(assigned([3, 1, 3]), rows, values)
        #expect(da == [0, 2, 4, 0, 0, 0, 12, 14, 16, 0, 0, 0])
        #expect(du == [0, 0, 0, 8, 10, 12, 14, 16, 18])
    }

    @Test("two index arrays and a broadcast value") func pairs() {
        let x = MLXArray.ones([2, 2])
        let f = { (a: MLXArray, u: MLXArray) -> MLXArray in
            let result = a + 0
            result[MLXArray([0, 0, 1] as [Int32]), MLXArray([1, 1, 0] as [Int32])] = u
            return result
        }
        let (_, du) = gradients(f, x, MLXArray([3, 4, 5] as [Float]))
        #expect(du == [0, 8, 10])
        // One value for all places is used once for each place that keeps it.
        let (_, one) = gradients(f, x, MLXArray(3 as Float))
        #expect(one == [12])
    }

    @Test("putAlong, along both axes and mapped") func putAlongAxis() {
        let x = MLXArray(0..<6, [2, 3]).asType(.float32)
        let places = MLXArray([0, 0, 2, 1, 1, 1] as [Int32], [2, 3])
        let values = MLXArray(1..<7, [2, 3]).asType(.float32)
        let f = { (a: MLXArray, u: MLXArray) in putAlong(a, places, values: u, axis: 1) }
        let (da, du) = gradients(f, x, values)
        #expect(da == [0, 2, 0, 6, 0, 10])
        #expect(du == [0, 4, 6, 0, 0, 12])
        let (_, slopes) = jvp(
            { [f($0[0], $0[1])] }, primals: [x, values],
            tangents: [MLXArray.zeros(like: x), MLXArray.ones(like: x)])
        #expect(slopes[0].asArray(Float.self) == [1, 0, 1, 0, 1, 0])
    }

    @Test("under vmap each element has its own winners") func mapped() {
        let batch = MLXArray([0, 0, 1, 2, 1, 1] as [Int32], [2, 3])
        let f = vmap(
            { (inputs: [MLXArray]) -> [MLXArray] in
                let gradient = grad { (u: MLXArray) -> MLXArray in
                    let result = MLXArray.zeros([3]) + u[0] * 0
                    result[inputs[0]] = u
                    return square(result).sum()
                }
                return [gradient(inputs[1])]
            }, inAxes: [0, 0])
        let u = MLXArray([5, 7, 11, 5, 7, 11] as [Float], [2, 3])
        #expect(f([batch, u])[0].asArray(Float.self) == [0, 14, 22, 10, 0, 22])
    }

    @Test("as many writes as are shared out over a team") func many() {
        let count = 200_000
        let places = (0..<count).map { Int32(($0 * 7919) % 5003) }
        var last = [Int](repeating: -1, count: 5003)
        for (number, place) in places.enumerated() { last[Int(place)] = number }
        let kept = Set(last)
        let gradient = grad { (u: MLXArray) -> MLXArray in
            let result = MLXArray.zeros([5003]) + u[0] * 0
            result[MLXArray(places)] = u
            return result.sum()
        }(MLXArray.ones([count])).asArray(Float.self)
        #expect(gradient.enumerated().allSatisfy { ($1 == 1) == kept.contains($0) })
    }

    @Test("half precision and complex numbers", arguments: [DType.float16, .bfloat16, .complex64])
    func types(dtype: DType) {
        let f = assigned([0, 0, 1])
        let (_, both) = vjp(
            { [f($0[0], $0[1])] }, primals: [a.asType(dtype), u.asType(dtype)],
            cotangents: [MLXArray([2, 3, 4] as [Float]).asType(dtype)])
        #expect(both[1].asType(.float32).asArray(Float.self) == [0, 2, 3])
        #expect(both[0].asType(.float32).asArray(Float.self) == [0, 0, 4])
    }
}
