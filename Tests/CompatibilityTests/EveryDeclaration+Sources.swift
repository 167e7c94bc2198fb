import MLX
import Testing

// Calls of what makes arrays from numbers, and of random draws, with all of their arguments.
extension EveryDeclaration {
    @Test("factories") func factories() throws {
        try works(MLXArray.zeros([4, 4], type: Float.self, stream: .cpu))
        try works(MLXArray.zeros([4, 4], dtype: .float32, stream: .cpu))
        try works(MLXArray.zeros(like: x, stream: .cpu))
        try works(MLXArray.ones([4, 4], type: Float.self, stream: .cpu))
        try works(MLXArray.ones([4, 4], dtype: .float32, stream: .cpu))
        try works(MLXArray.ones(like: x, stream: .cpu))
        try works(MLXArray.eye(4, m: 4, k: 1, type: Float.self, stream: .cpu))
        try works(MLXArray.eye(4, m: 4, k: 1, dtype: .float32, stream: .cpu))
        try works(MLXArray.full([4, 4], values: zero, type: Float.self, stream: .cpu))
        try works(MLXArray.full([4, 4], values: zero, dtype: .float32, stream: .cpu))
        try works(MLXArray.full([4, 4], values: zero, stream: .cpu))
        try works(MLXArray.identity(4, type: Float.self, stream: .cpu))
        try works(MLXArray.identity(4, dtype: .float32, stream: .cpu))
        try works(MLXArray.linspace(Int32(0), 4, count: 2, stream: .cpu))
        try works(MLXArray.linspace(Float(0), 4, count: 2, stream: .cpu))
        try works(MLXArray.arange(4, stream: .cpu))
        try works(MLXArray.arange(1, 4, step: 1, stream: .cpu))
        try works(MLXArray.arange(4, dtype: .float32, stream: .cpu))
        try works(MLXArray.arange(1, 4, step: 1, dtype: .float32, stream: .cpu))
        try works(MLXArray.arange(4.5, dtype: .float32, stream: .cpu))
        try works(MLXArray.arange(0.5, 4.5, step: 1, dtype: .float32, stream: .cpu))
        try works(MLXArray.repeated(x, count: 2, axis: 0, stream: .cpu))
        try works(MLXArray.repeated(x, count: 2, stream: .cpu))
        try works(MLXArray.tri(4, m: 4, k: 1, type: Float.self, stream: .cpu))
        try works(MLXArray.tri(4, m: 4, k: 1, dtype: .float32, stream: .cpu))
    }

    @Test("free factories") func freeFactories() throws {
        try works(zeros([4, 4], type: Float.self, stream: .cpu))
        try works(zeros([4, 4], dtype: .float32, stream: .cpu))
        try works(zeros(like: x, stream: .cpu))
        try works(ones([4, 4], type: Float.self, stream: .cpu))
        try works(ones([4, 4], dtype: .float32, stream: .cpu))
        try works(ones(like: x, stream: .cpu))
        try works(eye(4, m: 4, k: 1, type: Float.self, stream: .cpu))
        try works(eye(4, m: 4, k: 1, dtype: .float32, stream: .cpu))
        try works(full([4, 4], values: zero, type: Float.self, stream: .cpu))
        try works(full([4, 4], values: zero, dtype: .float32, stream: .cpu))
        try works(full([4, 4], values: zero, stream: .cpu))
        try works(identity(4, type: Float.self, stream: .cpu))
        try works(identity(4, dtype: .float32, stream: .cpu))
        try works(linspace(Int32(0), 4, count: 2, stream: .cpu))
        try works(linspace(Float(0), 4, count: 2, stream: .cpu))
        try works(arange(4, stream: .cpu))
        try works(arange(1, 4, step: 1, stream: .cpu))
        try works(arange(4, dtype: .float32, stream: .cpu))
        try works(arange(1, 4, step: 1, dtype: .float32, stream: .cpu))
        try works(arange(4.5, dtype: .float32, stream: .cpu))
        try works(arange(0.5, 4.5, step: 1, dtype: .float32, stream: .cpu))
        try works(repeated(x, count: 2, axis: 0, stream: .cpu))
        try works(repeated(x, count: 2, stream: .cpu))
        try works(tri(4, m: 4, k: 1, type: Float.self, stream: .cpu))
        try works(tri(4, m: 4, k: 1, dtype: .float32, stream: .cpu))
    }

