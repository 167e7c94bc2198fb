import MLX
import MLXNN

/// `Linear` with int8 weights, one scale for each output, and inputs that are rounded to int8
/// with one scale that is known beforehand: y = s (q(x) Wᵀ) · scales + b, where q(x) = round(x / s)
/// in -127...127.
///
/// NUMERICS: the integers are multiplied as float32, whose sums are exact up to 2²⁴, that is for
/// 1,040 inputs at the end of their range.
/// ```swift
/// let scales = try model.activationScales(.entropy, data: batches) { model($0) }
/// try model.quantizeStaticInt8(scales)
/// ```
open class StaticInt8Linear: Int8Linear {
    /// What an integer of the inputs stands for.
    @ParameterInfo(key: "input_scale") public var inputScale: MLXArray

    /// A frozen layer with the rounded weights of another one.
    /// - Parameter inputScale: what an integer of the inputs stands for; positive.
    public init(_ other: Linear, inputScale: Float) {
        _inputScale = ParameterInfo(wrappedValue: MLXArray(inputScale), key: "input_scale")
        super.init(other)
        freeze()
    }

    /// Applies the layer: (…, inputs) to (…, outputs), in the input's dtype if it is a floating
    /// one, else float32.
    open override func callAsFunction(_ x: MLXArray) -> MLXArray {
        let wide = x.asType(.float32)
        let codes = clip(round(wide / inputScale), min: Float(-127), max: Float(127))
        let y = matmul(codes, weight.asType(.float32).T) * (scales * inputScale)
        let z = bias.map { y + $0 } ?? y
        return noted(z.asType(x.dtype.isFloatingPoint ? x.dtype : .float32), from: x)
    }
}

extension Module {
    /// The scales for the inputs of linear layers, from all batches of calibration data.
    /// - Parameters:
    ///   - rule: where ranges are cut.
    ///   - forward: runs the model and returns its result.
    /// - Returns: a scale by path for each ordinary linear layer that was called.
    /// - Throws: `QuantizationError`, what `forward` throws, `CancellationError`.
    public func activationScales<Batch>(
        _ rule: RangeRule, data: [Batch], forward: @escaping (Batch) throws -> MLXArray
    ) throws -> [String: Float] {
        let histograms = try activationHistograms(data: data, forward: forward)
        return try histograms.mapValues { try $0.scale(rule) }
    }

    /// How the magnitudes of the inputs of linear layers are distributed.
    /// - Returns: a histogram by path for each ordinary linear layer that was called.
    /// - Throws: as ``activationScales(_:data:forward:)``.
    public func activationHistograms<Batch>(
        data: [Batch], forward: @escaping (Batch) throws -> MLXArray
    ) throws -> [String: ActivationHistogram] {
        let wasTraining = training
        train(false)
        defer { train(wasTraining) }
        let observed = try ObservedModel(self, data, forward)
        let paths = observed.paths()
        var histograms: [String: ActivationHistogram] = [:]
        for batch in data {
            try Task.checkCancellation()
            let (calls, output) = try observed.calls(batch)
            try checkedEval([output])
            for call in calls {
                guard let own = paths[call.module], type(of: own.module) == Linear.self,
                    let x = call.inputs.first
                else { continue }
                do {
                    try histograms[own.path, default: ActivationHistogram()].add(x)
                } catch let error as QuantizationError {
                    throw QuantizationError("\(own.path): \(error.description)")
                }
            }
        }
        return histograms
    }

    /// Replaces linear layers by int8 ones with static scales of inputs.
    /// - Parameter scales: by path, as ``activationScales(_:data:forward:)`` gives them; layers
    ///   without one stay.
    /// - Throws: `QuantizationError` for a path without an ordinary linear layer and for scales
    ///   that are not positive; nothing is replaced then. `UpdateError`.
    public func quantizeStaticInt8(_ scales: [String: Float]) throws {
        let leaves = Dictionary(leafModules().flattened()) { first, _ in first }
        var replacements: [ObjectIdentifier: Module] = [:]
        for (path, scale) in scales.sorted(by: { $0.key < $1.key }) {
            guard let leaf = leaves[path], type(of: leaf) == Linear.self,
                let layer = leaf as? Linear
            else { throw QuantizationError("\(path) is no linear layer in floats") }
            guard scale > 0, scale.isFinite else {
                throw QuantizationError("\(path): a scale of \(scale)")
            }
            replacements[ObjectIdentifier(layer)] = StaticInt8Linear(layer, inputScale: scale)
        }
        try replace(replacements)
    }
}
