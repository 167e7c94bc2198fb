import MLX

/// Images and signals in another size, channels last. Each spatial axis is treated by itself: its
/// elements are weighted sums of a few of the input's, at places and with weights that follow from
/// the sizes alone. These are worked out here as plain numbers, so no graph is made for them.

/// Scales the spatial axes of (N, …, C); a factor below 1 makes them shorter.
/// ```swift
/// let large = Upsample(scaleFactor: 2.0, mode: .linear())
/// let y = large(image)  // (N, H, W, C) to (N, 2H, 2W, C)
/// ```
open class Upsample: Module, UnaryLayer {
    /// How values between elements are made.
    public enum Mode: Sendable {
        /// The nearest element.
        case nearest
        /// A mean of the two neighbours. With `alignCorners` the first and last elements keep
        /// their values, otherwise elements are areas whose middles are interpolated.
        case linear(alignCorners: Bool = false)
        /// Cubic convolution of the four neighbours with a = -0.75 (Keys, 1981), the border
        /// repeated.
        case cubic(alignCorners: Bool = false)
    }

    /// One factor for all spatial axes, or one for each.
    public let scaleFactor: FloatOrArray
    /// How values between elements are made.
    public let mode: Mode
    /// Whether kernels are as wide as a result's element when the image shrinks.
    public let antialias: Bool

    /// A layer without antialiasing.
    public convenience init(scaleFactor: FloatOrArray, mode: Mode = .nearest) {
        self.init(scaleFactor: scaleFactor, mode: mode, antialias: false)
    }

    /// A layer whose kernel, when the image shrinks, covers all input elements that a result's
    /// element stands for. The cubic kernel then has a = -0.5.
    ///
    /// Antialiasing goes with `.linear` and `.cubic` without aligned corners; otherwise the
    /// results are errors.
    public init(scaleFactor: FloatOrArray, mode: Mode = .nearest, antialias: Bool) {
        self.scaleFactor = scaleFactor
        self.mode = mode
        self.antialias = antialias
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(scaleFactor=\(scaleFactor), mode=\(mode)\(antialias ? ", antialias=true" : ""))"
    }

    /// Applies the layer: a spatial axis of length L becomes scaleFactor L, rounded down.
    ///
    /// A number of factors other than one or the number of spatial axes is an error of the result,
    /// as are factors that are not positive and finite.
    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        do throws(ArrayError) {
            let rank = x.ndim - 2
            let scales = scaleFactor.asArray(dimensions: max(rank, 0))
            let largest = Float(1 << 31)
            guard rank >= 1, scales.count == rank,
                scales.enumerated().allSatisfy({
                    $0.element > 0 && $0.element * Float(x.dim($0.offset + 1)) < largest
                })
            else {
                throw ArrayError(
                    .argument, "Upsample",
                    "needs (N, …, C) and positive factors, one or one for each spatial axis, not "
                        + "\(scaleFactor)", shapes: [x.shape])
            }
            var y = x
            for (axis, scale) in scales.enumerated() where scale != 1 || antialias {
                y = try scaled(y, axis: axis + 1, by: scale)
            }
            return noted(y, from: x)
        } catch {
            return invalidArray(error, inputs: [x])
        }
    }

    private func scaled(
        _ x: MLXArray, axis: Int, by scale: Float
    ) throws(ArrayError) -> MLXArray {
        let count = x.dim(axis)
        let places = Resampling(from: count, scale: scale)
        switch mode {
        case .nearest where antialias:
            throw ArrayError(.argument, "Upsample", "antialiasing needs linear or cubic mode")
        case .nearest:
            if scale == scale.rounded() { return repeated(x, count: Int(scale), axis: axis) }
            return take(x, MLXArray(places.nearest()), axis: axis)
        case .linear(true) where antialias, .cubic(true) where antialias:
            throw ArrayError(
                .argument, "Upsample", "antialiasing does not go with aligned corners")
        case .linear(let aligned):
            return weighted(
                x, axis, antialias ? places.wide(radius: 1, triangle) : places.linear(aligned))
        case .cubic(let aligned):
            return weighted(
                x, axis,
                antialias
                    ? places.wide(radius: 2) { cubic($0, -0.5) } : places.cubic(aligned))
        }
    }

    /// The sum over the taps of weight · element.
    private func weighted(_ x: MLXArray, _ axis: Int, _ taps: [Resampling.Tap]) -> MLXArray {
        let column = [taps[0].weights.count] + [Int](repeating: 1, count: x.ndim - axis - 1)
        let terms = taps.map {
            take(x, MLXArray($0.indices), axis: axis) * MLXArray($0.weights, column)
        }
        return terms.dropFirst().reduce(terms[0]) { $0 + $1 }
    }
}