    @Test("draws") func draws() throws {
        try works(MLXRandom.key(7))
        try works(MLXRandom.split(key: key, into: 2, stream: .cpu))
        try works(MLXRandom.split(key: key, stream: .cpu))
        try works(
            MLXRandom.uniform(Float(0)..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(MLXRandom.uniform(0..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            MLXRandom.uniform(low: 0, high: 2, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            MLXRandom.uniform(low: 0, high: 2, [2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(
            MLXRandom.normal([2, 4], type: Float.self, loc: 0, scale: 1, key: key, stream: .cpu))
        try works(
            MLXRandom.normal([2, 4], dtype: .float32, loc: 0, scale: 1, key: key, stream: .cpu))
        try works(
            MLXRandom.multivariateNormal(
                mean: v, covariance: x, shape: [2], dtype: .float32, key: key, stream: .cpu))
        try works(MLXRandom.permutation(4, key: key, stream: .cpu))
        try works(MLXRandom.permutation(x, axis: 0, key: key, stream: .cpu))
        try works(MLXRandom.randInt(Int32(0)..<9, [2, 4], key: key, stream: .cpu))
        try works(MLXRandom.randInt(low: 0, high: 2, [2, 4], key: key, stream: .cpu))
        try works(
            MLXRandom.randInt(low: 0, high: 2, [2, 4], type: Int32.self, key: key, stream: .cpu))
        try works(MLXRandom.bernoulli([2, 4], key: key, stream: .cpu))
        try works(MLXRandom.bernoulli(0.5, [2, 4], key: key, stream: .cpu))
        try works(
            MLXRandom.truncatedNormal(
                Float(0)..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            MLXRandom.truncatedNormal(0..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            MLXRandom.truncatedNormal(
                low: 0, high: 2, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            MLXRandom.truncatedNormal(
                low: 0, high: 2, [2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(MLXRandom.gumbel([2, 4], type: Float.self, key: key, stream: .cpu))
        try works(MLXRandom.gumbel([2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(MLXRandom.categorical(x, axis: 0, shape: [4], key: key, stream: .cpu))
        try works(MLXRandom.categorical(x, axis: 0, count: 2, key: key, stream: .cpu))
        try works(
            MLXRandom.laplace([2, 4], dtype: .float32, loc: 0, scale: 1, key: key, stream: .cpu))
    }

    @Test("free draws") func freeDraws() throws {
        try works(MLX.key(7))
        try works(MLX.split(key: key, into: 2, stream: .cpu))
        try works(MLX.split(key: key, stream: .cpu))
        try works(uniform(Float(0)..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(uniform(0..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(uniform(low: 0, high: 2, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(uniform(low: 0, high: 2, [2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(normal([2, 4], type: Float.self, loc: 0, scale: 1, key: key, stream: .cpu))
        try works(normal([2, 4], dtype: .float32, loc: 0, scale: 1, key: key, stream: .cpu))
        try works(
            multivariateNormal(
                mean: v, covariance: x, shape: [2], dtype: .float32, key: key, stream: .cpu))
        try works(randInt(Int32(0)..<9, [2, 4], key: key, stream: .cpu))
        try works(randInt(low: 0, high: 2, [2, 4], key: key, stream: .cpu))
        try works(randInt(low: 0, high: 2, [2, 4], type: Int32.self, key: key, stream: .cpu))
        try works(bernoulli([2, 4], key: key, stream: .cpu))
        try works(bernoulli(0.5, [2, 4], key: key, stream: .cpu))
        try works(truncatedNormal(Float(0)..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(truncatedNormal(0..<1, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            truncatedNormal(low: 0, high: 2, [2, 4], type: Float.self, key: key, stream: .cpu))
        try works(
            truncatedNormal(low: 0, high: 2, [2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(gumbel([2, 4], type: Float.self, key: key, stream: .cpu))
        try works(gumbel([2, 4], dtype: .float32, key: key, stream: .cpu))
        try works(categorical(x, axis: 0, shape: [4], key: key, stream: .cpu))
        try works(categorical(x, axis: 0, count: 2, key: key, stream: .cpu))
        try works(laplace([2, 4], dtype: .float32, loc: 0, scale: 1, key: key, stream: .cpu))
    }
}
