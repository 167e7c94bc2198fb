/// Members, indices and slices of values, as Python and Jinja find them: `a.b` and `a['b']` mean
/// the same, and what is not there is undefined.
enum TemplateMembers {
    static func attribute(
        _ name: String, of value: TemplateValue, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateValue {
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
            return .list(indices(elements.count, start, end, stride).map { elements[$0] })
        case .text(let text):
            let scalars = Array(text.unicodeScalars)
            var result = String.UnicodeScalarView()
            for index in indices(scalars.count, start, end, stride) {
                result.append(scalars[index])
            }
            return .text(String(result))
        default: throw renderer.failure("\(value.kindName) has no slices")
        }
    }

    private static func indices(_ count: Int, _ start: Int?, _ end: Int?, _ stride: Int)
        -> [Int]
    {
        func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
            min(max(bound < 0 ? bound.addingReportingOverflow(count).0 : bound, low), high)
        }
        if stride > 0 {
            let first = clamped(start ?? 0, 0, count)
            return Array(Swift.stride(from: first, to: clamped(end ?? count, 0, count), by: stride))
        }
        let first = clamped(start ?? count - 1, -1, count - 1)
        let last = end.map { clamped($0, -1, count - 1) } ?? -1
        return Array(Swift.stride(from: first, to: last, by: stride))
    }
}
