import MLX
import MLXBase
import MLXFormats
import MLXNN

/// How the weights of a checkpoint are quantized, as MLX's tools write it into `config.json`:
/// `quantization` (or `quantization_config`) with `group_size`, `bits` and `mode`, and settings of
/// single layers under their paths, `false` for a layer that is not quantized. A layer is quantized
/// when the files have scales for it; what the configuration says must fit these.
public struct ModelQuantization: Sendable, Hashable {
    /// The format of a layer's weights.
    public struct Format: Sendable, Hashable {
        /// How many weights share a scale.
        public let groupSize: Int
        /// Of a stored weight.
        public let bits: Int
        /// What codes and scales stand for.
        public let mode: QuantizationMode

        /// A format; group size and bits are the mode's own where they are not given.
        /// - Throws: `ArrayError` when the mode does not have them.
        public init(
            groupSize: Int? = nil, bits: Int? = nil, mode: QuantizationMode = .affine
        ) throws {
            (self.groupSize, self.bits) = try mode.settings(groupSize: groupSize, bits: bits)
            self.mode = mode
        }
    }

    /// Of layers that have no format of their own.
    public let format: Format
    /// Of single layers, by path; nil for one that is not quantized.
    public let layers: [String: Format?]

    /// One format, and those of layers that have another or none.
    public init(_ format: Format, layers: [String: Format?] = [:]) {
        self.format = format
        self.layers = layers
    }

    /// What a configuration says; nil when it says nothing.
    init?(_ configuration: ModelConfiguration) throws {
        if let packed = try PackedCheckpoint(configuration) {
            guard let format = packed.format else { return nil }
            (self.format, layers) = (format, [:])
            return
        }
        let keys = ["quantization", "quantization_config"]
        guard
            let key = keys.first(where: { (configuration[$0] ?? .null) != .null }),
            let tree = configuration[key]
        else { return nil }
        let place = "config.json: '\(key)'"
        guard let members = tree.members else { throw ModelError("\(place) is no object") }
        if let method = tree["quant_method"]?.string, tree["group_size"] == nil {
            throw ModelError("\(place): weights quantized by '\(method)' are not read")
        }
        format = try ModelQuantization.format(tree, place)
        var layers: [String: Format?] = [:]
        for member in members {
            switch member.value {
            case .boolean(false): layers[member.key] = .some(nil)
            case .object:
                layers[member.key] = try ModelQuantization.format(
                    member.value, "\(place), '\(member.key)'")
            default: continue
            }
        }
        self.layers = layers
    }

    private static func format(_ tree: JSONValue, _ place: String) throws -> Format {
        func number(_ key: String) throws -> Int? {
            guard let value = tree[key], value != .null else { return nil }
            guard let number = value.integer else {
                throw ModelError("\(place): '\(key)' must be an integer")
            }
            return number
        }
        let name = tree["mode"] ?? .string("affine")
        guard let mode = name.string.flatMap(QuantizationMode.init(rawValue:)) else {
            throw ModelError("\(place): the mode is not known")
        }
        do {
            return try Format(
                groupSize: try number("group_size"), bits: try number("bits"), mode: mode)
        } catch let error as ArrayError {
            throw ModelError("\(place): \(error.message)")
        }
    }

    /// The format of the layer at a path, also under the name that the files' own models have in
    /// front.
    func format(of path: String) -> Format? {
        for prefix in ["", "transformer.", "bert."] {
            if let own = layers[prefix + path] { return own }
        }
        return format
    }

    /// As `config.json` has it.
    var json: JSONValue {
        func members(_ format: Format) -> [JSONValue.Member] {
            [
                .init("group_size", .integer(format.groupSize)),
                .init("bits", .integer(format.bits)), .init("mode", .string(format.mode.rawValue)),
            ]
        }
        let own = layers.sorted { $0.key < $1.key }.map { path, format in
            JSONValue.Member(path, format.map { .object(members($0)) } ?? .boolean(false))
        }
        return .object(members(format) + own)
    }
}

