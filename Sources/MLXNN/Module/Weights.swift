import FoundationEssentials
import MLX

// Parameters in files, under their flattened keys: `layers.0.weight`. Everything is compared with
// the model before anything is written into it, so a file that does not fit changes nothing.

/// How arrays do not fit a model's parameters: everything that is wrong, not only the first thing.
public struct WeightsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A parameter in another shape than the model's.
    public struct Mismatch: Equatable, Sendable {
        /// The parameter.
        public let key: String
        /// The shape that the model has.
        public let expected: [Int]
        /// The shape that was given.
        public let found: [Int]
    }

    /// Parameters of the model that are not given, sorted.
    public let missing: [String]
    /// Given arrays that the model has no parameters for, sorted.
    public let unexpected: [String]
    /// Parameters in another shape, sorted by key.
    public let mismatched: [Mismatch]

    /// What is wrong, key by key; of long lists the beginning and the number of the others.
    public var description: String {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("missing: \(WeightsError.listing(missing))") }
        if !unexpected.isEmpty {
            parts.append("not in the model: \(WeightsError.listing(unexpected))")
        }
        let shapes = mismatched.map {
            "\($0.key) is \($0.expected) in the model, \($0.found) given"
        }
        if !shapes.isEmpty { parts.append(WeightsError.listing(shapes, separator: "; ")) }
        return "weights do not fit; " + parts.joined(separator: "; ")
    }

    /// Entries up to a limit, and how many there are besides: a model of another size lists
    /// hundreds.
    package static func listing(_ entries: [String], separator: String = ", ") -> String {
        let limit = 20
        let more = entries.count > limit ? " and \(entries.count - limit) more" : ""
        return entries.prefix(limit).joined(separator: separator) + more
    }
}

extension WeightsError: LocalizedError {
    public var errorDescription: String? { description }
}

extension Module {
    /// Writes the parameters into a `.safetensors`, `.npz` or `.gguf` file, under their flattened
    /// keys.
    ///
    /// ```swift
    /// try model.saveWeights(to: url)
    /// ```
    /// - Parameter metadata: texts to store along, for safetensors and GGUF.
    /// - Throws: an error of computing a parameter or of writing; the file appears whole or not.
    public func saveWeights(to url: URL, metadata: [String: String] = [:]) throws {
        let arrays = Dictionary(parameters().flattened()) { first, _ in first }
        try save(arrays: arrays, metadata: metadata, url: url)
    }

    /// Gives the parameters the values of a `.safetensors`, `.npz` or `.gguf` file, or of the files
    /// that a `.safetensors.index.json` names.
    ///
    /// Keys and shapes are compared now; the elements are read when a parameter is first used, or
    /// by `try checkedEval(model)`.
    /// ```swift
    /// try model.loadWeights(from: url)
    /// ```
    /// - Parameter strict: whether the file has to have all parameters and nothing else.
    /// - Throws: `WeightsError` with all keys that do not fit, an error of reading the file; the
    ///   model is as before then. A wrong shape is an error in any case.
    public func loadWeights(from url: URL, strict: Bool = true) throws {
        try setWeights(try loadArrays(url: url), strict: strict)
    }

    /// Gives the parameters new values by their flattened keys.
    ///
    /// Arrays keep their dtypes, so a model can be loaded in half precision.
    /// - Parameter strict: whether all parameters have to be given and nothing else.
    /// - Throws: `WeightsError` with all keys that do not fit; nothing is written then. A wrong
    ///   shape is an error in any case.
    public func setWeights(_ weights: [String: MLXArray], strict: Bool = true) throws {
        let parameters = Dictionary(parameters().flattened()) { first, _ in first }
        var mismatched: [WeightsError.Mismatch] = []
        for (key, parameter) in parameters {
            guard let array = weights[key], array.shape != parameter.shape else { continue }
            mismatched.append(.init(key: key, expected: parameter.shape, found: array.shape))
        }
        let error = WeightsError(
            missing: strict ? parameters.keys.filter { weights[$0] == nil }.sorted() : [],
            unexpected: strict ? weights.keys.filter { parameters[$0] == nil }.sorted() : [],
            mismatched: mismatched.sorted { $0.key < $1.key })
        guard error.missing.isEmpty, error.unexpected.isEmpty, error.mismatched.isEmpty else {
            throw error
        }
        for (key, parameter) in parameters {
            if let array = weights[key] { parameter._updateInternal(array) }
        }
    }
}
