import MLX

/// The scale and bias of groups of weights, and the codes on them. Arrays are float32; scales and
/// biases are rounded to the dtype that they are stored in before codes are chosen.
struct AffineGrid {
    /// (…, 1)
    let scales: MLXArray
    /// (…, 1)
    let biases: MLXArray
    let largest: Float

    /// The codes of weights (…, n) of the groups.
    func codes(_ weights: MLXArray) -> MLXArray {
        // A group of equal weights has scale 0 and stands for its bias whatever the code.
        let divisor = which(scales .== 0, MLXArray(Float(1)), scales)
        return clip(round((weights - biases) / divisor), min: Float(0), max: largest)
    }

    /// What codes stand for.
    func values(_ codes: MLXArray) -> MLXArray { scales * codes + biases }

    /// The range of each group, as `quantized` has it: groups (outputs, groups, size) to scales and
    /// biases (outputs, groups, 1).
    static func ofRange(
        _ groups: MLXArray, _ format: AffineFormat, dtype: DType
    ) -> AffineGrid {
        let shape = groups.shape
        let flat = groups.reshaped([shape[0], shape[1] * shape[2]]).asType(dtype)
        let parts = AffineWeights.nearest(flat, format)
        func column(_ array: MLXArray) -> MLXArray {
            array.asType(.float32).reshaped([shape[0], shape[1], 1])
        }
        return AffineGrid(
            scales: column(parts.scales), biases: column(parts.biases), largest: format.largest)
    }
}

// MARK: - Search

extension AffineGrid {
    /// The shares of a group's range that are tried. NUMERICS: weights are bell-shaped, and with
    /// few codes the rare ends of the range cost more than cutting them off does.
    private static let shares: [Float] = [1, 0.94, 0.88, 0.82, 0.76, 0.7, 0.62]
    private static let rounds = 4

    /// The grid with the least weighted squared error that a search finds: from several shares of
    /// the range, codes and the regression of the weights on them in turns. It is never worse than
    /// that of the range.
    /// - Parameters:
    ///   - groups: (outputs, groups, size).
    ///   - importance: what squares are multiplied with, broadcast to the groups; nil for one.
    static func leastSquares(
        _ groups: MLXArray, importance: MLXArray?, _ format: AffineFormat, dtype: DType
    ) -> AffineGrid {
        let wide = groups.asType(.float32)
        let h = importance.map { broadcast($0, to: wide.shape) } ?? MLXArray.ones(like: wide)
        var best = ofRange(groups, format, dtype: dtype)
        var least = error(wide, h, best)
        let low = wide.min(axis: -1, keepDims: true)
        let high = wide.max(axis: -1, keepDims: true)
        for share in shares {
            let cut = (high - low) * ((1 - share) / 2)
            var grid = AffineGrid(
                scales: (high - low) * (share / format.largest), biases: low + cut,
                largest: format.largest
            ).rounded(dtype)
            for _ in 0..<rounds {
                (best, least) = better(best, least, grid, error(wide, h, grid))
                grid = regression(wide, h, grid).rounded(dtype)
            }
            (best, least) = better(best, least, grid, error(wide, h, grid))
        }
        return best
    }

    private func rounded(_ dtype: DType) -> AffineGrid {
        AffineGrid(
            scales: scales.asType(dtype).asType(.float32),
            biases: biases.asType(dtype).asType(.float32), largest: largest)
    }

    private static func error(_ w: MLXArray, _ h: MLXArray, _ grid: AffineGrid) -> MLXArray {
        (h * square(grid.values(grid.codes(w)) - w)).sum(axis: -1, keepDims: true)
    }

    private static func better(
        _ a: AffineGrid, _ errorA: MLXArray, _ b: AffineGrid, _ errorB: MLXArray
    ) -> (AffineGrid, MLXArray) {
        let isBetter = errorB .< errorA
        let grid = AffineGrid(
            scales: which(isBetter, b.scales, a.scales),
            biases: which(isBetter, b.biases, a.biases), largest: a.largest)
        return (grid, which(isBetter, errorB, errorA))
    }

