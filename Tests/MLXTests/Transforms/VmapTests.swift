import Foundation
import MLX
import Testing

/// What vmap promises about axes, random numbers, captured arrays and errors.
@Suite("vmap") struct VmapTests {
    private let matrix = MLXArray(0..<6, [2, 3]).asType(.float32)

    @Test("axes in and out") func axes() {
        let rows = vmap { (x: MLXArray) in x * 2 }(matrix)
        #expect(rows.asArray(Float.self) == (matrix * 2).asArray(Float.self))
        let columns = vmap({ (x: MLXArray) in x.sum() }, inAxes: 1)(matrix)
        #expect(columns.asArray(Float.self) == matrix.sum(axis: 0).asArray(Float.self))
        let out = vmap({ (x: MLXArray) in x + 1 }, inAxes: 0, outAxes: 1)(matrix)
        #expect(out.shape == [3, 2])
        #expect(out.asArray(Float.self) == (matrix + 1).T.asArray(Float.self))
        let last = vmap({ (x: MLXArray) in x }, inAxes: -1, outAxes: -1)(matrix)
        #expect(last.asArray(Float.self) == matrix.asArray(Float.self))
    }

    @Test("an output that no mapped argument reaches is repeated, or left alone") func constant() {
        let one = MLXArray(1 as Float)
        let results = vmap({ [$0[0], one] })([matrix])
        #expect(results[1].shape == [2])
        let alone = vmap({ [$0[0], one] }, outAxes: [0, nil])([matrix])
        #expect(alone[1].shape == [])
    }

    @Test("captured arrays take part") func captured() {
        let vector = MLXArray([1, 2, 3] as [Float])
        let dots = vmap { (x: MLXArray) in (x * vector).sum() }(matrix)
        #expect(dots.asArray(Float.self) == matmul(matrix, vector).asArray(Float.self))
    }

    @Test("keys map to the draws they would make alone") func keys() {
        let keys = MLXRandom.split(key: MLXRandom.key(7), into: 4)
        let drawn = vmap { (key: MLXArray) in MLXRandom.uniform(0..<1, [3], key: key) }(
            MLX.stacked(keys))
        for (index, key) in keys.enumerated() {
            #expect(
                drawn[index].asArray(Float.self)
                    == MLXRandom.uniform(0..<1, [3], key: key).asArray(Float.self))
        }
    }

    @Test("nested maps") func nested() {
        let a = MLXArray(0..<4).asType(.float32)
        let b = MLXArray(0..<3).asType(.float32)
        let table = vmap { (x: MLXArray) in vmap { (y: MLXArray) in x * 10 + y }(b) }(a)
        #expect(table.shape == [4, 3])
        #expect(table[2, 1].item(Float.self) == 21)
    }

    @Test("more elements than an operation takes arrays") func manyElements() {
        // Convolutions go one element at a time.
        let images = MLXRandom.uniform(Float(0) ..< 1, [300, 1, 4, 4, 1], key: MLXRandom.key(1))
        let filter = MLXRandom.uniform(Float(0) ..< 1, [2, 3, 3, 1], key: MLXRandom.key(2))
        let mapped = vmap { (x: MLXArray) in conv2d(x, filter) }(images)
        let wanted = conv2d(images.reshaped(300, 4, 4, 1), filter).reshaped(300, 1, 2, 2, 2)
        #expect(allClose(mapped, wanted).item(Bool.self))
    }

    @Test("an empty batch") func empty() {
        let none = vmap { (x: MLXArray) in x.sum() }(MLXArray.zeros([0, 3]))
        #expect(none.shape == [0])
    }

    @Test(
        "bad axes are errors",
        arguments: [
            [nil, nil], [0, 5], [0, 0, 0], [0, 0],
        ] as [[Int?]])
    func badAxes(axes: [Int?]) async {
        let f = vmap({ [$0[0].sum() + $0[1].sum()] }, inAxes: axes)
        await #expect(throws: ArrayError.self) {
            try await evaluate(f([matrix, MLXArray.zeros([5, 3])]))
        }
    }

    @Test("a mapped result cannot have no axis") func noOutAxis() async {
        let f = vmap({ [$0[0]] }, outAxes: [nil])
        await #expect(throws: ArrayError.self) { try await evaluate(f([matrix])) }
    }
}
