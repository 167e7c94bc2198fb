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
    private let raw: Index
    private let normalized: Index

    /// Tokens as a tree of characters.
    private struct Index {
        /// The node that a character leads to from a node.
        var next: [UInt64: Int32] = [:]
        /// Those that end at a node, in the order of the file.
        var ends: [Int32: [Token]] = [:]
        private var count: Int32 = 1

        static func key(_ node: Int32, _ scalar: Unicode.Scalar) -> UInt64 {
            UInt64(UInt32(node)) << 32 | UInt64(scalar.value)
        }

        mutating func insert(_ token: Token) {
            if token.content.isEmpty { return }
            var node: Int32 = 0
            for scalar in token.content {
                let key = Index.key(node, scalar)
                if let known = next[key] {
                    node = known
                } else {
                    next[key] = count
                    node = count
                    count += 1
                }
            }
            ends[node, default: []].append(token)
        }
    }

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
        var raw = Index()
        for token in tokens where !token.isNormalized { raw.insert(token) }
        self.raw = raw
        let budget = TokenizerBudget(length: tokens.reduce(0) { $0 + $1.content.count })
        var normalized = Index()
        for token in tokens where token.isNormalized {
            let text = try normalizer?.apply(String(token.content), budget)
            normalized.insert(
                Token(
                    id: token.id, content: text.map { Array($0.unicodeScalars) } ?? token.content,
                    isSpecial: token.isSpecial, isSingleWord: token.isSingleWord,
                    stripsLeft: token.stripsLeft, stripsRight: token.stripsRight,
                    isNormalized: token.isNormalized))
        }
        self.normalized = normalized
    }

    func splitRaw(
        _ text: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Part] {
        try split(text, raw, budget)
    }

    func splitNormalized(
        _ text: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Part] {
        try split(text, normalized, budget)
    }

    private func split(
        _ text: ArraySlice<Unicode.Scalar>, _ index: Index, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Part] {
        if index.next.isEmpty { return text.isEmpty ? [] : [.text(text)] }
        var parts: [Part] = []
        var (start, place) = (text.startIndex, text.startIndex)
        while place < text.endIndex {
            guard let token = try match(text, place, index, budget) else {
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

    /// The longest token that begins at a place and may stand there.
    private func match(
        _ text: ArraySlice<Unicode.Scalar>, _ start: Int, _ index: Index,
        _ budget: TokenizerBudget
    ) throws(TokenizerError) -> Token? {
        var found: Token?
        var node: Int32 = 0
        var place = start
        while place < text.endIndex, let next = index.next[Index.key(node, text[place])] {
            try budget.step(4)
            node = next
            place += 1
            let mayEnd = { (token: Token) in
                !token.isSingleWord
                    || (start == text.startIndex || !Scalars.isWord(text[start - 1]))
                        && (place == text.endIndex || !Scalars.isWord(text[place]))
            }
            guard let ends = index.ends[node] else { continue }
            try budget.step(4 * ends.count)
            if let token = ends.first(where: mayEnd) { found = token }
        }
        return found
    }
}
