/// A regular expression as instructions, which a machine with a stack of its own runs. It goes back
/// like other engines, so that what it matches is what they match, but each of its steps is
/// counted, and an expression that goes back for ever ends with the budget.
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        case one(Int)
        /// A class as often as it goes, then what follows; a few places are kept as one.
        case run(Int, least: Int, most: Int, isPossessive: Bool)
        case jump(Int)
        /// The first way, and the second if it fails.
        case either(Int, Int)
        case mark(slot: Int)
        /// Fails if nothing was matched since the mark.
        case moved(slot: Int)
        /// Runs what follows up to its own `match`, so many characters earlier, then goes on.
        case look(next: Int, behind: Int, isNegative: Bool)
        case atomic(next: Int)
        case assertion(PatternNode.Assertion)
        case match
    }

    private(set) var code: [Instruction] = []
    private(set) var classes: [ScalarClass] = []
    private(set) var slots = 0

    private static let mostInstructions = 1 << 14

    init(_ source: String) throws(TokenizerError) {
        try append(try PatternParser.parse(source))
        try emit(.match)
    }

    private mutating func emit(_ instruction: Instruction) throws(TokenizerError) {
        guard code.count < PatternProgram.mostInstructions else {
            throw TokenizerError("a regular expression repeats too much", limit: .length)
        }
        code.append(instruction)
    }

    private mutating func append(_ node: PatternNode) throws(TokenizerError) {
        switch node {
        case .one(let part): try emit(.one(index(of: part)))
        case .sequence(let parts): for part in parts { try append(part) }
        case .choice(let parts): try append(choice: parts)
        case .repeated(let inner, let least, let most, let greed):
            try append(repeated: inner, least, most, greed)
        case .look(let inner, let isBehind, let isNegative):
            let place = code.count
            try emit(.match)
            try append(inner)
            try emit(.match)
            code[place] = .look(
                next: code.count, behind: isBehind ? inner.length ?? 0 : 0,
                isNegative: isNegative)
        case .atomic(let inner): try append(atomic: inner)
        case .assertion(let kind): try emit(.assertion(kind))
        }
    }

    private mutating func index(of part: ScalarClass.Part) -> Int {
        classes.append(ScalarClass(part))
        return classes.count - 1
    }

    private mutating func append(atomic inner: PatternNode) throws(TokenizerError) {
        let place = code.count
        try emit(.match)
        try append(inner)
        try emit(.match)
        code[place] = .atomic(next: code.count)
    }

    private mutating func append(choice parts: [PatternNode]) throws(TokenizerError) {
        var ends: [Int] = []
        for (index, part) in parts.enumerated() {
            let place = code.count
            let isLast = index == parts.count - 1
            if !isLast { try emit(.match) }
            try append(part)
            if isLast { break }
            ends.append(code.count)
            try emit(.match)
            code[place] = .either(place + 1, code.count)
        }
        for end in ends { code[end] = .jump(code.count) }
    }

    private mutating func append(
        repeated inner: PatternNode, _ least: Int, _ most: Int?, _ greed: PatternNode.Greed
    ) throws(TokenizerError) {
        if case .one(let part) = inner, greed != .lazy {
            return try emit(
                .run(
                    index(of: part), least: least, most: most ?? .max,
                    isPossessive: greed == .possessive))
        }
        if greed == .possessive {
            return try append(atomic: .repeated(inner, least: least, most: most, .greedy))
        }
        for _ in 0..<least { try append(inner) }
        guard let most else { return try append(endless: inner, isLazy: greed == .lazy) }
        var places: [Int] = []
        for _ in least..<most {
            places.append(code.count)
            try emit(.match)
            try append(inner)
        }
        for place in places {
            code[place] =
                greed == .lazy ? .either(code.count, place + 1) : .either(place + 1, code.count)
        }
    }

    private mutating func append(
        endless inner: PatternNode, isLazy: Bool
    ) throws(TokenizerError) {
        let place = code.count
        let slot = inner.isNullable ? slots : nil
        if slot != nil { slots += 1 }
        try emit(.match)
        if let slot { try emit(.mark(slot: slot)) }
        try append(inner)
        if let slot { try emit(.moved(slot: slot)) }
        try emit(.jump(place))
        code[place] = isLazy ? .either(code.count, place + 1) : .either(place + 1, code.count)
    }
}
