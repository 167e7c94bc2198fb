/// What one rendering may use. Every operation charges what it makes or looks at before it does so,
/// because a template of a few bytes can ask for any amount of work inside of one expression.
///
/// A step is what takes at most some 150 ns; sizes are turned into steps and bytes here, and
/// nowhere else.
final class TemplateBudget {
    /// The largest amounts.
    struct Limits {
        var steps = 10_000_000
        /// Bytes of all values that are made, whether they are still needed or not.
        var bytes = 1 << 27
        /// How deep statements, expressions and calls nest while they run.
        var depth = 400
        /// How deep lists and dictionaries nest: they are printed, compared and freed recursively.
        var valueDepth = 128
    }

    let limits: Limits
    /// Where the template is, for messages.
    var line = 0
    private(set) var steps = 0
    private(set) var bytes = 0
    private var depth = 0

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Charges work.
    func step(_ count: Int = 1) throws(ChatTemplateError) {
        steps += max(0, min(count, limits.steps + 1))
        if steps > limits.steps {
            steps = limits.steps
            throw failure("the template takes too many steps", .steps)
        }
    }

    /// Charges looking at each byte of a text.
    func look(_ text: String) throws(ChatTemplateError) { try step(text.utf8.count / 8 + 1) }

    /// Charges bytes that a value will have, and copying them.
    func make(_ count: Int) throws(ChatTemplateError) {
        bytes += max(0, min(count, limits.bytes + 1))
        if bytes > limits.bytes {
            bytes = limits.bytes
            throw failure("the template makes too much text or too many values", .memory)
        }
        try step(count / 64 + 1)
    }

    /// Charges several of a size, whose product may be no integer.
    func make(_ count: Int, times: Int) throws(ChatTemplateError) {
        let (product, overflow) = count.multipliedReportingOverflow(by: times)
        try make(overflow ? .max : product)
    }

    /// Charges elements of lists.
    func make(elements count: Int) throws(ChatTemplateError) {
        try make(count, times: 48)
        try step(count)
    }

    /// Opens a level of nesting; `leave` closes it.
    func enter() throws(ChatTemplateError) {
        depth += 1
        if depth > limits.depth {
            throw failure("statements, expressions and macros nest too deeply", .depth)
        }
    }

    func leave() { depth -= 1 }

    /// Refuses what nests too deeply.
    func check(depth: Int) throws(ChatTemplateError) {
        if depth > limits.valueDepth { throw failure("values nest too deeply", .depth) }
    }

    func failure(
        _ message: String, _ limit: ChatTemplateError.Limit? = nil
    ) -> ChatTemplateError {
        ChatTemplateError(message, line: line, limit: limit)
    }
}