private func triangle(_ distance: Float) -> Float { max(1 - distance, 0) }

/// Keys's kernel of radius 2.
private func cubic(_ x: Float, _ a: Float) -> Float {
    if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}

/// The places in an axis of `count` elements that the elements of a scaled one stand at.
/// NUMERICS: places are float32, as in MLX, so that ties go the same way.
private struct Resampling {
    /// One element and its weight for each element of the result.
    struct Tap {
        var indices: [Int32]
        var weights: [Float]
    }

    let count: Int
    let scale: Float
    let newCount: Int

    init(from count: Int, scale: Float) {
        self.count = count
        self.scale = scale
        newCount = Int(scale * Float(count))
    }

    private var last: Float { Float(max(count - 1, 0)) }

    private func positions(_ aligned: Bool) -> [Float] {
        if aligned {
            let step = last / Float(max(newCount - 1, 1))
            return (0..<newCount).map { Float($0) * step }
        }
        let step = 1 / scale
        let start = (Float(newCount - 1) * step - Float(count) + 1) / 2
        return (0..<newCount).map { Float($0) * step - start }
    }

    func nearest() -> [Int32] {
        let step = Float(Double(count) / Double(max(newCount, 1)))
        return (0..<newCount).map {
            let place =
                newCount > count
                ? ((Float($0) + 0.5) * step - 0.5).rounded(.toNearestOrEven) : Float($0) * step
            return Int32(min(max(place, 0), last))
        }
    }

    func linear(_ aligned: Bool) -> [Tap] {
        let places = positions(aligned).map { min(max($0, 0), last) }
        let fractions = places.map { $0 - $0.rounded(.down) }
        return [
            Tap(
                indices: places.map { Int32($0.rounded(.down)) },
                weights: fractions.map { 1 - $0 }),
            Tap(indices: places.map { Int32($0.rounded(.up)) }, weights: fractions),
        ]
    }

    func cubic(_ aligned: Bool) -> [Tap] {
        let places = positions(aligned)
        return (-1...2).map { offset in
            tap(places, offset) { MLXNN.cubic($0, -0.75) }
        }
    }

    /// Kernels widened by what the axis shrinks; weights sum to 1 without what lies outside.
    func wide(radius: Float, _ kernel: (Float) -> Float) -> [Tap] {
        let width = max(1 / scale, 1)
        let places = positions(false)
        let reach = Int((min(radius * width, Float(count) + 2)).rounded(.up))
        var taps = (-reach...reach + 1).map { offset in
            tap(places, offset) { kernel($0 / width) }
        }
        for (index, place) in places.enumerated() {
            for tap in taps.indices {
                let element = place.rounded(.down) + Float(tap - reach)
                if element < 0 || element > last { taps[tap].weights[index] = 0 }
            }
            let total = taps.reduce(Float(0)) { $0 + $1.weights[index] }
            for tap in taps.indices where total > 0 { taps[tap].weights[index] /= total }
        }
        let used = taps.filter { $0.weights.contains { $0 != 0 } }
        return used.isEmpty ? [taps[0]] : used
    }

    /// The elements `offset` after those below the places, and the kernel at their distance.
    private func tap(_ places: [Float], _ offset: Int, _ kernel: (Float) -> Float) -> Tap {
        let elements = places.map { $0.rounded(.down) + Float(offset) }
        return Tap(
            indices: elements.map { Int32(min(max($0, 0), last)) },
            weights: zip(places, elements).map { kernel(abs($0 - $1)) })
    }
}
