import Foundation

/// The functions that every template finds: those of Jinja, and those that Hugging Face adds.
enum TemplateFunctions {
    static let longestRange = 100_000

    static var globals: [String: TemplateValue] {
        let all = [
            TemplateFunction("raise_exception") { (arguments) throws(ChatTemplateError) in
                throw ChatTemplateError(
                    arguments.value(0, "message")?.printed ?? "the template refuses", line: 0)
            },
            TemplateFunction("namespace") { (arguments) in
                .namespace(TemplateNamespace(members(arguments)))
            },
            TemplateFunction("dict") { (arguments) in .dictionary(members(arguments)) },
            TemplateFunction("range", range),
            TemplateFunction("strftime_now") { (arguments) in
                .text(now(arguments.value(0, "format")?.printed ?? ""))
            },
        ]
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, .function($0)) })
    }

    private static func members(_ arguments: TemplateFunction.Arguments) -> TemplateDictionary {
        var result = TemplateDictionary()
        if case .dictionary(let first)? = arguments.positional.first { result = first }
        for argument in arguments.named { result[argument.name] = argument.value }
        return result
    }

    private static func range(_ arguments: TemplateFunction.Arguments)
        throws(ChatTemplateError) -> TemplateValue
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
        else { throw ChatTemplateError("a range is too long", line: 0) }
        return .list(stride(from: start, to: end, by: step).map { .integer($0) })
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
