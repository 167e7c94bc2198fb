import Foundation

/// The functions that every template finds: those of Jinja, and those that Hugging Face adds.
enum TemplateFunctions {
    static let longestRange = 100_000

    /// - Parameter renderer: whose budget they charge; it outlives them.
    static func globals(_ renderer: TemplateRenderer) -> [String: TemplateValue] {
        let all = [
            TemplateFunction("raise_exception") {
                [unowned renderer] (arguments) throws(ChatTemplateError) in
                throw renderer.failure(
                    try arguments.value(0, "message")?.printed(renderer.budget)
                        ?? "the template refuses")
            },
            TemplateFunction("namespace") {
                [unowned renderer] (arguments) throws(ChatTemplateError) in
                try renderer.namespace(try members(arguments, renderer))
            },
            TemplateFunction("dict") {
                [unowned renderer] (arguments) throws(ChatTemplateError) in
                try renderer.dictionary(try members(arguments, renderer))
            },
            TemplateFunction("range") {
                [unowned renderer] (arguments) throws(ChatTemplateError) in
                try renderer.list(try range(arguments))
            },
            TemplateFunction("strftime_now") {
                [unowned renderer] (arguments) throws(ChatTemplateError) in
                let format = try arguments.value(0, "format")?.printed(renderer.budget) ?? ""
                guard format.utf8.count <= 256 else {
                    throw renderer.budget.failure("the format of a time is too long", .length)
                }
                return try renderer.text(now(format))
            },
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, .function($0)) })
    }

    private static func members(
        _ arguments: TemplateFunction.Arguments, _ renderer: TemplateRenderer
    ) throws(ChatTemplateError) -> TemplateDictionary {
        var result = TemplateDictionary()
        if case .dictionary(let first)? = arguments.positional.first { result = first }
        // The first change copies it.
        try renderer.budget.make(elements: 2 * result.keys.count + arguments.named.count)
        for argument in arguments.named { result[argument.name] = argument.value }
        return result
    }

    private static func range(_ arguments: TemplateFunction.Arguments)
        throws(ChatTemplateError) -> [TemplateValue]
    {
        let bounds = arguments.positional.compactMap(\.asInteger)
        guard (1...3).contains(bounds.count), bounds.count == arguments.positional.count else {
            throw ChatTemplateError("'range' takes one to three integers", line: 0)
        }
        let start = bounds.count == 1 ? 0 : bounds[0]
        let end = bounds.count == 1 ? bounds[0] : bounds[1]
        let step = bounds.count == 3 ? bounds[2] : 1
        let (width, overflow) = end.subtractingReportingOverflow(start)
        guard step != 0, step != .min, !overflow, width != .min,
            abs(width) / abs(step) <= longestRange
        else { throw ChatTemplateError("a range is too long", line: 0, limit: .memory) }
        var result: [TemplateValue] = []
        var (value, isOver) = (start, false)
        while !isOver, step > 0 ? value < end : value > end {
            result.append(.integer(value))
            (value, isOver) = value.addingReportingOverflow(step)
        }
        return result
    }

    /// The local time, in the format of C's `strftime`.
    private static func now(_ format: String) -> String {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
