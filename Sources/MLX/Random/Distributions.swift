import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps

// The distributions, as recipes over random bits. NUMERICS: the order of operations and where a
// value is rounded are MLX's, so that draws agree bit for bit where its arithmetic is exact.
extension MLXRandom {
    /// Numbers in [low, high).
    static func drawUniform(
        _ low: MLXArray, _ high: MLXArray, _ shape: [Int], _ dtype: DType, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([low, high, key]) { () throws(ArrayError) in
            guard dtype.isHalf || dtype == .float32 else {
                throw ArrayError(
                    .dtype, "uniform", "draws float16, bfloat16 or float32, not \(dtype)",
                    dtypes: [dtype])
            }
            _ = try Shape(validating: shape, operation: "random_bits")
            let u = unit(shape, dtype, key, stream)
            let (low, high) = (
                Ops.cast(low, to: dtype, stream: stream.id),
                Ops.cast(high, to: dtype, stream: stream.id)
            )
            let range = Ops.binary(.subtract, high, low, stream: stream.id)
            let scaled = Ops.binary(.multiply, range, u, stream: stream.id)
            return Ops.binary(.add, scaled, low, stream: stream.id)
        }
    }

    /// Numbers in [0, 1): bits over 2^32, kept below one after rounding to the dtype.
    private static func unit(
        _ shape: [Int], _ dtype: DType, _ key: MLXArray, _ stream: StreamOrDevice
    ) -> MLXArray {
        let bits = Ops.cast(bits(shape, key, stream), to: .float32, stream: stream.id)
        let upper: Float =
            switch dtype {
            case .float16: 0.99951171875
            case .bfloat16: 0.99609375
            default: Float(1).nextDown
            }
        let u = recordBinary(
            .minimum, recordBinary(.divide, bits, Float(4_294_967_296), stream), upper, stream)
        return Ops.cast(u, to: dtype, stream: stream.id)
    }

    /// Standard normal numbers: √2 erfinv of a uniform number in (-1, 1), drawn in float32.
    static func drawNormal(
        _ shape: [Int], _ dtype: DType, _ loc: Float, _ scale: Float, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        guard dtype.isFloatingPoint else { return refused("normal", dtype) }
        if dtype == .complex64 {
            // Real and imaginary parts share the variance.
            let scale = scale * Float(0.5).squareRoot()
            let parts = drawNormal(shape + [2], .float32, 0, scale, key, stream)
            let whole = Ops.record(
                .viewAs, [parts], Attributes(outputDType: dtype), stream: stream.id)
            let x = Ops.reshape(whole, shape, stream: stream.id)
            return loc == 0 ? x : recordBinary(.add, x, loc, stream)
        }
        let u = drawUniform(
            MLXArray(Float(-1).nextUp), MLXArray(1 as Float), shape, .float32, key, stream)
        let x = Ops.cast(Ops.unary(.erfinv, u, stream: stream.id), to: dtype, stream: stream.id)
        let root = recordBinary(
            .multiply, Ops.scalar(Double(Float(2).squareRoot()), dtype), scale, stream)
        let scaled = Ops.binary(.multiply, root, x, stream: stream.id)
        return loc == 0 ? scaled : recordBinary(.add, scaled, loc, stream)
    }

    /// Normal numbers between two bounds.
    static func drawTruncatedNormal(
        _ low: MLXArray, _ high: MLXArray, _ shape: [Int], _ dtype: DType, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        guard dtype.isFloatingPoint, !dtype.isComplex else {
            return refused("truncatedNormal", dtype)
        }
        let root = Double(2).squareRoot()
        let a = shortErf(recordBinary(.divide, Ops.cast(low, to: dtype), root, stream))
        let b = shortErf(recordBinary(.divide, Ops.cast(high, to: dtype), root, stream))
        let u = drawUniform(a, b, shape, dtype, key, stream)
        let x = recordBinary(.multiply, erfInverse(u, stream: stream), root, stream)
        // Bounds the wrong way round give the lower one, as in MLX.
        return maximum(minimum(x, Ops.cast(high, to: dtype)), Ops.cast(low, to: dtype))
    }

    /// Integers in [low, high).
    package static func drawIntegers(
        _ low: MLXArray, _ high: MLXArray, _ shape: [Int], _ dtype: DType, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([low, high, key]) { () throws(ArrayError) in
            guard dtype.isInteger, !low.dtype.isFloatingPoint, !high.dtype.isFloatingPoint else {
                throw ArrayError(
                    .dtype, "randInt", "draws integers between integers",
                    dtypes: [low.dtype, high.dtype, dtype])
            }
            let wide: DType = dtype == .uint64 ? .uint64 : .int64
            let bounds = [low, high].map {
                Ops.broadcast(
                    Ops.cast($0, to: wide, stream: stream.id), to: shape, stream: stream.id)
            }
            // Words for ranges that 32 bits are too few for come from a key of their own, so
            // that the first ones are MLX's.
            let words = [key, split(key: key, stream: stream).1].map { bits(shape, $0, stream) }
            return Ops.record(
                .randomIntegers, bounds + words, Attributes(outputDType: dtype),
                stream: stream.id)
        }
    }

    private static func refused(_ operation: String, _ dtype: DType) -> MLXArray {
        Ops.invalid(
            ArrayError(
                .dtype, operation, "draws floating-point numbers, not \(dtype)", dtypes: [dtype]))
    }

