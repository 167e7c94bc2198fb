import Foundation
import MLXFormats

/// The operators of the template language, as Python defines them.
enum TemplateOperators {
    static func apply(
        _ sign: String, _ a: TemplateValue, _ b: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        let budget = renderer.budget
        if sign == "~" {
            var text = ""
            try a.print(into: &text, budget)
            try b.print(into: &text, budget)
            return .text(text)
        }
        switch (sign, a, b) {
        case ("+", .text(let a), .text(let b)):
            try budget.make(a.utf8.count)
            return try renderer.text(a + b)
        case ("+", .list(let a), .list(let b)):
            try budget.make(elements: a.count + b.count)
            return try renderer.list(a.elements + b.elements)
        case ("*", .text(let text), _), ("*", _, .text(let text)):
            guard let count = a.asInteger ?? b.asInteger else {
                throw renderer.failure("a text cannot be repeated so")
            }
            try budget.make(max(count, 0), times: text.utf8.count)
            return .text(TemplateText.repeated(text, max(count, 0)))
        case ("%", .text(let text), _): return try format(text, b, renderer)
        default: break
        }
        if let a = a.asInteger, let b = b.asInteger, sign != "/" {
            return try integers(sign, a, b, renderer)
        }
        guard let left = a.asNumber, let right = b.asNumber else {
            throw renderer.failure("\(a.kindName) \(sign) \(b.kindName) means nothing")
        }
        return try numbers(sign, left, right, renderer)
    }

    private static func integers(
        _ sign: String, _ a: Int, _ b: Int, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        let (result, overflow): (Int, Bool)
        switch sign {
        case "+": (result, overflow) = a.addingReportingOverflow(b)
        case "-": (result, overflow) = a.subtractingReportingOverflow(b)
        case "*": (result, overflow) = a.multipliedReportingOverflow(by: b)
        case "//", "%":
            if b == 0 { throw renderer.failure("division by zero") }
            let (quotient, wraps) = a.dividedReportingOverflow(by: b)
            if wraps { throw renderer.failure("an integer is too large") }
            let rest = a - quotient * b
            // Python rounds down, so that the rest has the divisor's sign.
            let isLower = rest != 0 && (rest < 0) != (b < 0)
            (result, overflow) =
                sign == "%"
                ? (isLower ? rest + b : rest, false) : (isLower ? quotient - 1 : quotient, false)
        default: return try numbers(sign, Double(a), Double(b), renderer, isWhole: b >= 0)
        }
        if overflow { throw renderer.failure("an integer is too large") }
        return .integer(result)
    }

    private static func numbers(
        _ sign: String, _ a: Double, _ b: Double, _ renderer: TemplateRenderer,
        isWhole: Bool = false
    ) throws(ChatTemplateError) -> TemplateValue {
        switch sign {
        case "+": return .number(a + b)
        case "-": return .number(a - b)
        case "*": return .number(a * b)
        case "**":
            let power = pow(a, b)
            if isWhole, let integer = Int(exactly: power) { return .integer(integer) }
            return .number(power)
        default:
            if b == 0 { throw renderer.failure("division by zero") }
            if sign == "/" { return .number(a / b) }
            let floor = (a / b).rounded(.down)
            return .number(sign == "//" ? floor : a - floor * b)
        }
    }

    /// `'%s of %d' % (a, b)`.
    private static func format(
        _ text: String, _ value: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        var rest: ArraySlice<TemplateValue>
        if case .list(let all) = value { rest = all.elements[...] } else { rest = [value] }
        try renderer.budget.make(text.utf8.count)
        try renderer.budget.look(text)
        var result = ""
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%", let kind = scalars.popFirst() else {
                result.unicodeScalars.append(scalar)
                continue
            }
            if kind == "%" {
                result += "%"
                continue
            }
            guard "sdrf".unicodeScalars.contains(kind), let next = rest.popFirst() else {
                throw renderer.failure("'%\(kind)' cannot be formatted")
            }
            if kind == "f" {
                // The one number that takes some 10 us.
                try renderer.budget.step(100)
                try renderer.budget.make(320)
                result += String(format: "%f", next.asNumber ?? 0)
            } else {
                try next.print(into: &result, renderer.budget)
            }
        }
        return .text(result)
    }

    // MARK: - Comparisons

    static func holds(
        _ sign: String, _ a: TemplateValue, _ b: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> Bool {
        let budget = renderer.budget
        switch sign {
        case "==": return try TemplateValue.areEqual(a, b, budget)
        case "!=": return try !TemplateValue.areEqual(a, b, budget)
        case "in": return try contains(b, a, renderer)
        case "not in": return !(try contains(b, a, renderer))
        default: break
        }
        let isSwapped = sign == ">" || sign == "<="
        guard
            let isLess = isSwapped
                ? try TemplateValue.isLess(b, a, budget) : try TemplateValue.isLess(a, b, budget)
        else { throw renderer.failure("\(a.kindName) \(sign) \(b.kindName) means nothing") }
        return sign == "<" || sign == ">" ? isLess : !isLess
    }

    private static func contains(
        _ whole: TemplateValue, _ part: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> Bool {
        switch whole {
        case .text(let text):
            guard case .text(let needle) = part else {
                throw renderer.failure("a text contains texts, not \(part.kindName)")
            }
            return try TemplateText.contains(needle, in: text, renderer.budget)
        case .list(let elements):
            return try TemplateValue.firstIndex(of: part, in: elements, renderer.budget) != nil
        case .dictionary(let members):
            guard case .text(let key) = part else { return false }
            try renderer.budget.look(key)
            return members[key] != nil
        case .namespace(let space):
            guard case .text(let key) = part else { return false }
            try renderer.budget.look(key)
            return space.members[key] != nil
        case .undefined: return false
        default: throw renderer.failure("\(whole.kindName) contains nothing")
        }
    }
}
