import MLX

// GPTQ (Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
// Transformers", 2023): columns are rounded one after the other, and what a column lost is made up
// for by those that are still in floats, as the second moments of the inputs say.

/// How GPTQ goes about it.
public struct GPTQOptions: Hashable, Sendable, Codable {
    /// What is added to the diagonal of the second moments, as a share of its mean; positive.
    public var damping: Float = 0.01
    /// Round the columns with the largest inputs first. Scales and biases are then those of the
    /// weights as they were.
    public var ordersByActivation = false
    /// Search scale and bias of each group, rather than taking its range.
    public var searchesGrid = true

    /// - Parameters: see the properties.
    public init(
        damping: Float = 0.01, ordersByActivation: Bool = false, searchesGrid: Bool = true
    ) {
        self.damping = damping
        self.ordersByActivation = ordersByActivation
        self.searchesGrid = searchesGrid
    }
}

extension AffineWeights {
    /// The affine form of a matrix W that changes the products X Wᵀ least, by GPTQ.
    /// ```swift
    /// let moments = matmul(x.T, x) / Float(x.dim(0))
    /// let small = try AffineWeights(gptq: layer.weight, moments: moments, AffineFormat(bits: 3))
    /// ```
    /// - Parameters:
    ///   - weight: (outputs, inputs) in real floats.
    ///   - moments: (inputs, inputs), the second moments XᵀX of the inputs, in any scale.
    /// - Throws: `ArrayError` for shapes that do not fit and damping that is not positive,
    ///   `QuantizationError` for moments that are not finite or not positive definite with damping,
    ///   and what computing the arrays throws.
    public init(
        gptq weight: MLXArray, moments: MLXArray, _ format: AffineFormat,
        options: GPTQOptions = GPTQOptions()
    ) throws {
        try AffineWeights.check(weight, format, "gptq")
        guard moments.shape == [weight.dim(1), weight.dim(1)] else {
            throw ArrayError(
                .shape, "gptq", "needs moments (inputs, inputs)",
                shapes: [weight.shape, moments.shape])
        }
        guard options.damping > 0, options.damping.isFinite else {
            throw ArrayError(.argument, "gptq", "damping of \(options.damping)")
        }
        var run = try GPTQRun(weight, moments.asType(.float32), format, options)
        self = try run.weights()
    }
}

/// The rounding of one matrix.
private struct GPTQRun {
    private let dtype: DType
    private let format: AffineFormat
    private let options: GPTQOptions
    private let original: MLXArray
    /// The order in which columns are rounded; nil for their own.
    private let order: MLXArray?
    /// The upper factor U of the inverse moments UᵀU, columns in order.
    private let factor: MLXArray
    /// The diagonal of the moments, columns in order.
    private let importance: MLXArray
    /// Weights that are not rounded yet, columns in order; changed by what others lost.
    private var rest: MLXArray

    init(
        _ weight: MLXArray, _ moments: MLXArray, _ format: AffineFormat, _ options: GPTQOptions
    ) throws {
        dtype = weight.dtype
        self.format = format
        self.options = options
        original = weight.asType(.float32)
        let diagonal = diag(moments)
        let order = options.ordersByActivation ? argSort(-diagonal, axis: 0) : nil
        func sorted(_ array: MLXArray, _ axis: Int) -> MLXArray {
            order.map { take(array, $0, axis: axis) } ?? array
        }
        factor = try GPTQRun.factor(
            sorted(sorted(moments, 0), 1), damping: options.damping)
        importance = sorted(diagonal, 0)
        rest = sorted(original, 1)
        self.order = order
    }

    /// The factor by one Cholesky decomposition: with H = V Vᵀ, V upper (the decomposition of H
    /// with rows and columns reversed), H⁻¹ = V⁻ᵀ V⁻¹, so that U = V⁻¹.
    private static func factor(_ moments: MLXArray, damping: Float) throws -> MLXArray {
        let diagonal = diag(moments)
        let mean = diagonal.mean()
        try checkedEval([mean])
        let size = mean.item(Float.self)
        guard size.isFinite, size >= 0 else {
            throw QuantizationError("gptq: the moments of the inputs are not finite")
        }
        // An input that was never there has no say: its column is rounded alone.
        let silent = diagonal .<= 0
        let floor = size > 0 ? size : 1
        let raised = which(silent, MLXArray(floor), MLXArray(damping * floor))
        let damped = moments + diag(raised)
        let reversed = damped[.stride(by: -1), .stride(by: -1)]
        let lower = MLXLinalg.cholesky(reversed)
        let upper = lower[.stride(by: -1), .stride(by: -1)]
        let factor = MLXLinalg.triInv(upper, upper: true)
        let isFinite = all(MLX.isFinite(factor))
        do { try checkedEval([factor, isFinite]) } catch {
            throw QuantizationError("gptq: no decomposition of the moments: \(error)")
        }
        guard isFinite.item(Bool.self) else {
            throw QuantizationError("gptq: the moments are not positive definite")
        }
        return factor
    }