extension ModelQuantization.Format {
    /// Whether a layer's inputs are a whole number of groups.
    fileprivate func divides(_ layer: Module) -> Bool {
        if mode == .int8 { return true }
        guard let inputs = (layer as? Linear)?.shape.1 ?? (layer as? Embedding)?.shape.1 else {
            return true
        }
        return inputs > 0 && inputs % groupSize == 0
    }
}

// MARK: - Layers

extension ModelQuantization {
    /// Replaces the layers that the weights have scales for by quantized ones, so that the weights
    /// fit. Nothing of the weights is read.
    /// - Throws: `ModelError` with all layers whose weights are not what the configuration says.
    static func prepare(
        _ model: Module, for weights: [String: MLXArray], _ quantization: ModelQuantization?
    ) throws {
        let suffix = ".scales"
        let quantized = Set(
            weights.keys.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) })
        if quantized.isEmpty { return }
        guard let quantization else {
            throw ModelError(
                "the weights of \(quantized.sorted()[0]) and others are quantized, and config.json"
                    + " does not say how")
        }
        var faults: [String] = []
        MLXNN.quantize(model: model) { path, layer in
            guard quantized.contains(path) else { return nil }
            guard let format = quantization.format(of: path) else {
                faults.append("\(path) has scales, and is not quantized by config.json")
                return nil
            }
            if let fault = fault(weights, path, format, layer) {
                faults.append("\(path) \(fault)")
                return nil
            }
            return (format.groupSize, format.bits, format.mode)
        }
        guard faults.isEmpty else {
            throw ModelError(
                "quantized weights do not fit: \(WeightsError.listing(faults.sorted()))")
        }
    }

    /// What is wrong with the arrays of a layer; a wrong shape is found when they are assigned.
    private static func fault(
        _ weights: [String: MLXArray], _ path: String, _ format: Format, _ layer: Module
    ) -> String? {
        guard layer is any Quantizable else { return "cannot be quantized" }
        guard let codes = weights[path + ".weight"], let scales = weights[path + ".scales"] else {
            return "has scales and no weight"
        }
        let wanted: DType = format.mode == .int8 ? .int8 : .uint32
        guard codes.dtype == wanted else { return "is \(codes.dtype), not codes in \(wanted)" }
        let isAffine = format.mode.hasAffineCodes
        guard isAffine == (weights[path + ".biases"] != nil) else {
            return isAffine ? "has no biases" : "has biases, which \(format.mode.rawValue) has not"
        }
        let hasBytes = !isAffine && format.mode != .int8
        guard hasBytes ? scales.dtype == .uint8 : scales.dtype.isFloatingPoint else {
            return "has scales in \(scales.dtype)"
        }
        guard format.divides(layer) else {
            return "cannot be divided into groups of \(format.groupSize)"
        }
        return nil
    }

    /// Weights without codes: what has scales is decoded, in the dtype of its scales where these
    /// are floats and else in float32. Nothing is read yet.
    /// - Parameter dtype: what is decoded in where scales are floats, so that a wider dtype than
    ///   theirs gets the products as they are; nil for their own.
    func decoded(_ weights: [String: MLXArray], dtype: DType?) -> [String: MLXArray] {
        var result = weights
        for (name, scales) in weights where name.hasSuffix(".scales") {
            let path = String(name.dropLast(".scales".count))
            guard let format = format(of: path), let codes = weights[path + ".weight"] else {
                continue
            }
            func wide(_ array: MLXArray) -> MLXArray {
                dtype.map { array.dtype.isFloatingPoint ? array.asType($0) : array } ?? array
            }
            result[path + ".weight"] = dequantized(
                codes, scales: wide(scales), biases: weights[path + ".biases"].map(wide),
                groupSize: format.groupSize, bits: format.bits, mode: format.mode)
            result[name] = nil
            result[path + ".biases"] = nil
        }
        return result
    }

    /// Quantizes the layers of a model that can be, where the groups divide the inputs.
    /// - Returns: the paths.
    @discardableResult
    func quantize(_ model: Module) -> [String] {
        var paths: [String] = []
        MLXNN.quantize(model: model) { path, layer in
            guard let format = format(of: path), !(layer is any Quantized),
                layer is any Quantizable, format.divides(layer)
            else { return nil }
            paths.append(path)
            return (format.groupSize, format.bits, format.mode)
        }
        return paths
    }
}
