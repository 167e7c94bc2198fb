import MLX
import Testing

/// Random numbers as programs draw them; the values themselves are tested against MLX elsewhere.
@Suite("Random") struct RandomProgramTests {
    @Test("keys") func keys() {
        let key = MLXRandom.key(42)
        #expect(key.dtype == .uint32)
        #expect(key.shape == [2])
        let (a, b) = MLXRandom.split(key: key)
        let many = MLXRandom.split(key: key, into: 4)
        #expect(many.count == 4)
        #expect(!a.arrayEqual(b).item(Bool.self))
        let x = MLXRandom.uniform(0 ..< 1, [3], key: a)
        #expect(x.arrayEqual(MLXRandom.uniform(0 ..< 1, [3], key: a)).item())
        #expect(MLXRandom.uniform(key: b).shape == [])
        #expect(MLXRandom.normal([2, 2], key: many[0]).shape == [2, 2])
    }

    @Test("every distribution") func distributions() {
        let key = MLXRandom.key(1)
        #expect(MLXRandom.uniform(low: 0, high: 10, [4], key: key).dtype == .float32)
        #expect(MLXRandom.uniform(low: MLXArray([0, 10]), high: MLXArray([10, 100]), key: key)
            .shape == [2])
        #expect(MLXRandom.uniform(0.5 ..< 1.5, [2], type: Float16.self, key: key).dtype == .float16)
        #expect(MLXRandom.normal([3], dtype: .bfloat16, loc: 1, scale: 2, key: key).dtype
            == .bfloat16)
        #expect(MLXRandom.normal([3], type: Float.self, key: key).shape == [3])
        #expect(MLXRandom.randInt(0 ..< 10, [5], key: key).shape == [5])
        #expect(MLXRandom.randInt(low: 0, high: 10, [5], key: key).dtype == .int32)
        #expect(MLXRandom.randInt(low: [0, 1], high: [4, 5], type: Int8.self, key: key).dtype
            == .int8)
        #expect(MLXRandom.bernoulli(key: key).dtype == .bool)
        #expect(MLXRandom.bernoulli(0.3, [4], key: key).shape == [4])
        #expect(MLXRandom.bernoulli(MLXArray([0.1, 0.9] as [Float]), key: key).shape == [2])
        #expect(MLXRandom.truncatedNormal(low: -1, high: 1, [4], key: key).shape == [4])
        #expect(MLXRandom.gumbel([4], key: key).shape == [4])
        #expect(MLXRandom.laplace([4], dtype: .float32, loc: 0, scale: 1, key: key).shape == [4])
        let logits = MLXArray.zeros([5, 20])
        #expect(MLXRandom.categorical(logits, key: key).shape == [5])
        #expect(MLXRandom.categorical(logits, count: 7, key: key).shape == [5, 7])
        #expect(MLXRandom.categorical(logits, shape: [2, 5], key: key).shape == [2, 5])
    }

    @Test("the global state and a state of one's own") func states() {
        let draw = {
            withRandomState(MLXRandom.RandomState(seed: 7)) { MLXRandom.normal([4]) }
        }
        #expect(draw().arrayEqual(draw()).item(Bool.self))
        let state = MLXRandom.RandomState(seed: 3)
        let first = MLXRandom.uniform(0 ..< 1, [2], key: state)
        let second = MLXRandom.uniform(0 ..< 1, [2], key: state)
        #expect(!first.arrayEqual(second).item(Bool.self))
        state.seed(3)
        #expect(MLXRandom.uniform(0 ..< 1, [2], key: state).arrayEqual(first).item())
        #expect(MLXRandom.globalState.innerState().count == 1)
        eval(MLXRandom.globalState)
    }

    @Test("task-local states in async code") func asyncStates() async {
        let draw: @Sendable () async -> MLXArray = {
            await withRandomState(MLXRandom.RandomState(seed: 7)) {
                await Task.yield()
                return MLXRandom.normal([4])
            }
        }
        async let a = draw()
        async let b = draw()
        let (x, y) = await (a, b)
        #expect(x.arrayEqual(y).item(Bool.self))
    }

    @Test("free functions") func freeFunctions() {
        let k = key(0)
        let (a, _): (MLXArray, MLXArray) = split(key: k)
        #expect(uniform(0 ..< 1, [3], key: a).shape == [3])
        #expect(normal([2], key: a).shape == [2])
        #expect(randInt(low: 0, high: 3, [2], key: a).shape == [2])
        #expect(bernoulli(0.5, [3], key: a).dtype == .bool)
        #expect(categorical(MLXArray.zeros([4]), key: a).shape == [])
    }
}