    mutating func weights() throws -> AffineWeights {
        let (outputs, inputs, size) = (original.dim(0), original.dim(1), format.groupSize)
        let fixed = order.map { fixedGrid($0) }
        var codes: [MLXArray] = []
        var grids: [AffineGrid] = []
        for start in stride(from: 0, to: inputs, by: size) {
            let end = start + size
            let block = rest[0..., ..<size]
            let grid =
                fixed.map { columns(of: $0, start..<end) }
                ?? self.grid(
                    block.reshaped([outputs, 1, size]), importance[start..<end]
                ).flat(outputs)
            let rounded = roundColumns(block, grid, factor[start..<end, start..<end])
            codes.append(rounded.codes)
            grids.append(grid)
            if end < inputs {
                rest = rest[0..., size...] - matmul(rounded.losses, factor[start..<end, end...])
                try checkedEval([rest, rounded.codes])
            }
        }
        var all = concatenated(codes, axis: 1)
        if let order { all = take(all, argSort(order, axis: 0), axis: 1) }
        func joined(_ part: (AffineGrid) -> MLXArray) -> MLXArray {
            concatenated(grids.map(part), axis: 1)
        }
        let scales = fixed?.scales.squeezed(axis: -1) ?? joined(\.scales)
        let biases = fixed?.biases.squeezed(axis: -1) ?? joined(\.biases)
        let result = AffineWeights(
            codes: AffineWeights.packed(all, bits: format.bits), scales: scales.asType(dtype),
            biases: biases.asType(dtype), format: format)
        try checkedEval([result.codes, result.scales, result.biases])
        return result
    }

    private func grid(_ groups: MLXArray, _ importance: MLXArray) -> AffineGrid {
        options.searchesGrid
            ? .leastSquares(groups, importance: importance, format, dtype: dtype)
            : .ofRange(groups, format, dtype: dtype)
    }

    /// The grid of all groups of the weights as they were, (outputs, groups, 1): with the columns
    /// in another order a group is met in pieces.
    private func fixedGrid(_ order: MLXArray) -> AffineGrid {
        let shape = [
            original.dim(0), original.dim(1) / format.groupSize, format.groupSize,
        ]
        let own = take(importance, argSort(order, axis: 0), axis: 0)
        return grid(original.reshaped(shape), own.reshaped([1] + shape.dropFirst()))
    }

    /// Scale and bias of single columns, (outputs, columns).
    private func columns(of grid: AffineGrid, _ range: Range<Int>) -> AffineGrid {
        let groups = (order ?? arange(original.dim(1)))[range].asType(.int32)
            .floorDivide(Int32(format.groupSize))
        return AffineGrid(
            scales: take(grid.scales.squeezed(axis: -1), groups, axis: 1),
            biases: take(grid.biases.squeezed(axis: -1), groups, axis: 1), largest: grid.largest)
    }

    /// Rounds the columns of a block one after the other.
    /// - Parameters:
    ///   - grid: (outputs, 1) or (outputs, columns).
    ///   - factor: (columns, columns), upper.
    /// - Returns: codes, and what each column lost divided by its element of the diagonal.
    private func roundColumns(
        _ block: MLXArray, _ grid: AffineGrid, _ factor: MLXArray
    ) -> (codes: MLXArray, losses: MLXArray) {
        var w = block
        var (codes, losses): ([MLXArray], [MLXArray]) = ([], [])
        let isShared = grid.scales.dim(1) == 1
        for index in 0..<block.dim(1) {
            let own = index..<index + 1
            let columnGrid =
                isShared
                ? grid
                : AffineGrid(
                    scales: grid.scales[0..., own], biases: grid.biases[0..., own],
                    largest: grid.largest)
            let column = w[0..., own]
            let code = columnGrid.codes(column)
            let loss = (column - columnGrid.values(code)) / factor[own, own]
            // Rows of the factor are zero before the diagonal: columns that are done stay.
            w = w - loss * factor[own, 0...]
            codes.append(code)
            losses.append(loss)
        }
        return (concatenated(codes, axis: 1), concatenated(losses, axis: 1))
    }
}

extension AffineGrid {
    /// A grid of one group, (outputs, 1, 1), as (outputs, 1).
    fileprivate func flat(_ outputs: Int) -> AffineGrid {
        AffineGrid(
            scales: scales.reshaped([outputs, 1]), biases: biases.reshaped([outputs, 1]),
            largest: largest)
    }
}
