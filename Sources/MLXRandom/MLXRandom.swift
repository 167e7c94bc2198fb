// `import MLXRandom` compiles as with mlx-swift: everything is in MLX, and the functions that used
// to live here pass on to it.
@_exported import MLX

/// Says once, where this module is used, that MLX has everything.
@available(*, deprecated, message: "`import MLX` is enough")
public let deprecationWarning: Void = ()

/// `MLXRandom.seed`: seeds the global state.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func seed(_ seed: UInt64) {
    MLXRandom.seed(seed)
}

/// `MLXRandom.key`: the key of a seed.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func key(_ seed: UInt64) -> MLXArray {
    MLXRandom.key(seed)
}

/// `MLXRandom.split`: independent keys made from one.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func split(key: MLXArray, into num: Int, stream: StreamOrDevice = .default) -> [MLXArray] {
    MLXRandom.split(key: key, into: num, stream: stream)
}

/// `MLXRandom.split`: independent keys made from one.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func split(key: MLXArray, stream: StreamOrDevice = .default) -> (MLXArray, MLXArray) {
    MLXRandom.split(key: key, stream: stream)
}

/// `MLXRandom.uniform`: numbers evenly distributed over [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func uniform<R: HasDType, T>(
    _ range: Range<R>, _ shape: [Int] = [], type: T.Type = Float.self, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.uniform(range, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.uniform`: numbers evenly distributed over [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func uniform<T>(
    _ range: Range<Float> = 0..<1, _ shape: [Int] = [], type: T.Type = Float.self,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.uniform(range, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.uniform`: numbers evenly distributed over [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func uniform<T>(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil,
    type: T.Type = Float.self, key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.uniform(low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.uniform`: numbers evenly distributed over [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func uniform(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil, dtype: DType = .float32,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.uniform(low: low, high: high, shape, dtype: dtype, key: key, stream: stream)
}

/// `MLXRandom.normal`: normally distributed numbers.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func normal<T>(
    _ shape: [Int] = [], type: T.Type = Float.self, loc: Float = 0, scale: Float = 1,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.normal(shape, type: type, loc: loc, scale: scale, key: key, stream: stream)
}

/// `MLXRandom.normal`: normally distributed numbers.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func normal(
    _ shape: [Int] = [], dtype: DType = .float32, loc: Float = 0, scale: Float = 1,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.normal(shape, dtype: dtype, loc: loc, scale: scale, key: key, stream: stream)
}

/// `MLXRandom.multivariateNormal`: vectors with a mean and a covariance.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func multivariateNormal(
    mean: MLXArray, covariance: MLXArray, shape: [Int] = [], dtype: DType = .float32,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.multivariateNormal(
        mean: mean, covariance: covariance, shape: shape, dtype: dtype, key: key, stream: stream)
}

/// `MLXRandom.randInt`: integers of [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func randInt<T>(
    _ range: Range<T>, _ shape: [Int] = [], key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryInteger {
    MLXRandom.randInt(range, shape, key: key, stream: stream)
}

/// `MLXRandom.randInt`: integers of [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func randInt(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.randInt(low: low, high: high, shape, key: key, stream: stream)
}

/// `MLXRandom.randInt`: integers of [low, high).
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func randInt<T>(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil, type: T.Type,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryInteger {
    MLXRandom.randInt(low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.bernoulli`: true with probability p.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func bernoulli(_ shape: [Int] = [], key: MLXArray? = nil, stream: StreamOrDevice = .default)
    -> MLXArray
{
    MLXRandom.bernoulli(shape, key: key, stream: stream)
}

/// `MLXRandom.bernoulli`: true with probability p.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func bernoulli(
    _ p: any ScalarOrArray, _ shape: [Int]? = nil, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.bernoulli(p, shape, key: key, stream: stream)
}

/// `MLXRandom.truncatedNormal`: normally distributed numbers of [low, high].
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func truncatedNormal<R: HasDType, T>(
    _ range: Range<R>, _ shape: [Int] = [], type: T.Type = Float.self, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.truncatedNormal(range, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.truncatedNormal`: normally distributed numbers of [low, high].
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func truncatedNormal<T>(
    _ range: Range<Float>, _ shape: [Int] = [], type: T.Type = Float.self, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.truncatedNormal(range, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.truncatedNormal`: normally distributed numbers of [low, high].
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func truncatedNormal<T>(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil,
    type: T.Type = Float.self, key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.truncatedNormal(low: low, high: high, shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.truncatedNormal`: normally distributed numbers of [low, high].
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func truncatedNormal(
    low: any ScalarOrArray, high: any ScalarOrArray, _ shape: [Int]? = nil, dtype: DType = .float32,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.truncatedNormal(low: low, high: high, shape, dtype: dtype, key: key, stream: stream)
}

/// `MLXRandom.gumbel`: Gumbel-distributed numbers.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func gumbel<T>(
    _ shape: [Int] = [], type: T.Type = Float.self, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray where T: HasDType, T: BinaryFloatingPoint {
    MLXRandom.gumbel(shape, type: type, key: key, stream: stream)
}

/// `MLXRandom.gumbel`: Gumbel-distributed numbers.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func gumbel(
    _ shape: [Int] = [], dtype: DType = .float32, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.gumbel(shape, dtype: dtype, key: key, stream: stream)
}

/// `MLXRandom.categorical`: indices drawn by the softmax of logits.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func categorical(
    _ logits: MLXArray, axis: Int = -1, shape: [Int]? = nil, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.categorical(logits, axis: axis, shape: shape, key: key, stream: stream)
}

/// `MLXRandom.categorical`: indices drawn by the softmax of logits.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func categorical(
    _ logits: MLXArray, axis: Int = -1, count: Int, key: MLXArray? = nil,
    stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.categorical(logits, axis: axis, count: count, key: key, stream: stream)
}

/// `MLXRandom.laplace`: Laplace-distributed numbers.
@available(*, deprecated, message: "use `import MLX`, which has the same function")
@_disfavoredOverload
public func laplace(
    _ shape: [Int] = [], dtype: DType = .float32, loc: Float = 0, scale: Float = 1,
    key: MLXArray? = nil, stream: StreamOrDevice = .default
) -> MLXArray {
    MLXRandom.laplace(shape, dtype: dtype, loc: loc, scale: scale, key: key, stream: stream)
}
