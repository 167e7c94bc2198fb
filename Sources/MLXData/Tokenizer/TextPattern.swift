import Foundation
import MLXFormats

/// A text or a regular expression that tokenizers split at or replace.
struct TextPattern: Sendable {
    private enum Kind: @unchecked Sendable {
        // SAFETY: a compiled expression is immutable.
        case text([Unicode.Scalar])
        case expression(NSRegularExpression)
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

    init(text: String) { kind = .text(Array(text.unicodeScalars)) }

    init(expression source: String) throws(TokenizerError) {
        do {
            kind = .expression(try NSRegularExpression(pattern: source))
        } catch {
            throw TokenizerError("the regular expression '\(source.prefix(200))' is wrong")
        }
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
    func matches(_ scalars: ArraySlice<Unicode.Scalar>) -> [Range<Int>] {
        switch kind {
        case .text(let text): return TextPattern.occurrences(of: text, in: scalars)
        case .expression(let expression): return TextPattern.matches(of: expression, in: scalars)
        }
    }

    func replace(_ text: String, _ replacement: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var start = 0
        for match in matches(scalars[...]) {
            result.append(contentsOf: scalars[start..<match.lowerBound])
            result.append(contentsOf: replacement.unicodeScalars)
            start = match.upperBound
        }
        result.append(contentsOf: scalars[start...])
        return String(result)
    }

    private static func occurrences(
        of text: [Unicode.Scalar], in scalars: ArraySlice<Unicode.Scalar>
    ) -> [Range<Int>] {
        guard let first = text.first else { return [] }
        var result: [Range<Int>] = []
        var place = scalars.startIndex
        while place + text.count <= scalars.endIndex {
            if scalars[place] == first,
                scalars[place..<(place + text.count)].elementsEqual(text)
            {
                result.append(place..<(place + text.count))
                place += text.count
            } else {
                place += 1
            }
        }
        return result
    }

    /// Expressions count in UTF-16; characters beyond the first plane have two units.
    private static func matches(
        of expression: NSRegularExpression, in scalars: ArraySlice<Unicode.Scalar>
    ) -> [Range<Int>] {
        let text = String(scalars)
        let length = text.utf16.count
        var places: [Int]?
        if length != scalars.count {
            var list: [Int] = []
            list.reserveCapacity(length + 1)
            for (index, scalar) in zip(scalars.indices, scalars) {
                list += repeatElement(index, count: scalar.value > 0xFFFF ? 2 : 1)
            }
            list.append(scalars.endIndex)
            places = list
        }
        let start = scalars.startIndex
        return expression.matches(in: text, range: NSRange(location: 0, length: length))
            .compactMap { match in
                let (low, high) = (match.range.location, match.range.location + match.range.length)
                if low == high { return nil }
                return places.map { $0[low]..<$0[high] } ?? (start + low)..<(start + high)
            }
    }
}
