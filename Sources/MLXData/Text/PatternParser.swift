/// A regular expression as a tree, and the parser that makes it from a text.
indirect enum PatternNode: Sendable {
    enum Assertion: Sendable {
        case start, end, endOrNewline, lineStart, lineEnd, boundary, noBoundary
    }
    enum Greed: Sendable { case greedy, lazy, possessive }

    case one(ScalarClass.Part)
    case sequence([PatternNode])
    case choice([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?, Greed)
    case look(PatternNode, isBehind: Bool, isNegative: Bool)
    case atomic(PatternNode)
    case assertion(Assertion)

    /// Whether it can match nothing, so that repeating it may never end.
    var isNullable: Bool {
        switch self {
        case .one: false
        case .sequence(let parts): parts.allSatisfy(\.isNullable)
        case .choice(let parts): parts.contains(where: \.isNullable)
        case .repeated(let inner, let least, _, _): least == 0 || inner.isNullable
        case .atomic(let inner): inner.isNullable
        case .look, .assertion: true
        }
    }

    /// How many characters it matches, where it is always as many.
    var length: Int? {
        switch self {
        case .one: return 1
        case .sequence(let parts):
            return parts.reduce(0) { sum, part in sum.flatMap { a in part.length.map { a + $0 } } }
        case .choice(let parts):
            let all = Set(parts.map(\.length))
            return all.count == 1 ? all.first! : nil
        case .repeated(let inner, let least, let most, _):
            return least == most ? inner.length.map { $0 * least } : nil
        case .atomic(let inner): return inner.length
        case .look, .assertion: return 0
        }
    }
}

/// Parses the regular expressions that tokenizers use. What it does not know (references to
/// groups, conditions, comments) is an error, so that nothing is matched otherwise than meant.
struct PatternParser {
    private let source: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var ignoresCase = false

    private static let deepest = 40
    private static let longest = 1 << 13
    private static let mostRepeats = 1000

    static func parse(_ text: String) throws(TokenizerError) -> PatternNode {
        var parser = PatternParser(source: Array(text.unicodeScalars))
        guard parser.source.count <= longest else {
            throw TokenizerError("a regular expression is too long", limit: .length)
        }
        let result = try parser.choice()
        if parser.index < parser.source.count { throw parser.failure() }
        return result
    }

    private init(source: [Unicode.Scalar]) { self.source = source }

    func failure() -> TokenizerError {
        TokenizerError(
            "the regular expression '\(String(source.prefix(200)))' is wrong or not known, at "
                + "character \(index)")
    }

    private var current: Unicode.Scalar? { index < source.count ? source[index] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard index + wanted.count <= source.count,
            source[index..<index + wanted.count].elementsEqual(wanted)
        else { return false }
        index += wanted.count
        return true
    }

    private mutating func next() throws(TokenizerError) -> Unicode.Scalar {
        guard let scalar = current else { throw failure() }
        index += 1
        return scalar
    }

    private mutating func enter() throws(TokenizerError) {
        depth += 1
        if depth > PatternParser.deepest {
            throw TokenizerError("a regular expression nests too deeply", limit: .depth)
        }
    }

    // MARK: - Structure

    private mutating func choice() throws(TokenizerError) -> PatternNode {
        try enter()
        let outer = ignoresCase
        defer {
            depth -= 1
            ignoresCase = outer
        }
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(TokenizerError) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            if take("(?i)") {
                ignoresCase = true
            } else {
                parts.append(try quantified(try atom()))
            }
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified(_ base: PatternNode) throws(TokenizerError) -> PatternNode {
        var result = base
        // One on top of another nests, as groups do.
        for _ in 0..<PatternParser.deepest {
            let bounds: (least: Int, most: Int?)
            if take("*") {
                bounds = (0, nil)
            } else if take("+") {
                bounds = (1, nil)
            } else if take("?") {
                bounds = (0, 1)
            } else if let found = try braces() {
                bounds = found
            } else {
                return result
            }
            let greed: PatternNode.Greed =
                take("?") ? .lazy : take("+") ? .possessive : .greedy
            result = .repeated(result, least: bounds.least, most: bounds.most, greed)
        }
        throw failure()
    }

    /// `{2}`, `{2,}`, `{2,5}`, `{,5}`.
    private mutating func braces() throws(TokenizerError) -> (least: Int, most: Int?)? {
        let start = index
        guard take("{") else { return nil }
        let least = number()
        var most = least
        if take(",") { most = number() }
        guard take("}"), least != nil || most != nil else {
            index = start
            throw failure()
        }
        let low = least ?? 0
        guard max(low, most ?? 0) <= PatternParser.mostRepeats, most.map({ $0 >= low }) ?? true
        else { throw failure() }
        return (low, most)
    }

    private mutating func number() -> Int? {
        let start = index
        while let scalar = current, ("0"..."9").contains(scalar), index - start < 6 { index += 1 }
        return Int(String(source[start..<index]))
    }

    private mutating func atom() throws(TokenizerError) -> PatternNode {
        switch current {
        case "(": return try group()
        case "[": return one(try bracket())
        case ".":
            index += 1
            return .one(.not(.range(10, 10)))
        case "^":
            index += 1
            return .assertion(.lineStart)
        case "$":
            index += 1
            return .assertion(.lineEnd)
        case "\\":
            index += 1
            if take("b") { return .assertion(.boundary) }
            if take("B") { return .assertion(.noBoundary) }
            if take("A") { return .assertion(.start) }
            if take("z") { return .assertion(.end) }
            if take("Z") { return .assertion(.endOrNewline) }
            return one(try escape())
        case "*", "+", "?", "{": throw failure()
        default: return one(single(try next()))
        }
    }

    private func one(_ part: ScalarClass.Part) -> PatternNode {
        .one(ignoresCase ? .anyCase(part) : part)
    }

    private func single(_ scalar: Unicode.Scalar) -> ScalarClass.Part {
        .range(scalar.value, scalar.value)
    }

    private mutating func group() throws(TokenizerError) -> PatternNode {
        index += 1
        let outer = ignoresCase
        defer { ignoresCase = outer }
        var wrap: (PatternNode) -> PatternNode = { $0 }
        if take("?:") {
        } else if take("?i:") {
            ignoresCase = true
        } else if take("?-i:") {
            ignoresCase = false
        } else if take("?>") {
            wrap = { .atomic($0) }
        } else if take("?=") {
            wrap = { .look($0, isBehind: false, isNegative: false) }
        } else if take("?!") {
            wrap = { .look($0, isBehind: false, isNegative: true) }
        } else if take("?<=") {
            wrap = { .look($0, isBehind: true, isNegative: false) }
        } else if take("?<!") {
            wrap = { .look($0, isBehind: true, isNegative: true) }
        } else if take("?<") || take("?P<") {
            while try next() != ">" {}
        } else if current == "?" || current == "*" {
            throw failure()
        }
        let result = wrap(try choice())
        guard take(")") else { throw failure() }
        if case .look(let inner, isBehind: true, _) = result, inner.length == nil {
            throw failure()
        }
        return result
    }

    // MARK: - Classes

    /// `[...]`, with ranges, classes in classes and `&&`.
    private mutating func bracket() throws(TokenizerError) -> ScalarClass.Part {
        try enter()
        defer { depth -= 1 }
        index += 1
        let isNegated = take("^")
        var parts: [ScalarClass.Part] = []
        var left: ScalarClass.Part?
        var isStart = true
        while isStart || current != "]" {
            isStart = false
            if current == nil { throw failure() }
            if take("&&") {
                left = left.map { .intersection($0, .union(parts)) } ?? .union(parts)
                parts = []
            } else if current == "[" {
                parts.append(try bracket())
            } else {
                parts.append(try range())
            }
        }
        index += 1
        let whole = left.map { .intersection($0, .union(parts)) } ?? ScalarClass.Part.union(parts)
        return isNegated ? .not(whole) : whole
    }

    private mutating func range() throws(TokenizerError) -> ScalarClass.Part {
        let low = try member()
        guard case .range(let first, let last) = low, first == last, current == "-",
            index + 1 < source.count, source[index + 1] != "]"
        else { return low }
        index += 1
        guard case .range(let end, let same) = try member(), end == same, first <= end else {
            throw failure()
        }
        return .range(first, end)
    }

    private mutating func member() throws(TokenizerError) -> ScalarClass.Part {
        let scalar = try next()
        return scalar == "\\" ? try escape() : single(scalar)
    }

    /// What follows a backslash.
    private mutating func escape() throws(TokenizerError) -> ScalarClass.Part {
        let scalar = try next()
        switch scalar {
        case "s": return .whiteSpace
        case "S": return .not(.whiteSpace)
        case "d": return .categories([.decimalNumber])
        case "D": return .not(.categories([.decimalNumber]))
        case "w": return .word
        case "W": return .not(.word)
        case "n": return .range(10, 10)
        case "r": return .range(13, 13)
        case "t": return .range(9, 9)
        case "f": return .range(12, 12)
        case "v": return .range(11, 11)
        case "0": return .range(0, 0)
        case "a": return .range(7, 7)
        case "e": return .range(27, 27)
        case "p", "P":
            let part = try property()
            return scalar == "P" ? .not(part) : part
        case "x": return try hexadecimal(take("{") ? nil : 2)
        case "u": return try hexadecimal(take("{") ? nil : 4)
        case "U": return try hexadecimal(8)
        default:
            // Letters and digits may mean what is not known here.
            if scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
                throw failure()
            }
            return single(scalar)
        }
    }

    private mutating func property() throws(TokenizerError) -> ScalarClass.Part {
        var name = String(try next())
        if name == "{" {
            name = ""
            while true {
                let scalar = try next()
                if scalar == "}" { break }
                name.unicodeScalars.append(scalar)
            }
        }
        let isNegated = name.hasPrefix("^")
        guard let part = ScalarClass.property(isNegated ? String(name.dropFirst()) : name) else {
            throw failure()
        }
        return isNegated ? .not(part) : part
    }

    /// - Parameter count: how many digits; nil when a brace ends them.
    private mutating func hexadecimal(_ count: Int?) throws(TokenizerError) -> ScalarClass.Part {
        var digits = ""
        while digits.utf8.count < count ?? 8, let scalar = current, scalar != "}" {
            digits.unicodeScalars.append(scalar)
            index += 1
        }
        if count == nil, !take("}") { throw failure() }
        guard digits.utf8.count == count ?? digits.utf8.count,
            let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value)
        else { throw failure() }
        return single(scalar)
    }
}
