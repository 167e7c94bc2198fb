/// Members, indices and slices of values, as Python and Jinja find them: `a.b` and `a['b']` mean
/// the same, and what is not there is undefined.
enum TemplateMembers {
    static func attribute(
        _ name: String, of value: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        try renderer.budget.look(name)
        switch value {
        case .dictionary(let members): return members[name] ?? .undefined(name)
        case .namespace(let space): return space.members[name] ?? .undefined(name)
        case .undefined:
            throw renderer.failure("\(value.kindName) has no member '\(name)'")
        default: return .undefined(name)
        }
    }

    static func item(
        _ index: TemplateValue, of value: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        if case .text(let key) = index { return try attribute(key, of: value, renderer) }
        guard let number = index.asInteger else {
            throw renderer.failure("\(index.kindName) is no index")
        }
        switch value {
        case .list(let elements):
            let place = number < 0 ? number + elements.count : number
            return elements.indices.contains(place) ? elements[place] : .undefined("[\(number)]")
        case .text(let text):
            try renderer.budget.step(text.utf8.count / 2)
            let scalars = Array(text.unicodeScalars)
            let place = number < 0 ? number + scalars.count : number
            return scalars.indices.contains(place)
                ? .text(String(scalars[place])) : .undefined("[\(number)]")
        case .undefined: throw renderer.failure("\(value.kindName) has no elements")
        default: return .undefined("[\(number)]")
        }
    }

    static func slice(
        _ value: TemplateValue, _ start: Int?, _ end: Int?, _ stride: Int,
        _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
        if stride == 0 { throw renderer.failure("the step of a slice is 0") }
        switch value {
        case .list(let elements):
            try renderer.budget.make(elements: elements.count)
            return try renderer.list(
                indices(elements.count, start, end, stride).map { elements[$0] })
        case .text(let text):
            try renderer.budget.make(text.utf8.count)
            try renderer.budget.step(text.utf8.count / 2)
            let scalars = Array(text.unicodeScalars)
            var result = String.UnicodeScalarView()
            for index in indices(scalars.count, start, end, stride) {
                result.append(scalars[index])
            }
            return .text(String(result))
        default: throw renderer.failure("\(value.kindName) has no slices")
        }
    }

    /// The places of a slice; bounds and strides may be any integers.
    private static func indices(_ count: Int, _ start: Int?, _ end: Int?, _ stride: Int)
        -> [Int]
    {
        func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
            min(max(bound < 0 ? bound + count : bound, low), high)
        }
        var result: [Int] = []
        var isOver = false
        var place = clamped(
            start ?? (stride > 0 ? 0 : count - 1), stride > 0 ? 0 : -1,
            stride > 0 ? count : count - 1)
        let last =
            stride > 0
            ? clamped(end ?? count, 0, count) : end.map { clamped($0, -1, count - 1) } ?? -1
        while !isOver, stride > 0 ? place < last : place > last {
            result.append(place)
            (place, isOver) = place.addingReportingOverflow(stride)
        }
        return result
    }
}
