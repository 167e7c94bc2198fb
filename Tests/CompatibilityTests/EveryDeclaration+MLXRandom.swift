import func MLXRandom.bernoulli
import func MLXRandom.categorical
import func MLXRandom.gumbel
import func MLXRandom.key
import func MLXRandom.laplace
import func MLXRandom.multivariateNormal
import func MLXRandom.normal
import func MLXRandom.randInt
import func MLXRandom.seed
import func MLXRandom.split
import func MLXRandom.truncatedNormal
import func MLXRandom.uniform
import let MLXRandom.deprecationWarning

// Calls of the functions that module MLXRandom itself has. Each is imported by name,
// and where MLX has one with other types an argument is written that only the module's own takes.
struct DeprecatedRandom: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        deprecationWarning
        seed(7)
        try f.works(key(7))
        try f.works(split(key: f.key, into: 2, stream: .cpu))
        try f.works(split(key: f.key, stream: .cpu))
        try f.works(uniform(Float(0)..<1, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(uniform(0..<1, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(uniform(low: 0, high: 2, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(uniform(low: 0, high: 2, [2, 4], dtype: .float32, key: nil, stream: .cpu))
        try f.works(normal([2, 4], type: Float.self, loc: 0, scale: 1, key: nil, stream: .cpu))
        try f.works(normal([2, 4], dtype: .float32, loc: 0, scale: 1, key: nil, stream: .cpu))
        try f.works(
            multivariateNormal(
                mean: f.v, covariance: f.x, shape: [2], dtype: .float32, key: nil, stream: .cpu))
        try f.works(randInt(Int32(0)..<9, [2, 4], key: nil, stream: .cpu))
        try f.works(randInt(low: 0, high: 2, [2, 4], key: nil, stream: .cpu))
        try f.works(randInt(low: 0, high: 2, [2, 4], type: Int32.self, key: nil, stream: .cpu))
        try f.works(bernoulli([2, 4], key: nil, stream: .cpu))
        try f.works(bernoulli(0.5, [2, 4], key: nil, stream: .cpu))
        try f.works(
            truncatedNormal(Float(0)..<1, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(truncatedNormal(0..<1, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(
            truncatedNormal(low: 0, high: 2, [2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(
            truncatedNormal(low: 0, high: 2, [2, 4], dtype: .float32, key: nil, stream: .cpu))
        try f.works(gumbel([2, 4], type: Float.self, key: nil, stream: .cpu))
        try f.works(gumbel([2, 4], dtype: .float32, key: nil, stream: .cpu))
        try f.works(categorical(f.x, axis: 0, shape: [4], key: nil, stream: .cpu))
        try f.works(categorical(f.x, axis: 0, count: 2, key: nil, stream: .cpu))
        try f.works(laplace([2, 4], dtype: .float32, loc: 0, scale: 1, key: nil, stream: .cpu))
    }
}