    /// True with probability p.
    static func drawBernoulli(
        _ p: MLXArray, _ shape: [Int], _ key: MLXArray, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([p, key]) { () throws(ArrayError) in
            guard p.dtype.isFloatingPoint, !p.dtype.isComplex else {
                throw ArrayError(
                    .dtype, "bernoulli", "a probability is a floating-point number",
                    dtypes: [p.dtype])
            }
            // The next float32 above 2^32, so that p = 1 is always true.
            let wide = p.dtype.isHalf ? Ops.cast(p, to: .float32, stream: stream.id) : p
            let threshold = recordBinary(.multiply, wide, Float(4_294_967_296).nextUp, stream)
            return Ops.binary(
                .less, bits(shape, key, stream), threshold, stream: stream.id)
        }
    }

    /// Standard Gumbel numbers.
    static func drawGumbel(
        _ shape: [Int], _ dtype: DType, _ key: MLXArray, _ stream: StreamOrDevice
    ) -> MLXArray {
        guard dtype.isFloatingPoint, !dtype.isComplex else { return refused("gumbel", dtype) }
        let u = drawUniform(
            MLXArray(0 as Float), MLXArray(1 as Float), shape, dtype, key, stream)
        return -log(-log(u, stream: stream), stream: stream)
    }

    /// Laplace numbers.
    static func drawLaplace(
        _ shape: [Int], _ dtype: DType, _ loc: Float, _ scale: Float, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        guard dtype.isFloatingPoint, !dtype.isComplex else { return refused("laplace", dtype) }
        let u = drawUniform(
            MLXArray(Float(-1).nextUp), MLXArray(1 as Float), shape, .float32, key, stream)
        let x = Ops.cast(sign(u) * log1p(-abs(u)), to: dtype, stream: stream.id)
        let scaled = scale == 1 ? x : recordBinary(.multiply, x, scale, stream)
        return loc == 0 ? scaled : recordBinary(.add, scaled, loc, stream)
    }

    /// Indices with probability softmax(logits): the largest of logits plus Gumbel noise.
    static func drawCategorical(
        _ logits: MLXArray, _ axis: Int, _ count: Int?, _ shape: [Int]?, _ key: MLXArray,
        _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([logits, key]) { () throws(ArrayError) in
            let rank = logits.ndim
            let axis = try Axes.normalize(axis, rank: rank, operation: "categorical")
            if let count {
                let spread = expandedDimensions(logits, axis: -1, stream: stream)
                let noise = drawGumbel(logits.shape + [count], .float32, key, stream)
                return argMax(noise + spread, axis: axis, stream: stream)
            }
            guard let shape else {
                let noise = drawGumbel(logits.shape, .float32, key, stream)
                return argMax(noise + logits, axis: axis, stream: stream)
            }
            var reduced = logits.shape
            let length = reduced.remove(at: axis)
            let target = try Shape(validating: shape, operation: "categorical")
            let own = try Shape(validating: reduced, operation: "categorical")
            guard try Broadcasting.shape([own, target], operation: "categorical") == target else {
                throw ArrayError(
                    .shape, "categorical", "cannot broadcast \(own) to \(target)",
                    shapes: [reduced, shape])
            }
            var full = shape
            let place = axis + shape.count - reduced.count
            full.insert(length, at: place)
            return argMax(
                drawGumbel(full, .float32, key, stream) + logits, axis: place, stream: stream)
        }
    }
}

/// The error function by the short formula 7.1.26 of Abramowitz and Stegun with a short
/// exponential, as MLX has it. NUMERICS: it is off by 1.5e-7, and draws between two bounds are
/// only MLX's when the bounds are, to the last bit. Products and sums that MLX rounds once are
/// exact in float64 and rounded to float32 here.
private func shortErf(_ x: MLXArray) -> MLXArray {
    if x.dtype == .float64 { return erf(x) }
    let v = x.asType(.float32)
    let t = 1 / onceRounded(abs(v), MLXArray(0.3275911 as Float), 1)
    var r = MLXArray(1.061405429 as Float)
    for term in [-1.453152027, 1.421413741, -0.284496736, 0.254829592] as [Float] {
        r = onceRounded(r, t, term)
    }
    let size = onceRounded(-shortExp(-(v * v)) * t, r, 1)
    return which(v .> 0, size, -size).asType(x.dtype)
}

/// 2^n p(f) with n + f = x log₂ e, f within a half of zero and p of degree six.
private func shortExp(_ x: MLXArray) -> MLXArray {
    let scaled = x * (1.442695 as Float)
    let whole = floor(scaled + 0.5)
    let part = scaled - whole
    var p = MLXArray(1.535336188319500e-4 as Float)
    let terms: [Float] = [
        1.339887440266574e-3, 9.618437357674640e-3, 5.550332471162809e-2, 2.402264791363012e-1,
        6.931472028550421e-1, 1,
    ]
    for term in terms { p = onceRounded(p, part, term) }
    return pow(MLXArray(2 as Float), whole) * p
}

/// a b + c, rounded once to float32.
private func onceRounded(_ a: MLXArray, _ b: MLXArray, _ c: Float) -> MLXArray {
    let product = a.asType(.float64) * b.asType(.float64)
    return (product + MLXArray(float64: Double(c))).asType(.float32)
}
