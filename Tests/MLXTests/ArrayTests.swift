import MLX
import Testing

/// What a first user does: arrays from numbers, operators, reductions, gradients, errors.
@Suite("Arrays") struct ArrayTests {
    @Test("operators take arrays and weak scalars") func operators() {
        let a = MLXArray([1, 2, 3] as [Float])
        #expect((a + 1).asArray(Float.self) == [2, 3, 4])
        #expect((2 * a - 0.5).asArray(Float.self) == [1.5, 3.5, 5.5])
        #expect((a / 2).dtype == .float32)
        #expect((MLXArray([1, 2]) / 2).asArray(Float.self) == [0.5, 1])
        #expect((a .> 1.5).asArray(Bool.self) == [false, true, true])
        #expect((-a ** 2).asArray(Float.self) == [1, 4, 9])
    }

    @Test("reductions over axes") func reductions() {
        let a = MLXArray(0..<6, [2, 3])
        #expect(a.sum().item(Int.self) == 15)
        #expect(a.sum(axis: 0).asArray(Int32.self) == [3, 5, 7])
        #expect(a.mean(axis: 1, keepDims: true).asArray(Float.self) == [1, 4])
        #expect(a.max(axis: -1).asArray(Int32.self) == [2, 5])
        #expect(a.argMax(axis: 1).asArray(UInt32.self) == [2, 2])
    }

    @Test("matrix products") func products() {
        let a = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
        #expect(a.matmul(a.T).asArray(Float.self) == [5, 11, 11, 25])
    }

    @Test("gradients, to second order") func gradients() {
        let cube = { (x: MLXArray) in (x * x * x).sum() }
        #expect(grad(cube)(MLXArray(2.0 as Float)).item(Float.self) == 12)
        let second = grad { (x: MLXArray) in grad(cube)(x).sum() }
        #expect(second(MLXArray([2, 3] as [Float])).asArray(Float.self) == [12, 18])
    }

    @Test("the async API throws typed errors") func errors() async throws {
        let bad = MLXArray([1, 2] as [Float]) + MLXArray([1, 2, 3] as [Float])
        let error = await #expect(throws: ArrayError.self) { try await evaluate(bad) }
        #expect(error?.kind == .shape)
        #expect(error?.shapes == [[2], [3]])
        let good = MLXArray([1, 2] as [Float])
        #expect(try await good.values(Float.self) == [1, 2])
    }

    @Test("withError throws what happened in it") func caught() {
        #expect(throws: MLXError.self) {
            try withError { _ = MLXArray([1, 2]) + MLXArray([1, 2, 3]) }
        }
    }
}

/// Values that a plan writes over its own inputs must not be read again.
@Suite("Reused places") struct ReusedPlaceTests {
    @Test("a result does not take the place of narrower elements that it is made of")
    func narrowerView() {
        let x = MLXArray(0 ..< 8).asType(.float32)
        eval(x)
        let bytes = x.asType(.int32).view(dtype: .uint8)
        let wide = broadcast(bytes.asType(.float32), to: [2, 32]).reshaped(64)
        let wanted = (0..<64).map { $0 % 4 == 0 ? Float($0 % 32 / 4) : 0 }
        #expect(wide.asArray(Float.self) == wanted)
    }

    @Test("a result does not take the place of an input that a window still reads")
    func windowOfTheSameArray() {
        let n = 70
        let base = MLXArray((0..<(n * n)).map(Float.init), [n, n])
        let x = matmul(base, MLXArray.identity(n))
        let y = x * 2 + x.T
        let expected = base.asArray(Float.self)
        let got = y.asArray(Float.self)
        for i in 0..<n {
            for j in 0..<n {
                #expect(got[i * n + j] == expected[i * n + j] * 2 + expected[j * n + i])
            }
        }
    }
}

/// Windows cost nothing, whatever they are windows of.
@Suite("Windows") struct WindowTests {
    @Test("windows of a few bytes are written as what they show") func savedWindow() throws {
        let source = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
        let windows = [
            "column": source[0..., 1 ..< 2], "row": source.T[0 ..< 1],
            "repeated": broadcast(MLXArray(7 as Float).reshaped(1, 1), to: [3, 1]),
        ]
        let loaded = try loadArrays(data: try saveToData(arrays: windows))
        #expect(loaded["column"]?.asArray(Float.self) == [2, 5])
        #expect(loaded["row"]?.asArray(Float.self) == [1, 4])
        #expect(loaded["repeated"]?.asArray(Float.self) == [7, 7, 7])
    }

    @Test("a scalar broadcast to terabytes is kept as one element") func broadcastScalar() {
        let wide = broadcast(MLXArray(1.5 as Float), to: [1 << 20, 1 << 20])
        #expect(wide[3, 5].item(Float.self) == 1.5)
        #expect((wide[0..<2, 0..<2] + 1).asArray(Float.self) == [2.5, 2.5, 2.5, 2.5])
    }
}
