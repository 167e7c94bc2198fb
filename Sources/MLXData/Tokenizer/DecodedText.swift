/// The text of token ids that come one at a time. Each id costs the same, however many came before:
/// only the last few are decoded again, because how a token reads depends on its neighbours. A
/// character that tokens spell in parts appears when it is complete.
///
/// ```swift
/// var text = DecodedText(tokenizer)
/// for id in ids { print(try text.append(id), terminator: "") }
/// print(try text.finish())
/// ```
public struct DecodedText: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    /// Ids that have been shown and that new ones are decoded together with, then new ones.
    private var ids: [Int] = []
    private var shownCount = 0

    /// A character has four bytes at most, each perhaps a token; what is not complete after more
    /// than that never will be.
    private static let longestCharacter = 8

    /// A text without ids.
    /// - Parameter skipSpecialTokens: leave special tokens out.
    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
    }

    /// What the text becomes longer by; empty while a character is not complete.
    /// - Throws: ``TokenizerError`` with the limit that was reached.
    public mutating func append(_ id: Int) throws -> String {
        if skipsSpecialTokens, tokenizer.isSpecial(id) { return "" }
        ids.append(id)
        return try take(isLast: false)
    }

    /// What was held back.
    /// - Throws: as ``append(_:)``.
    public mutating func finish() throws -> String { try take(isLast: true) }

    private mutating func take(isLast: Bool) throws -> String {
        guard shownCount < ids.count else { return "" }
        let old = try decoded(shownCount)
        let new = try decoded(ids.count)
        let waits = new.hasSuffix("\u{FFFD}") && !isLast
        if waits, ids.count - shownCount < DecodedText.longestCharacter { return "" }
        guard new.utf8.starts(with: old.utf8) else {
            // What was shown would read differently now, and stays as it is.
            ids = Array(ids[shownCount...])
            shownCount = ids.count
            return try decoded(ids.count)
        }
        ids = Array(ids[shownCount...])
        shownCount = ids.count
        return String(decoding: new.utf8.dropFirst(old.utf8.count), as: UTF8.self)
    }

    private func decoded(_ count: Int) throws -> String {
        try tokenizer.checkedDecode(Array(ids[..<count]), skipSpecialTokens: skipsSpecialTokens)
    }
}
