import MLX
import MLXFormats

/// A checkpoint as AutoGPTQ or AutoAWQ writes it: for each layer `qweight`, `qzeros` and `scales`,
/// with GPTQ `g_idx`, the group of each input. A weight is scale * (code - zero), which is MLX's
/// affine form with a bias of -scale * zero, so layers become affine ones without loss of codes.
/// Those whose groups MLX does not have (inputs in another order, other sizes) are decoded.
struct PackedCheckpoint {
    private enum Method: String {
        case gptq, awq
    }

    private let method: Method
    private let bits: Int
    /// Inputs of a group; -1 for all.
    private let groupSize: Int
    /// What is added to stored zero points: the first version of GPTQ's files has them less one.
    private let zeroOffset: Int

    /// Nil for a configuration that names neither method.
    init?(_ configuration: ModelConfiguration) throws {
        guard let tree = configuration["quantization_config"],
            let method = tree["quant_method"]?.string.flatMap(Method.init(rawValue:))
        else { return nil }
        let place = "config.json: 'quantization_config'"
        let bits = tree["bits"]?.integer ?? tree["w_bit"]?.integer ?? 4
        guard method == .awq ? bits == 4 : [2, 4, 8].contains(bits) else {
            throw ModelError("\(place): \(method.rawValue) of \(bits) bits is not read")
        }
        let size = tree["group_size"]?.integer ?? tree["q_group_size"]?.integer ?? 128
        guard size == -1 || (1...1 << 24).contains(size) else {
            throw ModelError("\(place): groups of \(size)")
        }
        if method == .awq, let version = tree["version"]?.string, version.lowercased() != "gemm" {
            throw ModelError("\(place): awq in the layout '\(version.prefix(64))' is not read")
        }
        self.method = method
        self.bits = bits
        groupSize = size
        zeroOffset =
            method == .gptq && tree["checkpoint_format"]?.string != "gptq_v2" ? 1 : 0
    }

    /// The form of the layers that stay quantized; nil when MLX has no such groups.
    var format: ModelQuantization.Format? {
        guard [32, 64, 128].contains(groupSize) else { return nil }
        return try? ModelQuantization.Format(groupSize: groupSize, bits: bits)
    }

    /// The same weights under MLX's names.
    /// - Throws: `ModelError` with the layer whose arrays do not belong together.
    func unpacked(_ weights: [String: MLXArray]) throws -> [String: MLXArray] {
        var result = weights
        for name in weights.keys.sorted() where name.hasSuffix(".qweight") {
            let path = String(name.dropLast(".qweight".count))
            for part in ["qweight", "qzeros", "scales", "g_idx"] {
                result["\(path).\(part)"] = nil
            }
            let layer = try layer(path, weights)
            if format != nil, try isInOrder(layer, path) {
                result["\(path).weight"] = packed(layer.codes)
                result["\(path).scales"] = layer.scales.T
                result["\(path).biases"] = -(layer.scales * layer.zeros).T
            } else {
                let scales = take(layer.scales, layer.groups, axis: 0)
                let zeros = take(layer.zeros, layer.groups, axis: 0)
                let codes = layer.codes.asType(scales.dtype)
                result["\(path).weight"] = (scales * (codes - zeros)).T
            }
        }
        return result
    }

    // MARK: - Layers

    /// Codes (inputs, outputs), scales and zero points (groups, outputs), the group of each input.
    private struct Layer {
        let codes: MLXArray
        let scales: MLXArray
        let zeros: MLXArray
        let groups: MLXArray
        let hasOrder: Bool
        let size: Int
    }

    private func layer(_ path: String, _ weights: [String: MLXArray]) throws -> Layer {
        guard let words = weights["\(path).qweight"], let zeroWords = weights["\(path).qzeros"],
            let scales = weights["\(path).scales"]
        else { throw ModelError("\(path) has not all of qweight, qzeros and scales") }
        let perWord = 32 / bits
        guard words.ndim == 2, zeroWords.ndim == 2, scales.ndim == 2,
            words.dtype == .int32, zeroWords.dtype == .int32, scales.dtype.isFloatingPoint,
            !words.shape.contains(0), !scales.shape.contains(0)
        else { throw ModelError("\(path): qweight, qzeros or scales are no packed weights") }
        let inputs = words.dim(0) * (method == .gptq ? perWord : 1)
        let outputs = words.dim(1) * (method == .awq ? perWord : 1)
        let size = groupSize == -1 ? inputs : groupSize
        let count = (inputs + size - 1) / size
        guard scales.shape == [count, outputs], zeroWords.shape == [count, outputs / perWord],
            outputs % perWord == 0
        else {
            throw ModelError(
                "\(path): qweight of \(inputs) inputs and \(outputs) outputs, qzeros"
                    + " \(zeroWords.shape) and scales \(scales.shape) do not fit groups of \(size)")
        }
        let order = weights["\(path).g_idx"]
        if let order, order.shape != [inputs] || !order.dtype.isInteger {
            throw ModelError("\(path): g_idx \(order.shape) does not name \(inputs) groups")
        }
        let codes =
            method == .awq ? spread(words) : spread(words.T).T
        let zeros = (spread(zeroWords) + zeroOffset).asType(scales.dtype)
        return Layer(
            codes: codes, scales: scales, zeros: zeros,
            groups: order?.asType(.int32) ?? MLXArray((0..<inputs).map { Int32($0 / size) }),
            hasOrder: order != nil, size: size)
    }

    /// The codes of words, along the last axis: low bits first; AWQ has its even ones first.
    private func spread(_ words: MLXArray) -> MLXArray {
        let perWord = 32 / bits
        let order = method == .awq ? [0, 4, 1, 5, 2, 6, 3, 7] : Array(0..<perWord)
        let shifts = MLXArray(order.map { UInt32($0 * bits) })
        let parts = rightShift(words.view(dtype: .uint32).expandedDimensions(axis: -1), shifts)
        let mask = MLXArray(UInt32(1 << bits - 1))
        return bitwiseAnd(parts, mask).reshaped([words.dim(0), words.dim(1) * perWord])
    }

    /// Codes (inputs, outputs) as MLX packs them: (outputs, words), low bits first.
    private func packed(_ codes: MLXArray) -> MLXArray {
        let perWord = 32 / bits
        let shifts = MLXArray((0..<perWord).map { UInt32($0 * bits) })
        let parts = codes.T.reshaped([codes.dim(1), codes.dim(0) / perWord, perWord])
        return leftShift(parts, shifts).sum(axis: -1).asType(.uint32)
    }

    /// Whether inputs lie group by group, for which what `g_idx` says is read. A group that there
    /// is not is an error of the gather when the layer is decoded.
    private func isInOrder(_ layer: Layer, _ path: String) throws -> Bool {
        let inputs = layer.codes.dim(0)
        if inputs % layer.size != 0 { return false }
        guard layer.hasOrder else { return true }
        try checkedEval(layer.groups)
        return layer.groups.asArray(Int32.self).enumerated().allSatisfy {
            Int($0.element) == $0.offset / layer.size
        }
    }
}
