import Foundation
import MLX
import MLXNN

// What a model loses when its layers are quantized: each layer alone, on data.

/// What quantizing one layer costs.
public struct QuantizedLayerError: Codable, Sendable, Hashable {
    /// Where the layer is.
    public let path: String
    /// Its weights in floats.
    public let parameterCount: Int
    /// ‖y' - y‖ / ‖y‖ over all of the layer's results.
    public let relativeError: Float
    /// The cosine between both results as one vector each.
    public let cosine: Float
    /// The largest difference of an element.
    public let largestError: Float
    /// What no difference exceeds, the largest of all elements: for weights changed by Δ, Σ|Δ||x|
    /// and the rounding of inputs in mode int8, with a share for sums in float32. NaN for layers
    /// that have none (convolutions).
    public let bound: Float
    /// ‖z' - z‖ / ‖z‖ of the model's result when this layer alone is quantized.
    public let sensitivity: Float
}

/// What a model loses by being quantized, layer by layer.
public struct QuantizationReport: Codable, Sendable, Hashable, CustomStringConvertible {
    /// How weights are stored.
    public let mode: QuantizationMode
    /// How many weights share a scale.
    public let groupSize: Int
    /// The bits of a stored weight.
    public let bits: Int
    /// A row for each layer that was met, in the order of the first calls.
    public let layers: [QuantizedLayerError]
    /// ‖z' - z‖ / ‖z‖ of the model's result when all these layers are quantized.
    public let modelError: Float

    /// The layers to leave in floats so that the model's result changes by no more than a part.
    ///
    /// Changes of single layers are taken to be independent, so that their squares add up; the
    /// most sensitive ones stay. NUMERICS: where they are not, a measured `modelError` that is
    /// above that sum raises all of them in proportion.
    /// - Parameter relativeError: what ‖z' - z‖ / ‖z‖ may be.
    /// - Returns: paths, the most sensitive first; all that are needed and none besides.
    public func layersToKeep(relativeError: Float) -> [String] {
        func sum(_ rows: ArraySlice<QuantizedLayerError>) -> Double {
            var sum = 0.0
            for row in rows { sum += Double(row.sensitivity) * Double(row.sensitivity) }
            return sum
        }
        let total = sum(layers[...])
        let measured = Double(modelError) * Double(modelError)
        let factor = total > 0 && measured > total ? measured / total : 1
        let limit = Double(relativeError) * Double(relativeError)
        let sorted = layers.sorted {
            ($1.sensitivity, $0.path) < ($0.sensitivity, $1.path)
        }
        for count in 0..<sorted.count where factor * sum(sorted[count...]) <= limit {
            return sorted[..<count].map(\.path)
        }
        return sorted.map(\.path)
    }

    /// A table of the layers, the most sensitive last.
    public var description: String {
        let width = max(layers.map(\.path.count).max() ?? 0, 5)
        func cell(_ value: Float) -> String {
            String(format: "%11.3e", Double(value))
        }
        let head =
            "layer".padding(toLength: width, withPad: " ", startingAt: 0)
            + "    relative     largest       bound  sensitivity   1 - cosine"
        let rows = layers.sorted { $0.sensitivity < $1.sensitivity }.map { row in
            row.path.padding(toLength: width, withPad: " ", startingAt: 0)
                + " " + cell(row.relativeError) + " " + cell(row.largestError) + " "
                + cell(row.bound) + "  " + cell(row.sensitivity) + "  " + cell(1 - row.cosine)
        }
        let last =
            "\(mode.rawValue), \(bits) bits, groups of \(groupSize); all layers:"
            + cell(modelError)
        return ([head] + rows + [last]).joined(separator: "\n")
    }
}

extension UnaryLayer {
    /// What the model loses by being quantized, on batches of inputs; as
    /// ``quantizationReport(data:groupSize:bits:mode:filter:forward:)``.
    /// ```swift
    /// let report = try model.quantizationReport(data: batches, bits: 4)
    /// let kept = report.layersToKeep(relativeError: 0.01)
    /// quantize(model: model, bits: 4) { path, _ in !kept.contains(path) }
    /// ```
    public func quantizationReport(
        data: [MLXArray], groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
        filter: (String, Module) -> Bool = { _, _ in true }
    ) throws -> QuantizationReport {
        try quantizationReport(
            data: data, groupSize: groupSize, bits: bits, mode: mode, filter: filter
        ) { self($0) }
    }
}

extension Module {
    /// What the model loses by being quantized: for each linear layer (in mode int8 also each
    /// two-dimensional convolution) in a property with `@ModuleInfo` the error of its own results
    /// for the inputs that it gets, a bound that no element of these exceeds, and the change of the
    /// model's result when it alone is quantized. The model is afterwards as before.
    /// - Parameters:
    ///   - groupSize: how many weights share a scale; the mode's own if nil.
    ///   - bits: of a stored weight; the mode's own if nil.
    ///   - mode: affine, another of MLX's, or int8.
    ///   - filter: which layers, by path and layer.
    ///   - forward: runs the model and returns its result. It is run once for each layer and batch.
    /// - Throws: `ArrayError` for a group size or width that the mode does not have,
    ///   `QuantizationError`, what `forward` throws, `CancellationError`.
    public func quantizationReport<Batch>(
        data: [Batch], groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine,
        filter: (String, Module) -> Bool = { _, _ in true },
        forward: @escaping (Batch) throws -> MLXArray
    ) throws -> QuantizationReport {
        let settings = try mode.settings(groupSize: groupSize, bits: bits)
        let wasTraining = training
        train(false)
        defer { train(wasTraining) }
        let observed = try ObservedModel(self, data, forward)
        var pass = ReportPass(observed)
        try pass.choose(filter) { layer in
            if mode == .int8 { return (layer as? any Int8Quantizable)?.toInt8() }
            guard let linear = layer as? Linear, linear.shape.1 > 0,
                linear.shape.1 % settings.groupSize == 0
            else { return nil }
            return linear.toQuantized(
                groupSize: settings.groupSize, bits: settings.bits, mode: mode)
        }
        let (rows, modelError) = try pass.measure()
        return QuantizationReport(
            mode: mode, groupSize: settings.groupSize, bits: settings.bits, layers: rows,
            modelError: modelError)
    }
}
