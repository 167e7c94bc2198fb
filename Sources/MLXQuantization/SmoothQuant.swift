import MLX
import MLXNN

/// What was done to the inputs of layers that share them.
public struct SmoothedInputs: Sendable, Codable, Hashable {
    /// The linear layers.
    public let paths: [String]
    /// The layer that the scales were folded into; nil where there is none, and nothing was done.
    public let source: String?
    /// The largest magnitude of an input before, and after.
    public let largest: Float
    /// The largest magnitude of an input after the scales were folded.
    public let largestAfter: Float
}

extension Module {
    /// Moves scale from the inputs of linear layers to their weights (Xiao et al., "SmoothQuant",
    /// 2023), so that both round well to int8: input j is divided by
    /// s_j = max|x_j|^strength / max|w_j|^(1 - strength). In floats the model computes what it did.
    ///
    /// ```swift
    /// try model.smoothInputs(data: batches) { model($0) }
    /// quantizeInt8(model: model)
    /// ```
    /// The division is folded into the norm or the linear layer that makes the inputs; which one
    /// that is is found by trying, and layers whose inputs come from nothing of the kind stay.
    /// - Parameters:
    ///   - strength: how much of the range is moved, in 0...1; 0.5 for half.
    ///   - forward: runs the model and returns its result.
    /// - Returns: a row for each input that linear layers have.
    /// - Throws: `QuantizationError`, what `forward` throws, `CancellationError`.
    @discardableResult public func smoothInputs<Batch>(
        strength: Float = 0.5, data: [Batch], forward: @escaping (Batch) throws -> MLXArray
    ) throws -> [SmoothedInputs] {
        guard (0...1).contains(strength) else {
            throw QuantizationError("a strength of \(strength) is not in 0...1")
        }
        let wasTraining = training
        train(false)
        defer { train(wasTraining) }
        let observed = try ObservedModel(self, data, forward)
        let groups = try observed.groups()
        let sources = try observed.sources(groups, of: groups)
        let sums = try observed.sums(of: groups.map { $0.layers[0].layer }, wantsMoments: false)
        return try zip(groups, sources).map { group, source in
            guard let peaks = sums[ObjectIdentifier(group.layers[0].layer)]?.largest else {
                throw QuantizationError("\(group.layers[0].path) was given nothing")
            }
            let scales = smoothingScales(peaks, group.layers.map(\.layer.weight), strength)
            let after = source == nil ? peaks : peaks / scales
            try checkedEval([scales, peaks.max(), after.max()])
            if let source {
                source.divide(by: scales)
                group.multiply(by: scales)
                try checkedEval((source.state + group.state).map(\.0))
            }
            return SmoothedInputs(
                paths: group.layers.map(\.path), source: source?.path,
                largest: peaks.max().item(Float.self), largestAfter: after.max().item(Float.self))
        }
    }
}

/// (inputs); ones for inputs or weights that are all zeros.
func smoothingScales(_ peaks: MLXArray, _ weights: [MLXArray], _ strength: Float) -> MLXArray {
    let sizes = weights.map { abs($0.asType(.float32)).max(axis: 0) }
    let largest = sizes.dropFirst().reduce(sizes[0]) { maximum($0, $1) }
    let isUsed = logicalAnd(peaks .> 0, largest .> 0)
    let one = MLXArray(Float(1))
    let scales =
        pow(which(isUsed, peaks, one), strength)
        / pow(which(isUsed, largest, one), 1 - strength)
    // NUMERICS: a scale far from one would leave the range of half types.
    return clip(which(isUsed, scales, one), min: Float(1e-4), max: Float(1e4))
}
