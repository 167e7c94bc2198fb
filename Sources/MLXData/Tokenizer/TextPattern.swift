import MLXFormats

/// A text or a regular expression that tokenizers split at or replace.
struct TextPattern: Sendable {
    private enum Kind: Sendable {
        case text(TextSearch<Unicode.Scalar>)
        case expression(PatternProgram)
    }

    private let kind: Kind

    init(_ json: JSONValue?) throws(TokenizerError) {
        if let text = json?["String"]?.string {
            self.init(text: text)
        } else if let source = json?["Regex"]?.string {
            try self.init(expression: source)
        } else {
            throw TokenizerError("a pattern is neither a text nor a regular expression")
        }
    }

    init(text: String) { kind = .text(TextSearch(Array(text.unicodeScalars))) }

    init(expression source: String) throws(TokenizerError) {
        kind = .expression(try PatternProgram(source))
    }

    /// How many times as long a text of replacements can become, at most. Chains multiply, so that
    /// a file of a few lines could ask for more memory than there is.
    static let maximumGrowth = 1 << 12

    /// The growth of replacements one after the other.
    /// - Throws: when it is beyond the limit.
    static func growth(
        _ factors: some Sequence<Int>
    ) throws(TokenizerError) -> Int {
        var product = 1
        for factor in factors {
            product *= min(max(factor, 1), maximumGrowth + 1)
            guard product <= maximumGrowth else {
                throw TokenizerError("replacements make a text too long")
            }
        }
        return product
    }

    /// Where the pattern matches, from left to right, without overlaps and empty matches.
    func matches(
        _ scalars: ArraySlice<Unicode.Scalar>, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> [Range<Int>] {
        switch kind {
        case .text(let search):
            try budget.step(scalars.count)
            return search.ranges(in: scalars)
        case .expression(let program):
            var machine = PatternMachine(program, scalars, budget)
            return try machine.matches()
        }
    }

    /// The text with each match replaced.
    func replace(
        _ text: String, _ replacement: String, _ budget: TokenizerBudget
    ) throws(TokenizerError) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var start = 0
        let places = try matches(scalars[...], budget)
        let (inserted, overflow) = places.count.multipliedReportingOverflow(
            by: replacement.unicodeScalars.count)
        try budget.check(length: overflow ? .max : inserted)
        for match in places {
            result.append(contentsOf: scalars[start..<match.lowerBound])
            result.append(contentsOf: replacement.unicodeScalars)
            start = match.upperBound
        }
        result.append(contentsOf: scalars[start...])
        return String(result)
    }
}
