import Foundation
import MLXFormats

/// Why a model directory cannot be used: a file that is missing or malformed, a family that is not
/// known, weights that do not fit.
public struct ModelError: Error, Sendable, CustomStringConvertible {
    /// One sentence.
    public let message: String

    init(_ message: String) { self.message = message }

    public var description: String { "model: \(message)" }
}

/// The `config.json` of a model directory, read by name with the defaults that Hugging Face's
/// `transformers` documents. Every size is checked before anything is made of it.
struct ModelConfiguration: Sendable {
    private let tree: JSONValue

    init(_ tree: JSONValue) { self.tree = tree }

    init(directory: URL) throws {
        self.init(try ModelConfiguration.json(directory.appendingPathComponent("config.json")))
    }

    /// A JSON file.
    static func json(_ url: URL) throws -> JSONValue {
        do { return try JSONValue(contentsOf: url.path) } catch { throw ModelError(error.message) }
    }

    /// All entries, in the order of the file.
    var members: [JSONValue.Member] { tree.members ?? [] }

    var modelType: String { tree["model_type"]?.string ?? "" }

    subscript(key: String) -> JSONValue? { tree[key] }

    /// A positive integer. Layers are counted with less room than widths, because each is an object
    /// before any weight is compared.
    func count(_ keys: String..., atMost limit: Int) throws -> Int {
        for key in keys {
            guard let value = tree[key], value != .null else { continue }
            guard let count = value.integer, (1...limit).contains(count) else {
                throw ModelError("config.json: '\(key)' must be an integer from 1 to \(limit)")
            }
            return count
        }
        throw ModelError("config.json has no '\(keys[0])'")
    }

    /// What is added to a variance before its root is taken.
    func epsilon(_ key: String, default fallback: Double) throws -> Float {
        let value = Float(try number(key, default: fallback))
        guard value >= 0, value.isFinite else {
            throw ModelError("config.json: '\(key)' must be a number that is not negative")
        }
        return value
    }

    /// A positive integer.
    func size(_ keys: String..., default fallback: Int? = nil) throws -> Int {
        for key in keys {
            guard let value = tree[key], value != .null else { continue }
            guard let size = value.integer, (1...1 << 24).contains(size) else {
                throw ModelError("config.json: '\(key)' must be a positive integer")
            }
            return size
        }
        guard let fallback else { throw ModelError("config.json has no '\(keys[0])'") }
        return fallback
    }

    /// An integer that is not negative.
    func count(_ key: String, default fallback: Int) throws -> Int {
        guard let value = tree[key], value != .null else { return fallback }
        guard let count = value.integer, count >= 0 else {
            throw ModelError("'\(key)' must be an integer that is not negative")
        }
        return count
    }

    func number(_ keys: String..., default fallback: Double) throws -> Double {
        for key in keys {
            guard let value = tree[key], value != .null else { continue }
            guard let number = value.double else {
                throw ModelError("config.json: '\(key)' must be a number")
            }
            return number
        }
        return fallback
    }

    func flag(_ key: String, default fallback: Bool) -> Bool {
        tree[key]?.boolean ?? fallback
    }

    /// One integer or a list of them, as end-of-text tokens are given.
    static func tokens(_ value: JSONValue?) -> [Int] {
        if let one = value?.integer { return [one] }
        return (value?.array ?? []).compactMap(\.integer)
    }
}
