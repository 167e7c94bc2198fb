import MLXBase
import MLXGraph
import MLXOps

// Drawing random arrays. Without a key the task's random state gives one, else the global state.
extension MLXRandom {
    /// Numbers evenly distributed over [low, high), in the given shape. Without a key the task's
    /// state or the global one gives one.
    /// ```swift
    /// let x = MLXRandom.uniform(Float(0) ..< 1, [2, 3], key: MLXRandom.key(7))
    /// ```
    public static func uniform(
        _ range: Range<some HasDType>, _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawUniform(
            range.lowerBound.asMLXArray(dtype: type.dtype),
            range.upperBound.asMLXArray(dtype: type.dtype), Array(shape), type.dtype,
            resolve(key: key), stream)
    }

    /// Numbers evenly distributed over [low, high), in the given shape. Without a key the task's
    /// state or the global one gives one.
    public static func uniform(
        _ range: Range<Float> = 0..<1, _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawUniform(
            MLXArray(range.lowerBound), MLXArray(range.upperBound), Array(shape), type.dtype,
            resolve(key: key), stream)
    }

    /// Numbers evenly distributed over [low, high), by default in the shape of `low` with `high`.
    public static func uniform(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none,
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        uniform(
            low: low, high: high, shape, dtype: type.dtype, key: key, stream: stream)
    }

    /// Numbers evenly distributed over [low, high), by default in the shape of `low` with `high`.
    public static func uniform(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none, dtype: DType,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        withBounds(low, high, shape.map { Array($0) }) {
            drawUniform($0, $1, $2, dtype, resolve(key: key), stream)
        }
    }

    /// Normally distributed numbers with mean `loc` and standard deviation `scale`.
    public static func normal(
        _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self, loc: Float = 0,
        scale: Float = 1, key: (some RandomStateOrKey)? = MLXArray?.none,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawNormal(Array(shape), type.dtype, loc, scale, resolve(key: key), stream)
    }

    /// Normally distributed numbers with mean `loc` and standard deviation `scale`.
    public static func normal(
        _ shape: some Collection<Int> = [], dtype: DType, loc: Float = 0, scale: Float = 1,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawNormal(Array(shape), dtype, loc, scale, resolve(key: key), stream)
    }

    /// Integers evenly distributed over the range, in its type. An empty range is an error of the
    /// result.
    public static func randInt<T: HasDType & BinaryInteger>(
        _ range: Range<T>, _ shape: some Collection<Int> = [],
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawIntegers(
            wholeBound(range.lowerBound), wholeBound(range.upperBound), Array(shape), T.dtype,
            resolve(key: key), stream)
    }

    /// Integers evenly distributed over [low, high): int32, or a wider type of one of the bounds.
    public static func randInt(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        withBounds(wholeBound(low), wholeBound(high), shape.map { Array($0) }) {
            let types = [wholeType(low), wholeType(high)]
            let type: DType =
                types[0] == types[1] ? types[0] : types.contains(.uint64) ? .uint64 : .int64
            return drawIntegers($0, $1, $2, type, resolve(key: key), stream)
        }
    }

    /// Integers evenly distributed over [low, high). Where `high` is not above `low`, and where
    /// numbers do not fit the type, it is an error when evaluated.
    public static func randInt(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none,
        type: (some HasDType & BinaryInteger).Type,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        withBounds(wholeBound(low), wholeBound(high), shape.map { Array($0) }) {
            drawIntegers($0, $1, $2, type.dtype, resolve(key: key), stream)
        }
    }

    /// Bools that are true with probability one half.
    public static func bernoulli(
        _ shape: some Collection<Int> = [], key: (some RandomStateOrKey)? = MLXArray?.none,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawBernoulli(MLXArray(0.5 as Float), Array(shape), resolve(key: key), stream)
    }

    /// Bools that are true with probability `p`, by default in its shape.
    public static func bernoulli(
        _ p: some ScalarOrArray, _ shape: (some Collection<Int>)? = [Int]?.none,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        withBounds(p, p, shape.map { Array($0) }) { p, _, shape in
            drawBernoulli(p, shape, resolve(key: key), stream)
        }
    }

