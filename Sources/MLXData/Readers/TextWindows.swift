import Foundation
import MLX
import MLXFormats

// Text as data sets: lines, and windows over a long row of tokens as language models are trained
// on. Tokens are characters of a vocabulary made from the text, or what a tokenizer gives.

/// Windows over a row of tokens: the input is `context` tokens, the target the same window one
/// token later, so that each position should say what comes next. Windows begin every `stride`
/// tokens; what is left at the end and too short for a whole window is in none.
///
/// ```swift
/// let windows = try TokenWindows(tokenizer.encode(text), context: 128, stride: 64)
/// let loader = try DataLoader(windows, batchSize: 16, shuffle: 1)     // (16, 128) each, int32
/// ```
public struct TokenWindows: BatchedDataset {
    /// All tokens in their order.
    public let tokens: [Int32]
    /// How many tokens a window has.
    public let context: Int
    /// How many tokens lie between the beginnings of two windows.
    public let stride: Int
    public let count: Int

    /// Windows over tokens.
    /// - Parameters:
    ///   - tokens: the text's tokens.
    ///   - context: the length of a window.
    ///   - stride: how far each window begins behind the one before; as long as a window if nil, so
    ///     that windows do not overlap; 1 for every window there is.
    /// - Throws: `ArrayError` for lengths below 1, fewer tokens than one window and its target
    ///   need, and tokens that are no int32.
    public init(_ tokens: [Int], context: Int, stride: Int? = nil) throws {
        let step = stride ?? context
        guard context > 0, step > 0 else {
            throw ArrayError(
                .argument, "windows", "a context of \(context) and a stride of \(step)")
        }
        guard tokens.count > context else {
            throw ArrayError(
                .argument, "windows",
                "\(tokens.count) tokens have no window of \(context) and one more")
        }
        self.tokens = try tokens.map { token in
            guard let token = Int32(exactly: token) else {
                throw ArrayError(.argument, "windows", "\(token) is no int32")
            }
            return token
        }
        self.context = context
        self.stride = step
        count = (tokens.count - context - 1) / step + 1
    }

    /// A window and the one a token later, (context) each, int32.
    public func element(at index: Int) throws -> Example {
        let batch = try batch(at: [index])
        return Example(batch.input[0], batch.target[0])
    }

    /// Several windows, (N, context) each, int32.
    public func batch(at indices: [Int]) throws -> Example {
        try check(indices)
        func windows(shift: Int) -> MLXArray {
            var rows: [Int32] = []
            rows.reserveCapacity(indices.count * context)
            for index in indices {
                let start = index * stride + shift
                rows += tokens[start..<start + context]
            }
            return MLXArray(rows, [indices.count, context])
        }
        return Example(windows(shift: 0), windows(shift: 1))
    }
}

/// The characters of a text, numbered in the order of their code points: the tokens of a model that
/// reads character by character.
///
/// ```swift
/// let characters = CharacterVocabulary(text)
/// let windows = try TokenWindows(characters.encode(text), context: 128)
/// ```
public struct CharacterVocabulary: Sendable, Hashable {
    /// The characters (Unicode scalars), sorted; a token is a number into it.
    public let scalars: [Unicode.Scalar]
    private let numbers: [Unicode.Scalar: Int]

    /// All characters that are in a text.
    public init(_ text: String) {
        scalars = Set(text.unicodeScalars).sorted()
        numbers = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, $0) })
    }

    /// How many characters there are.
    public var count: Int { scalars.count }

    /// The numbers of a text's characters.
    /// - Throws: `ArrayError` for a character that is not in the vocabulary.
    public func encode(_ text: String) throws -> [Int] {
        try text.unicodeScalars.map { scalar in
            guard let number = numbers[scalar] else {
                throw ArrayError(
                    .argument, "encode",
                    "the vocabulary has no '\(scalar)' (U+\(String(scalar.value, radix: 16)))")
            }
            return number
        }
    }

    /// The text of characters' numbers.
    /// - Throws: `ArrayError` of kind `index` for a number that none has.
    public func decode(_ tokens: [Int]) throws -> String {
        var text = String.UnicodeScalarView()
        for token in tokens {
            guard scalars.indices.contains(token) else {
                throw ArrayError(.index, "decode", "there is no character \(token) of \(count)")
            }
            text.append(scalars[token])
        }
        return String(text)
    }
}

extension ElementDataset where Element == String {
    /// The lines of a text file, without their ends; `\n`, `\r\n` and `\r` end a line.
    ///
    /// ```swift
    /// let sentences = try ElementDataset(linesOf: url)
    /// ```
    /// - Parameter keepsBlankLines: whether lines without anything but blanks are elements too.
    /// - Throws: `ArrayError` of kind `file` for a file that cannot be read or is not UTF-8.
    public init(linesOf url: URL, keepsBlankLines: Bool = false) throws {
        var lines = try loadText(url: url).split(
            omittingEmptySubsequences: false,
            whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" })
        // What is behind the last line's end is no line.
        if lines.last?.isEmpty == true { lines.removeLast() }
        self.init(
            lines.filter { keepsBlankLines || !$0.allSatisfy(\.isWhitespace) }.map(String.init))
    }
}

/// Reads a text file in UTF-8, with or without a byte order mark.
///
/// ```swift
/// let text = try loadText(url: url)
/// ```
/// - Throws: `ArrayError` of kind `file` for a file that cannot be read or is not UTF-8.
public func loadText(url: URL) throws -> String {
    let bytes = try FileSource(path: url.path).contents()
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard let text = String(validating: bytes[start...], as: UTF8.self) else {
        throw ArrayError.file("load", url.path, "is not text in UTF-8")
    }
    return text
}
