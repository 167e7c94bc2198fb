/// Numbers in text, as fast as tables of millions of them need and rounded to the nearest float64:
/// numbers whose digits and power of ten are both exact as float64 take one multiplication or
/// division (Clinger 1990), all others go to the standard library's conversion. No locale matters.
enum DecimalNumber {
    /// 10^0 to 10^22, the powers of ten that float64 has exactly.
    private static let powers: [Double] = (0..<22).reduce(into: [1]) { powers, _ in
        powers.append(powers[powers.count - 1] * 10)
    }

    /// A decimal number without anything around it; nil when the text is none. `inf` and `nan` are
    /// numbers, hexadecimal ones are not.
    static func float64(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        var at = 0
        let isNegative = at < text.count && text[at] == 0x2D
        if at < text.count, text[at] == 0x2D || text[at] == 0x2B { at += 1 }
        var digits: UInt64 = 0
        var digitCount = 0
        var significant = 0
        var exponent = 0
        var hasPoint = false
        while at < text.count {
            let byte = text[at]
            if byte == 0x2E, !hasPoint {
                hasPoint = true
            } else if byte &- 0x30 <= 9 {
                digitCount += 1
                if significant > 0 || byte != 0x30 { significant += 1 }
                // With more than 19 digits the slow way is taken, so these need not fit.
                if significant <= 19 { digits = digits * 10 + UInt64(byte - 0x30) }
                if hasPoint { exponent -= 1 }
            } else {
                break
            }
            at += 1
        }
        guard digitCount > 0 else { return named(text[at...], isNegative) }
        if at < text.count {
            guard text[at] | 0x20 == 0x65, let (power, end) = integer(text, from: at + 1),
                end == text.count
            else { return nil }
            // What is far out of range must not overflow here either.
            if !(-1000...1000).contains(power) { return slow(text) }
            exponent += power
        }
        guard significant <= 19, digits <= 1 << 53, abs(exponent) <= 22 else {
            return slow(text)
        }
        let whole = Double(digits)
        let value = exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent]
        return isNegative ? -value : value
    }

    /// A decimal integer without anything around it; nil when the text is none or does not fit.
    static func int64(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count <= 20, let (value, end) = integer(text, from: 0), end == text.count else {
            return nil
        }
        return Int64(value)
    }

    /// Sign and digits; nil without a digit or when they do not fit.
    private static func integer(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int
    ) -> (value: Int, end: Int)? {
        var at = start
        let isNegative = at < text.count && text[at] == 0x2D
        if at < text.count, text[at] == 0x2D || text[at] == 0x2B { at += 1 }
        let first = at
        var value = 0
        while at < text.count, text[at] &- 0x30 <= 9 {
            // Down from zero, because there is one more negative number.
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, borrow) = scaled.subtractingReportingOverflow(Int(text[at] - 0x30))
            if overflow || borrow { return nil }
            value = next
            at += 1
        }
        guard at > first, isNegative || value > .min else { return nil }
        return (isNegative ? value : -value, at)
    }

    private static func named(_ rest: Slice<UnsafeBufferPointer<UInt8>>, _ isNegative: Bool)
        -> Double?
    {
        switch String(decoding: rest.map { $0 | 0x20 }, as: UTF8.self) {
        case "inf", "infinity": isNegative ? -.infinity : .infinity
        case "nan": .nan
        default: nil
        }
    }

    /// The text is a decimal number, but too long for the fast way; an exponent out of range gives
    /// infinity or zero.
    private static func slow(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        Double(String(decoding: text, as: UTF8.self))
    }
}
