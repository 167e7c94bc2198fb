import MLXFormats

/// Tokens that a text is searched for before it is cut into words: special ones and those that
/// were added after training. The leftmost match wins, the longest of several.
struct AddedTokens: Sendable {
    struct Token: Sendable {
        let id: Int
        let content: [Unicode.Scalar]
        let isSpecial: Bool
        let isSingleWord: Bool
        let stripsLeft: Bool
        let stripsRight: Bool
        /// Looked for in the normalized text instead of the raw one.
        let isNormalized: Bool
    }

    enum Part {
        case text(ArraySlice<Unicode.Scalar>)
        case token(Int)
    }

    let tokens: [Token]
    private let raw: [Unicode.Scalar: [Token]]
    private let normalized: [Unicode.Scalar: [Token]]

    init(_ json: JSONValue?, normalizer: Normalizer?) throws(TokenizerError) {
        var tokens: [Token] = []
        for entry in json?.array ?? [] {
            guard let id = entry["id"]?.integer, (0..<Vocabulary.maximumID).contains(id),
                let content = entry["content"]?.string
            else { throw TokenizerError("an added token has no id or no content") }
            tokens.append(
                Token(
                    id: id, content: Array(content.unicodeScalars),
                    isSpecial: entry["special"]?.boolean ?? false,
                    isSingleWord: entry["single_word"]?.boolean ?? false,
                    stripsLeft: entry["lstrip"]?.boolean ?? false,
                    stripsRight: entry["rstrip"]?.boolean ?? false,
                    isNormalized: entry["normalized"]?.boolean ?? false))
        }
        self.tokens = tokens
        raw = AddedTokens.index(tokens.filter { !$0.isNormalized }) { $0 }
        normalized = AddedTokens.index(tokens.filter(\.isNormalized)) { content in
            guard let normalizer else { return content }
            return Array(normalizer.apply(String(content)).unicodeScalars)
        }
    }

    /// By first character, the longest first.
    private static func index(
        _ tokens: [Token], _ content: ([Unicode.Scalar]) -> [Unicode.Scalar]
    ) -> [Unicode.Scalar: [Token]] {
        var result: [Unicode.Scalar: [Token]] = [:]
        for token in tokens {
            let text = content(token.content)
            guard let first = text.first else { continue }
            result[first, default: []].append(
                Token(
                    id: token.id, content: text, isSpecial: token.isSpecial,
                    isSingleWord: token.isSingleWord, stripsLeft: token.stripsLeft,
                    stripsRight: token.stripsRight, isNormalized: token.isNormalized))
        }
        return result.mapValues { $0.sorted { $0.content.count > $1.content.count } }
    }

    func splitRaw(_ text: ArraySlice<Unicode.Scalar>) -> [Part] { split(text, raw) }
    func splitNormalized(_ text: ArraySlice<Unicode.Scalar>) -> [Part] { split(text, normalized) }

    private func split(
        _ text: ArraySlice<Unicode.Scalar>, _ index: [Unicode.Scalar: [Token]]
    ) -> [Part] {
        if index.isEmpty { return text.isEmpty ? [] : [.text(text)] }
        var parts: [Part] = []
        var (start, place) = (text.startIndex, text.startIndex)
        while place < text.endIndex {
            guard let token = match(text, place, index) else {
                place += 1
                continue
            }
            var (low, high) = (place, place + token.content.count)
            while token.stripsLeft, low > start, text[low - 1].properties.isWhitespace { low -= 1 }
            while token.stripsRight, high < text.endIndex, text[high].properties.isWhitespace {
                high += 1
            }
            if low > start { parts.append(.text(text[start..<low])) }
            parts.append(.token(token.id))
            (start, place) = (high, high)
        }
        if start < text.endIndex { parts.append(.text(text[start...])) }
        return parts
    }

    private func match(
        _ text: ArraySlice<Unicode.Scalar>, _ place: Int, _ index: [Unicode.Scalar: [Token]]
    ) -> Token? {
        index[text[place]]?.first { token in
            let end = place + token.content.count
            guard end <= text.endIndex, text[place..<end].elementsEqual(token.content) else {
                return false
            }
            guard token.isSingleWord else { return true }
            return (place == text.startIndex || !Scalars.isWord(text[place - 1]))
                && (end == text.endIndex || !Scalars.isWord(text[end]))
        }
    }
}
