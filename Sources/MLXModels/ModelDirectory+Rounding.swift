import MLX
import MLXNN
import MLXQuantization

/// How the weights of a model become codes.
public struct ModelRounding: Sendable {
    /// How codes are chosen.
    public let method: WeightRounding
    /// How much of the range of inputs is moved to the weights before (SmoothQuant), for modes that
    /// round inputs too; nil for none.
    public let smoothing: Float?
    /// Token ids of texts, for methods that need to see inputs.
    public let texts: [[Int]]

    /// Nearest codes, as MLX's tools take them.
    public static let nearest = ModelRounding()

    private init() { (method, smoothing, texts) = (.nearest, nil, []) }

    /// A method, and texts of which it sees windows.
    /// - Parameters:
    ///   - tokens: of a text that is like those that the model is meant for.
    ///   - window: the most tokens that the model reads at once.
    ///   - smoothing: the strength of `smoothInputs(strength:data:forward:)`, which comes before.
    /// - Throws: `ModelError` for a method that needs data and has none, a window without tokens,
    ///   and AWQ with scales of inputs that checkpoints have no place for.
    public init(
        _ method: WeightRounding, tokens: [Int] = [], window: Int = 512, smoothing: Float? = nil
    ) throws {
        guard window > 0 else { throw ModelError("a window of \(window) tokens") }
        if method.needsData || smoothing != nil, tokens.isEmpty {
            throw ModelError("the weights are rounded with data, and there is no text")
        }
        if case .awq(let options) = method, options.keepsInputScales {
            throw ModelError("checkpoints have no scales of inputs")
        }
        self.method = method
        self.smoothing = smoothing
        texts = stride(from: 0, to: tokens.count, by: window).map {
            Array(tokens[$0..<min($0 + window, tokens.count)])
        }
    }

    /// Rounds the layers of a model that a quantization names.
    /// - Returns: what became of those that were rounded with data.
    func apply(_ model: Module, _ quantization: ModelQuantization) throws -> [RoundedLayer] {
        let largest = max(model.vocabulary ?? .max, 1)
        guard texts.joined().allSatisfy({ (0..<largest).contains($0) }) else {
            throw ModelError("the text has tokens that the model does not have")
        }
        func forward(_ text: [Int]) throws -> MLXArray {
            let tokens = tokenArray(text)
            if let decoder = model as? any LanguageModel { return decoder(tokens, cache: nil) }
            guard let encoder = model as? BERTModel else {
                throw ModelError("models of type \(type(of: model)) read no text")
            }
            return encoder(tokens)
        }
        if let smoothing {
            try model.smoothInputs(strength: smoothing, data: texts, forward: forward)
        }
        if method == .nearest { return [] }
        guard quantization.format.mode.hasAffineCodes,
            quantization.layers.values.allSatisfy({ $0?.mode.hasAffineCodes ?? true })
        else { throw ModelError("only affine weights are rounded with data, or searched") }
        let common = try AffineFormat(
            groupSize: quantization.format.groupSize, bits: quantization.format.bits)
        let formats = try quantization.layers.mapValues { format in
            try format.map { try AffineFormat(groupSize: $0.groupSize, bits: $0.bits) }
        }
        return try model.quantizeWeights(
            method, common, data: texts, formats: { path, _ in formats[path] ?? common },
            forward: forward)
    }
}

extension Module {
    /// How many tokens the largest table has; nil without one.
    fileprivate var vocabulary: Int? {
        leafModules().flattened().compactMap { ($0.1 as? Embedding)?.shape.0 }.max()
    }
}