    /// Scale and bias that fit the weights best when their codes stay.
    private static func regression(
        _ w: MLXArray, _ h: MLXArray, _ grid: AffineGrid
    ) -> AffineGrid {
        func sum(_ x: MLXArray) -> MLXArray { x.sum(axis: -1, keepDims: true) }
        let q = grid.codes(w)
        let total = sum(h)
        let safe = which(total .== 0, MLXArray(Float(1)), total)
        let (meanQ, meanW) = (sum(h * q) / safe, sum(h * w) / safe)
        let (dq, dw) = (q - meanQ, w - meanW)
        let spread = sum(h * square(dq))
        let hasSpread = spread .> 0
        let slope = sum(h * dq * dw) / which(hasSpread, spread, MLXArray(Float(1)))
        let scales = which(hasSpread, slope, grid.scales)
        return AffineGrid(
            scales: scales, biases: which(hasSpread, meanW - scales * meanQ, grid.biases),
            largest: grid.largest)
    }
}

extension AffineWeights {
    /// The codes of a matrix on a grid of all its groups, (outputs, groups, 1).
    init(_ weight: MLXArray, on grid: AffineGrid, _ format: AffineFormat, dtype: DType) {
        let (outputs, inputs) = (weight.dim(0), weight.dim(1))
        let count = inputs / format.groupSize
        let groups = weight.asType(.float32).reshaped([outputs, count, format.groupSize])
        self.init(
            codes: AffineWeights.packed(
                grid.codes(groups).reshaped([outputs, inputs]), bits: format.bits),
            scales: grid.scales.reshaped([outputs, count]).asType(dtype),
            biases: grid.biases.reshaped([outputs, count]).asType(dtype), format: format)
    }

    /// The affine form of a matrix with the least squared error that a search over scales and
    /// biases finds, group by group; never worse than `quantized`.
    /// ```swift
    /// let small = try AffineWeights(searching: layer.weight, AffineFormat(groupSize: 64, bits: 4))
    /// ```
    /// - Parameters:
    ///   - weight: (outputs, inputs) in real floats.
    ///   - importance: (inputs), what the squared error of each column is multiplied with; nil for
    ///     one.
    /// - Throws: `ArrayError` for another shape or dtype, and what computing the arrays throws.
    public init(
        searching weight: MLXArray, importance: MLXArray? = nil, _ format: AffineFormat
    ) throws {
        try AffineWeights.check(weight, format, "leastSquares")
        let (outputs, inputs) = (weight.dim(0), weight.dim(1))
        if let importance, importance.shape != [inputs] {
            throw ArrayError(
                .shape, "leastSquares", "needs an importance for each input",
                shapes: [weight.shape, importance.shape])
        }
        let shape = [outputs, inputs / format.groupSize, format.groupSize]
        let grid = AffineGrid.leastSquares(
            weight.reshaped(shape),
            importance: importance?.asType(.float32).reshaped([1] + shape.dropFirst()), format,
            dtype: weight.dtype)
        self.init(weight, on: grid, format, dtype: weight.dtype)
        try checkedEval([codes, scales, biases])
    }

    /// - Throws: `ArrayError` unless a weight is a matrix of whole groups in real floats.
    static func check(
        _ weight: MLXArray, _ format: AffineFormat, _ operation: String
    ) throws {
        guard weight.ndim == 2, weight.size > 0, weight.dim(1) % format.groupSize == 0 else {
            throw ArrayError(
                .shape, operation,
                "needs a matrix whose rows are whole groups of"
                    + " \(format.groupSize)", shapes: [weight.shape])
        }
        guard [.float32, .float16, .bfloat16].contains(weight.dtype) else {
            throw ArrayError(.dtype, operation, "needs real floats of at most 32 bits")
        }
    }
}
