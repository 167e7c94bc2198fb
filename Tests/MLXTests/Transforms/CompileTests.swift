import Foundation
import MLX
import Testing

/// Compiled functions: one recording for each list of shapes, state that is read and changed, and
/// errors inside them.
@Suite("compile") struct CompileTests {
    private final class Counter {
        var count = 0
    }

    @Test("a function is recorded once for each shape and dtype") func recordedOnce() {
        let counter = Counter()
        let f = compile { (x: MLXArray, y: MLXArray) -> MLXArray in
            counter.count += 1
            return exp(-x) + y
        }
        let x = MLXArray([0, 1, 2] as [Float])
        let y = MLXArray([1, 1, 1] as [Float])
        for _ in 0..<3 { #expect(allClose(f(x, y), exp(-x) + y).item(Bool.self)) }
        #expect(counter.count == 1)
        _ = f(x[0..<2], y[0..<2])
        #expect(counter.count == 2)
        _ = f(x.asType(.float16), y)
        #expect(counter.count == 3)
        #expect(f(x, y * 2).asArray(Float.self) == (exp(-x) + y * 2).asArray(Float.self))
        #expect(counter.count == 3)
    }

    @Test("a shapeless function is recorded once where every shape can be told")
    func shapeless() {
        let counter = Counter()
        let f = compile(shapeless: true) { (x: MLXArray) -> MLXArray in
            counter.count += 1
            return softmax(x * 2, axis: -1).sum(axis: 0)
        }
        for count in 2..<6 {
            let x = MLXRandom.uniform(0..<1, [3, count], key: MLXRandom.key(1))
            let wanted = softmax(x * 2, axis: -1).sum(axis: 0)
            #expect(f(x).asArray(Float.self) == wanted.asArray(Float.self))
        }
        #expect(counter.count == 1)
        // A reshape is told its shape: the function is recorded again.
        let g = compile(shapeless: true) { (x: MLXArray) -> MLXArray in
            x.reshaped(x.size) + 1
        }
        #expect(g(MLXArray.zeros([2, 3])).shape == [6])
        #expect(g(MLXArray.zeros([4, 3])).shape == [12])
    }

    @Test("state is read and written back") func state() {
        let total = MLXArray(0 as Float)
        let f = compile(inputs: [total], outputs: [total]) { (x: MLXArray) -> MLXArray in
            total._updateInternal(total + x)
            return total * 10
        }
        #expect(f(MLXArray(1 as Float)).item(Float.self) == 10)
        #expect(f(MLXArray(2 as Float)).item(Float.self) == 30)
        #expect(total.item(Float.self) == 3)
        total._updateInternal(MLXArray(100 as Float))
        #expect(f(MLXArray(1 as Float)).item(Float.self) == 1010)
        #expect(total.item(Float.self) == 101)
    }

    @Test("random state is captured when listed, a constant when not") func randomState() {
        let state = MLXRandom.RandomState(seed: 3)
        let draw = compile(inputs: [state], outputs: [state]) { (x: MLXArray) -> MLXArray in
            x + MLXRandom.uniform(0..<1, [2], key: state.next())
        }
        let zero = MLXArray.zeros([2])
        let (a, b) = (draw(zero), draw(zero))
        let plain = MLXRandom.RandomState(seed: 3)
        #expect(
            a.asArray(Float.self)
                == MLXRandom.uniform(0..<1, [2], key: plain.next()).asArray(Float.self))
        #expect(
            b.asArray(Float.self)
                == MLXRandom.uniform(0..<1, [2], key: plain.next()).asArray(Float.self))
        let fixed = compile { (x: MLXArray) -> MLXArray in x + MLXRandom.uniform(0..<1, [2]) }
        #expect(fixed(zero).asArray(Float.self) == fixed(zero).asArray(Float.self))
    }

    @Test("arrays that are not listed are constants") func constants() {
        let scale = MLXArray(2 as Float)
        let f = compile { (x: MLXArray) -> MLXArray in x * scale }
        #expect(f(MLXArray(3 as Float)).item(Float.self) == 6)
        scale._updateInternal(MLXArray(5 as Float))
        #expect(f(MLXArray(3 as Float)).item(Float.self) == 6)
    }

    @Test("compiled functions are differentiated, mapped and nested") func composed() {
        let f = compile { (x: MLXArray) -> MLXArray in sin(x) * x }
        let x = MLXArray([0.5, 1.5] as [Float])
        let slope = grad { (x: MLXArray) in f(x).sum() }
        for _ in 0..<2 {
            #expect(allClose(slope(x), cos(x) * x + sin(x)).item(Bool.self))
        }
        #expect(allClose(vmap(f)(x), f(x)).item(Bool.self))
        let outer = compile { (x: MLXArray) -> MLXArray in f(x) + slope(x) }
        #expect(allClose(outer(x), f(x) + slope(x)).item(Bool.self))
        // Compiled inside a derivative: what it captures differs from call to call.
        let g = grad { (x: MLXArray) -> MLXArray in
            let inner = compile { (y: MLXArray) -> MLXArray in y * x }
            return inner(x).sum()
        }
        #expect(allClose(g(x), 2 * x).item(Bool.self))
    }

    @Test("a capture of an open derivative is not kept") func openCapture() {
        let counter = Counter()
        var captured = MLXArray(0 as Float)
        let f = compile { (y: MLXArray) -> MLXArray in
            counter.count += 1
            return y * captured
        }
        let slope = grad { (x: MLXArray) -> MLXArray in
            captured = x
            return f(MLXArray(3 as Float))
        }
        #expect(slope(MLXArray(2 as Float)).item(Float.self) == 3)
        #expect(slope(MLXArray(2 as Float)).item(Float.self) == 3)
        #expect(counter.count == 2)
    }

    @Test("evaluating inside is an error that throws") func evaluationInside() throws {
        #expect(throws: (any Error).self) {
            try withError {
                let f = compile { (x: MLXArray) -> MLXArray in
                    eval(x)
                    return x
                }
                eval(f(MLXArray(1 as Float)))
            }
        }
    }

    @Test("several results") func severalResults() {
        let f = compile { (a: MLXArray, b: MLXArray) -> (MLXArray, MLXArray) in (a + b, a - b) }
        let (sum, difference) = f(MLXArray(3), MLXArray(1))
        #expect(sum.item(Int.self) == 4 && difference.item(Int.self) == 2)
    }

    /// In a process of its own: the switch holds for all threads, and the tests beside this one
    /// count how often they are recorded.
    @Test("switching off") func switchingOff() async {
        await #expect(processExitsWith: .success) {
            let counter = Counter()
            let f = compile { (x: MLXArray) -> MLXArray in
                counter.count += 1
                return x
            }
            compile(enable: false)
            _ = f(MLXArray(1))
            _ = f(MLXArray(1))
            compile(enable: true)
            _ = f(MLXArray(1))
            _ = f(MLXArray(1))
            #expect(counter.count == 3)
        }
    }

    @Test("compiled functions cross tasks") func tasks() async throws {
        let f = compile { (x: MLXArray) -> MLXArray in tanh(x) * 2 }
        let wanted = (tanh(MLXArray(0.5 as Float)) * 2).item(Float.self)
        try await withThrowingTaskGroup(of: Float.self) { group in
            for _ in 0..<8 {
                group.addTask { try await f(MLXArray(0.5 as Float)).value(Float.self) }
            }
            for try await value in group { #expect(value == wanted) }
        }
    }
}
