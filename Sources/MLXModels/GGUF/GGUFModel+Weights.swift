import MLX
import MLXFormats

// The weights of a GGUF file under Hugging Face's names. ggml rotates neighbours, Hugging Face the
// halves of a head, so the rows of Llama's queries and keys lie in another order, which is undone;
// rows are whole groups, so codes, scales and biases are put in order as they are.

extension GGUFModel {
    /// The part of a name that says which layer of a block it is.
    private static let layers = [
        "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
        "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
        "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    ]
    private static let others = [
        "token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
    ]
    private static let parts: Set = ["weight", "scales", "biases", "bias"]

    /// Hugging Face's name of a tensor; nil for one that is part of the configuration.
    private func name(of tensor: String) throws -> String? {
        if tensor == "rope_freqs.weight" { return nil }
        let pieces = tensor.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if pieces.count == 2, let layer = GGUFModel.others[pieces[0]],
            GGUFModel.parts.contains(pieces[1])
        {
            return "\(layer).\(pieces[1])"
        }
        if pieces.count == 4, pieces[0] == "blk", let number = Int(pieces[1]), number >= 0,
            "\(number)" == pieces[1], let layer = GGUFModel.layers[pieces[2]],
            GGUFModel.parts.contains(pieces[3])
        {
            return "model.layers.\(number).\(layer).\(pieces[3])"
        }
        throw ModelError(
            "\(name): tensor '\(tensor.prefix(64))' is no part of a model of architecture"
                + " '\(architecture)' here")
    }

    /// All arrays, none of them read yet.
    func weights() throws -> [String: MLXArray] {
        var weights: [String: MLXArray] = [:]
        for tensor in file.tensors {
            let own = tensor.description.name
            guard let key = try name(of: own) else { continue }
            let array = try loaded(tensor, .cpu)
            weights[key] = try isPermuted(own) ? straightened(array, own) : array
        }
        return weights
    }

    private func isPermuted(_ tensor: String) -> Bool {
        architecture == "llama"
            && (tensor.contains(".attn_q.") || tensor.contains(".attn_k."))
    }

    private func straightened(_ array: MLXArray, _ tensor: String) throws -> MLXArray {
        let key = tensor.contains(".attn_k.") ? "head_count_kv" : "head_count"
        let metadata = file.metadata
        let heads =
            metadata["\(architecture).attention.\(key)"]?.integer
            ?? metadata["\(architecture).attention.head_count"]?.integer ?? 0
        let rows = array.shape.first ?? 0
        guard heads > 0, rows > 0, rows % (2 * heads) == 0 else {
            throw ModelError("\(name): tensor '\(tensor)' has \(rows) rows for \(heads) heads")
        }
        return array.reshaped([heads, rows / heads / 2, 2, -1]).swappedAxes(1, 2)
            .reshaped(array.shape)
    }

    /// How the layers are quantized whose blocks are MLX's groups; nil when there are none.
    func quantization() throws -> ModelQuantization? {
        var shapes: [String: [Int]] = [:]
        for tensor in file.tensors {
            shapes[tensor.description.name] = tensor.description.shape
        }
        var layers: [String: Int] = [:]
        for (tensor, shape) in shapes where tensor.hasSuffix(".scales") {
            let path = tensor.dropLast(".scales".count)
            guard let groups = shape.last, groups > 0, let words = shapes[path + ".weight"]?.last,
                let key = try name(of: tensor)
            else { continue }
            layers[String(key.dropLast(".scales".count))] = words / groups
        }
        guard
            let most = Dictionary(grouping: layers.values, by: { $0 })
                .max(by: { ($0.value.count, $0.key) < ($1.value.count, $1.key) })?.key
        else { return nil }
        do {
            return ModelQuantization(
                try ModelQuantization.Format(groupSize: 32, bits: most),
                layers: try layers.filter { $0.value != most }.mapValues {
                    try ModelQuantization.Format(groupSize: 32, bits: $0)
                })
        } catch let error as ArrayError {
            throw ModelError("\(name): \(error.message)")
        }
    }
}
