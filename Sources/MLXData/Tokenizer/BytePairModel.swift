import MLXFormats

/// Byte-pair encoding (Sennrich, Haddow, Birch 2016): a word is cut into characters, and the pair
/// with the lowest rank is joined until no pair has one. Byte-level vocabularies differ in what
/// their characters are, not here; a vocabulary with byte fallback spells unknown characters as
/// the tokens of their bytes.
struct BytePairModel: TokenModel {
    let vocabulary: Vocabulary
    /// The rank and the result of joining two tokens.
    private let merges: [UInt64: (rank: Int32, joined: Int32)]
    private let unknown: Int?
    private let hasByteFallback: Bool
    private let fusesUnknown: Bool
    /// A word that is a token is not cut.
    private let ignoresMerges: Bool
    private let prefix: String
    private let suffix: String
    private let byteTokens: [Int?]

    init(_ json: JSONValue) throws(TokenizerError) {
        vocabulary = try Vocabulary(json["vocab"])
        prefix = try Vocabulary.mark(json["continuing_subword_prefix"])
        suffix = try Vocabulary.mark(json["end_of_word_suffix"])
        unknown = json["unk_token"]?.string.flatMap { [vocabulary] in vocabulary.id(of: $0) }
        hasByteFallback = json["byte_fallback"]?.boolean ?? false
        fusesUnknown = json["fuse_unk"]?.boolean ?? false
        ignoresMerges = json["ignore_merges"]?.boolean ?? false
        merges = try BytePairModel.merges(json["merges"], vocabulary, prefix)
        byteTokens = (0..<256).map { [vocabulary] byte in
            vocabulary.id(of: BytePairModel.byteToken(UInt8(byte)))
        }
    }

    /// `<0x0A>` for the byte 10.
    static func byteToken(_ byte: UInt8) -> String {
        let digits = Array("0123456789ABCDEF")
        return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
    }

    private static func merges(
        _ json: JSONValue?, _ vocabulary: Vocabulary, _ prefix: String
    ) throws(TokenizerError) -> [UInt64: (rank: Int32, joined: Int32)] {
        guard let list = json?.array else { throw TokenizerError("model.merges is no list") }
        var result: [UInt64: (rank: Int32, joined: Int32)] = [:]
        result.reserveCapacity(list.count)
        for (rank, entry) in list.enumerated() {
            let pair = try pair(entry, rank)
            // Only the first part keeps the mark of a continuation.
            let tail = prefix.isEmpty ? pair.1 : pair.1.afterPrefix(prefix) ?? pair.1
            guard let left = vocabulary.id(of: pair.0), let right = vocabulary.id(of: pair.1),
                let joined = vocabulary.id(of: pair.0 + tail)
            else {
                throw TokenizerError(
                    "merge \(rank), '\(pair.0)' with '\(pair.1)', has parts without a token")
            }
            let key = UInt64(UInt32(left)) << 32 | UInt64(UInt32(right))
            if result[key] == nil { result[key] = (Int32(rank), Int32(joined)) }
        }
        return result
    }

    /// Old files write `"a b"`, new ones `["a", "b"]`.
    private static func pair(
        _ entry: JSONValue, _ rank: Int
    ) throws(TokenizerError) -> (String, String) {
        if let parts = entry.array, parts.count == 2, let a = parts[0].string,
            let b = parts[1].string
        {
            return (a, b)
        }
        if let text = entry.string {
            let scalars = Array(text.unicodeScalars)
            if let space = scalars.firstIndex(of: " "), space > 0, space < scalars.count - 1 {
                return (String(scalars[..<space]), String(scalars[(space + 1)...]))
            }
        }
        throw TokenizerError("merge \(rank) is no pair")
    }

    // MARK: - Encoding

    func encode(
        _ word: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Int] {
        try budget.step(4 * word.count)
        if word.isEmpty { return [] }
        if ignoresMerges, let whole = vocabulary.id(of: String(word)) { return [whole] }
        return BytePairMerge(symbols(word)) { left, right in
            merges[UInt64(UInt32(left)) << 32 | UInt64(UInt32(right))]
        }.result.map(Int.init)
    }

    /// The word's characters as tokens.
    private func symbols(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(word.count)
        var afterUnknown = false
        for index in word.indices {
            var text = String(Character(word[index]))
            if index > word.startIndex { text = prefix + text }
            if index == word.endIndex - 1 { text += suffix }
            if let id = vocabulary.id(of: text) {
                result.append(Int32(id))
                afterUnknown = false
                continue
            }
            let bytes = hasByteFallback ? text.utf8.map { byteTokens[Int($0)] } : [nil]
            if bytes.allSatisfy({ $0 != nil }) {
                result += bytes.compactMap { $0.map(Int32.init) }
                afterUnknown = false
            } else if let unknown {
                if !(fusesUnknown && afterUnknown) { result.append(Int32(unknown)) }
                afterUnknown = true
            }
        }
        return result
    }
}

/// The joining itself: symbols in a linked list, candidate pairs in a heap ordered by rank and
/// place, so that a text of n characters takes n log n steps.
struct BytePairMerge {
    private var symbols: [Int32]
    private var previous: [Int32]
    private var next: [Int32]
    private var heap: [Candidate] = []

    private struct Candidate {
        let rank: Int32
        let place: Int32
        let left: Int32
        let right: Int32
        let joined: Int32

        func isBefore(_ other: Candidate) -> Bool {
            rank != other.rank ? rank < other.rank : place < other.place
        }
    }

    init(
        _ symbols: [Int32],
        merge: (_ left: Int32, _ right: Int32) -> (rank: Int32, joined: Int32)?
    ) {
        self.symbols = symbols
        let count = symbols.count
        previous = (0..<count).map { Int32($0 - 1) }
        next = (0..<count).map { Int32($0 + 1 < count ? $0 + 1 : -1) }
        for place in 0..<max(count - 1, 0) { consider(place, merge) }
        while let best = pop() { apply(best, merge) }
    }

    /// The symbols that are left, in order.
    var result: [Int32] {
        var result: [Int32] = []
        var place: Int32 = symbols.isEmpty ? -1 : 0
        while place >= 0 {
            result.append(symbols[Int(place)])
            place = next[Int(place)]
        }
        return result
    }

    private mutating func apply(
        _ best: Candidate, _ merge: (Int32, Int32) -> (rank: Int32, joined: Int32)?
    ) {
        let place = Int(best.place)
        // The pair may have been joined with others meanwhile.
        guard symbols[place] == best.left, next[place] >= 0,
            symbols[Int(next[place])] == best.right
        else { return }
        let gone = Int(next[place])
        symbols[place] = best.joined
        symbols[gone] = -1
        next[place] = next[gone]
        if next[gone] >= 0 { previous[Int(next[gone])] = best.place }
        if previous[place] >= 0 { consider(Int(previous[place]), merge) }
        consider(place, merge)
    }

    private mutating func consider(
        _ place: Int, _ merge: (Int32, Int32) -> (rank: Int32, joined: Int32)?
    ) {
        guard next[place] >= 0 else { return }
        let (left, right) = (symbols[place], symbols[Int(next[place])])
        guard let (rank, joined) = merge(left, right) else { return }
        push(
            Candidate(rank: rank, place: Int32(place), left: left, right: right, joined: joined))
    }

    private mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> Candidate? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[best]) {
                best = child
            }
            if best == parent { return first }
            heap.swapAt(parent, best)
            parent = best
        }
    }
}
