import MLXFormats

/// Equality and order of values, as Python has them, and what is built on them.
extension TemplateValue {
    static func areEqual(
        _ a: TemplateValue, _ b: TemplateValue, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Bool {
        try budget.step()
        switch (a, b) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let a), .text(let b)):
            guard a.utf8.count == b.utf8.count else { return false }
            try budget.look(a)
            return ExactText(a) == ExactText(b)
        case (.list(let a), .list(let b)):
            guard a.count == b.count else { return false }
            for (left, right) in zip(a, b) {
                guard try areEqual(left, right, budget) else { return false }
            }
            return true
        case (.dictionary(let a), .dictionary(let b)):
            guard a.keys.count == b.keys.count else { return false }
            for key in a.keys {
                try budget.look(key)
                guard let left = a[key], let right = b[key], try areEqual(left, right, budget)
                else { return false }
            }
            return true
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.function(let a), .function(let b)): return a === b
        default:
            guard let left = a.asNumber, let right = b.asNumber else { return false }
            return left == right
        }
    }

    /// Whether one comes before the other; nil when they have no order.
    static func isLess(
        _ a: TemplateValue, _ b: TemplateValue, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Bool? {
        try budget.step()
        switch (a, b) {
        case (.text(let a), .text(let b)):
            try budget.look(a.utf8.count < b.utf8.count ? a : b)
            return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
        case (.list(let a), .list(let b)):
            for (left, right) in zip(a, b) where !(try areEqual(left, right, budget)) {
                return try isLess(left, right, budget)
            }
            return a.count < b.count
        default:
            guard let left = a.asNumber, let right = b.asNumber else { return nil }
            return left < right
        }
    }

    /// The first of a list that equals a value.
    static func firstIndex(
        of wanted: TemplateValue, in elements: TemplateList, _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> Int? {
        for (index, element) in elements.enumerated()
        where try areEqual(element, wanted, budget) { return index }
        return nil
    }

    /// What a set can find a value by: equal values have equal keys. Nil for values that have to
    /// be compared one by one.
    private enum Key: Hashable {
        case nothing
        case undefined
        case number(Double)
        case text(ExactText)
    }

    private func key(_ budget: TemplateBudget) throws(ChatTemplateError) -> Key? {
        switch self {
        case .undefined: return .undefined
        case .none: return .nothing
        case .text(let text):
            try budget.look(text)
            return .text(ExactText(text))
        default: return asNumber.flatMap { $0.isNaN ? nil : .number($0) }
        }
    }

    /// Each value once, where it comes first.
    static func unique(
        _ elements: [TemplateValue], _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var kept: [TemplateValue] = []
        var keys: Set<Key> = []
        var others: [TemplateValue] = []
        for element in elements {
            try budget.step(4)
            if let key = try element.key(budget) {
                if keys.insert(key).inserted { kept.append(element) }
            } else {
                var isNew = true
                for other in others where try areEqual(other, element, budget) {
                    isNew = false
                    break
                }
                if isNew {
                    kept.append(element)
                    others.append(element)
                }
            }
        }
        return kept
    }

    /// The numbers of elements in order; equal ones stay as they are. Merging takes n log n
    /// comparisons, and unlike the standard library's sort it can throw what it wants to.
    static func order(
        of keys: [TemplateValue], _ budget: TemplateBudget
    ) throws(ChatTemplateError) -> [Int] {
        var order = Array(keys.indices)
        var merged = order
        var width = 1
        while width < order.count {
            var low = 0
            while low < order.count {
                let middle = min(low + width, order.count)
                let high = min(low + 2 * width, order.count)
                var (left, right) = (low, middle)
                for place in low..<high {
                    var takesRight = left == middle
                    if left < middle, right < high {
                        guard
                            let isLess = try isLess(keys[order[right]], keys[order[left]], budget)
                        else { throw budget.failure("the elements have no order") }
                        takesRight = isLess
                    }
                    merged[place] = order[takesRight ? right : left]
                    if takesRight { right += 1 } else { left += 1 }
                }
                low = high
            }
            swap(&order, &merged)
            width *= 2
        }
        return order
    }
}
