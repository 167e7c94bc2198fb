import MLXBase
import MLXGraph

// The functions of MLXRandom as free functions.

/// Seeds the global state.
public func seed(_ seed: UInt64) { MLXRandom.seed(seed) }

/// The key of a seed.
public func key(_ seed: UInt64) -> MLXArray { MLXRandom.key(seed) }

/// Independent keys made from one.
public func split(
    key: MLXArray, into num: Int, stream: StreamOrDevice = .default
) -> [MLXArray] {
    MLXRandom.split(key: key, into: num, stream: stream)
}

/// Two independent keys made from one.
public func split(
    key: MLXArray, stream: StreamOrDevice = .default
) -> (MLXArray, MLXArray) {
    MLXRandom.split(key: key, stream: stream)
}

/// Numbers evenly distributed over [low, high).
public func uniform(
    _ range: Range<some HasDType>, _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.uniform(
        range, shape, type: type, key: key, stream: stream)
}

/// Numbers evenly distributed over [low, high).
public func uniform(
    _ range: Range<Float> = 0..<1, _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.uniform(
        range, shape, type: type, key: key, stream: stream)
}

/// Numbers evenly distributed over [low, high), by default in the shape of `low` with `high`.
public func uniform(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none,
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.uniform(
        low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// Numbers evenly distributed over [low, high), by default in the shape of `low` with `high`.
public func uniform(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none, dtype: DType,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.uniform(
        low: low, high: high, shape, dtype: dtype, key: key, stream: stream)
}

/// Normally distributed numbers with mean `loc` and standard deviation `scale`.
public func normal(
    _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self, loc: Float = 0,
    scale: Float = 1, key: (some RandomStateOrKey)? = MLXArray?.none,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.normal(
        shape, type: type, loc: loc, scale: scale, key: key, stream: stream)
}

/// Normally distributed numbers with mean `loc` and standard deviation `scale`.
public func normal(
    _ shape: some Collection<Int> = [], dtype: DType, loc: Float = 0, scale: Float = 1,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.normal(
        shape, dtype: dtype, loc: loc, scale: scale, key: key, stream: stream)
}

/// Integers evenly distributed over the range, in its type.
public func randInt<T: HasDType & BinaryInteger>(
    _ range: Range<T>, _ shape: some Collection<Int> = [],
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.randInt(
        range, shape, key: key, stream: stream)
}

/// Integers evenly distributed over [low, high), int32.
public func randInt(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.randInt(
        low: low, high: high, shape, key: key, stream: stream)
}

/// Integers evenly distributed over [low, high).
public func randInt(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none, type: (some HasDType & BinaryInteger).Type,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.randInt(
        low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// Bools that are true with probability one half.
public func bernoulli(
    _ shape: some Collection<Int> = [], key: (some RandomStateOrKey)? = MLXArray?.none,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.bernoulli(
        shape, key: key, stream: stream)
}

/// Bools that are true with probability `p`, by default in its shape.
public func bernoulli(
    _ p: some ScalarOrArray, _ shape: (some Collection<Int>)? = [Int]?.none,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.bernoulli(
        p, shape, key: key, stream: stream)
}

/// Normally distributed numbers within the range.
public func truncatedNormal(
    _ range: Range<some HasDType>, _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.truncatedNormal(
        range, shape, type: type, key: key, stream: stream)
}

/// Normally distributed numbers within the range.
public func truncatedNormal(
    _ range: Range<Float>, _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.truncatedNormal(
        range, shape, type: type, key: key, stream: stream)
}

/// Normally distributed numbers between `low` and `high`.
public func truncatedNormal(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none,
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.truncatedNormal(
        low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// Normally distributed numbers between `low` and `high`.
public func truncatedNormal(
    low: some ScalarOrArray, high: some ScalarOrArray,
    _ shape: (some Collection<Int>)? = [Int]?.none, dtype: DType,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.truncatedNormal(
        low: low, high: high, shape, dtype: dtype, key: key, stream: stream)
}

/// Numbers of the standard Gumbel distribution.
public func gumbel(
    _ shape: some Collection<Int> = [],
    type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.gumbel(
        shape, type: type, key: key, stream: stream)
}

/// Numbers of the standard Gumbel distribution.
public func gumbel(
    _ shape: some Collection<Int> = [], dtype: DType,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.gumbel(
        shape, dtype: dtype, key: key, stream: stream)
}

/// Indices along `axis`, drawn with probability softmax(logits); uint32.
public func categorical(
    _ logits: MLXArray, axis: Int = -1, shape: (some Collection<Int>)? = [Int]?.none,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.categorical(
        logits, axis: axis, shape: shape, key: key, stream: stream)
}

/// `count` indices along `axis` for each distribution; uint32.
public func categorical(
    _ logits: MLXArray, axis: Int = -1, count: Int,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.categorical(
        logits, axis: axis, count: count, key: key, stream: stream)
}

/// Numbers of the Laplace distribution with mean `loc` and scale `scale`.
public func laplace(
    _ shape: some Collection<Int> = [], dtype: DType, loc: Float = 0, scale: Float = 1,
    key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.laplace(
        shape, dtype: dtype, loc: loc, scale: scale, key: key, stream: stream)
}
