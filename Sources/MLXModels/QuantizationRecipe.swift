import MLX
import MLXNN

/// Formats of a model's layers by their paths: one for all, and others for those that patterns
/// name.
///
/// ```swift
/// let four = try ModelQuantization.Format(groupSize: 64, bits: 4)
/// let eight = try ModelQuantization.Format(groupSize: 64, bits: 8)
/// let recipe = QuantizationRecipe(four, rules: [("*.down_proj", eight), ("lm_head", nil)])
/// ```
public struct QuantizationRecipe: Sendable {
    /// Of layers that no pattern names.
    public let format: ModelQuantization.Format
    /// Patterns in which `*` stands for any characters and `?` for one, for a whole path; the last
    /// that fits counts. Nil leaves a layer in floats.
    public let rules: [(pattern: String, format: ModelQuantization.Format?)]
    private let mixture: ModelQuantization.Format?

    /// A format, and those of the layers that patterns name.
    public init(
        _ format: ModelQuantization.Format,
        rules: [(pattern: String, format: ModelQuantization.Format?)] = []
    ) {
        self.format = format
        self.rules = rules
        mixture = nil
    }

    /// The recipes that have names, which are those of MLX's tools. The first number is the bits of
    /// most layers, the second those of the layers that lose most: the output layer, and in the
    /// first and last eighth of the blocks and every third between them the values of attention and
    /// the second layer of the feed-forward network.
    public static let names = ["mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"]

    /// A recipe by its name, and rules that come before it.
    /// - Throws: `ModelError` for another name; `ArrayError` for a group size that there is not.
    public init(
        named name: String, groupSize: Int = 64,
        rules: [(pattern: String, format: ModelQuantization.Format?)] = []
    ) throws {
        guard QuantizationRecipe.names.contains(name) else {
            let names = QuantizationRecipe.names.joined(separator: ", ")
            throw ModelError("there is no recipe '\(name.prefix(64))'; there are \(names)")
        }
        let bits = name.split(separator: "_").compactMap { Int($0) }
        format = try ModelQuantization.Format(groupSize: groupSize, bits: bits[0])
        mixture = try ModelQuantization.Format(groupSize: groupSize, bits: bits[1])
        self.rules = rules
    }

    /// The formats of the layers of a model, those that differ from `format` by path.
    func quantization(of model: Module) -> ModelQuantization {
        let leaves = model.leafModules().flattened().filter { $0.1 is any Quantizable }
        let paths = leaves.map(\.0)
        let blocks = (paths.compactMap(QuantizationRecipe.block).max() ?? 0) + 1
        // A table that is also the output layer is one of those that lose most.
        let hasHead = paths.contains { $0.hasSuffix("lm_head") }
        var layers: [String: ModelQuantization.Format?] = [:]
        for (path, layer) in leaves {
            var own: ModelQuantization.Format? = format
            let isHead =
                path.hasSuffix("lm_head")
                || (!hasHead && layer is Embedding
                    && QuantizationRecipe.tables.contains { path.hasSuffix($0) })
            if let mixture, isHead || QuantizationRecipe.isSensitive(path, blocks) {
                own = mixture
            }
            for rule in rules where matches(path[...], rule.pattern[...]) { own = rule.format }
            if own != format { layers[path] = .some(own) }
        }
        return ModelQuantization(format, layers: layers)
    }

    private static let tables = ["embed_tokens", "wte"]
    private static let sensitive = ["v_proj", "down_proj", "attn.c_attn", "mlp.c_proj"]

    /// The number of the block that a layer is in.
    private static func block(_ path: String) -> Int? {
        path.split(separator: ".").lazy.compactMap { Int($0) }.first
    }

    private static func isSensitive(_ path: String, _ blocks: Int) -> Bool {
        guard let block = block(path), sensitive.contains(where: { path.hasSuffix($0) }) else {
            return false
        }
        let eighth = blocks / 8
        return block < eighth || block >= 7 * blocks / 8 || (block - eighth) % 3 == 2
    }
}

/// Whether a pattern with `*` and `?` fits a whole text.
func matches(_ text: Substring, _ pattern: Substring) -> Bool {
    var (text, pattern) = (text, pattern)
    // Where the last star was, and what it stands for so far: the only place to go back to.
    var star: (pattern: Substring, text: Substring)?
    while let character = text.first {
        if let wanted = pattern.first, wanted == "*" {
            pattern = pattern.dropFirst()
            star = (pattern, text)
        } else if let wanted = pattern.first, wanted == "?" || wanted == character {
            (pattern, text) = (pattern.dropFirst(), text.dropFirst())
        } else if let last = star {
            star = (last.pattern, last.text.dropFirst())
            (pattern, text) = (last.pattern, last.text.dropFirst())
        } else {
            return false
        }
    }
    return pattern.allSatisfy { $0 == "*" }
}