    /// Normally distributed numbers within the range.
    public static func truncatedNormal(
        _ range: Range<some HasDType>, _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawTruncatedNormal(
            range.lowerBound.asMLXArray(dtype: type.dtype),
            range.upperBound.asMLXArray(dtype: type.dtype), Array(shape), type.dtype,
            resolve(key: key), stream)
    }

    /// Normally distributed numbers within the range.
    public static func truncatedNormal(
        _ range: Range<Float>, _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawTruncatedNormal(
            MLXArray(range.lowerBound), MLXArray(range.upperBound), Array(shape), type.dtype,
            resolve(key: key), stream)
    }

    /// Normally distributed numbers between `low` and `high`.
    public static func truncatedNormal(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none,
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        truncatedNormal(
            low: low, high: high, shape, dtype: type.dtype, key: key, stream: stream)
    }

    /// Normally distributed numbers between `low` and `high`.
    public static func truncatedNormal(
        low: some ScalarOrArray, high: some ScalarOrArray,
        _ shape: (some Collection<Int>)? = [Int]?.none, dtype: DType,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        withBounds(low, high, shape.map { Array($0) }) {
            drawTruncatedNormal($0, $1, $2, dtype, resolve(key: key), stream)
        }
    }

    /// Numbers of the standard Gumbel distribution.
    public static func gumbel(
        _ shape: some Collection<Int> = [],
        type: (some HasDType & BinaryFloatingPoint).Type = Float.self,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawGumbel(Array(shape), type.dtype, resolve(key: key), stream)
    }

    /// Numbers of the standard Gumbel distribution.
    public static func gumbel(
        _ shape: some Collection<Int> = [], dtype: DType,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawGumbel(Array(shape), dtype, resolve(key: key), stream)
    }

    /// Indices along `axis`, drawn with probability softmax(logits); uint32.
    public static func categorical(
        _ logits: MLXArray, axis: Int = -1, shape: (some Collection<Int>)? = [Int]?.none,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawCategorical(
            logits, axis, nil, shape.map { Array($0) }, resolve(key: key), stream)
    }

    /// `count` indices along `axis` for each distribution; uint32.
    public static func categorical(
        _ logits: MLXArray, axis: Int = -1, count: Int,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawCategorical(logits, axis, count, nil, resolve(key: key), stream)
    }

    /// Numbers of the Laplace distribution with mean `loc` and scale `scale`.
    public static func laplace(
        _ shape: some Collection<Int> = [], dtype: DType, loc: Float = 0, scale: Float = 1,
        key: (some RandomStateOrKey)? = MLXArray?.none, stream: StreamOrDevice = .default
    ) -> MLXArray {
        drawLaplace(Array(shape), dtype, loc, scale, resolve(key: key), stream)
    }

    /// A bound of integers as an array: `Int` is not cut to 32 bits.
    private static func wholeBound(_ bound: some ScalarOrArray) -> MLXArray {
        if let int = bound as? Int { return int.asMLXArray(dtype: .int64) }
        return bound.asMLXArray(dtype: nil)
    }

    /// int32, or the type of a bound that it is too narrow for.
    private static func wholeType(_ bound: some ScalarOrArray) -> DType {
        let ints = (bound as? Int).map { [$0] } ?? bound as? [Int]
        if let ints { return ints.allSatisfy { Int32(exactly: $0) != nil } ? .int32 : .int64 }
        let type = wholeBound(bound).dtype
        return [.uint32, .int64, .uint64].contains(type) ? type : .int32
    }

    /// Two bounds as arrays, and the shape they broadcast to when none is given.
    private static func withBounds(
        _ low: some ScalarOrArray, _ high: some ScalarOrArray, _ shape: [Int]?,
        _ draw: (MLXArray, MLXArray, [Int]) -> MLXArray
    ) -> MLXArray {
        let (low, high) = toArrays(low, high)
        return recording([low, high]) { () throws(ArrayError) in
            let own = try Broadcasting.shape(
                [low.nodeShape, high.nodeShape], operation: "random")
            return draw(low, high, shape ?? own.array)
        }
    }
}
