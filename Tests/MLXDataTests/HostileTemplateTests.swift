import MLXFormats
import Testing

@testable import MLXData

/// Templates that ask for more than there is, each with the limit that must refuse it. What counts
/// is the budget's own account, so that the tests say the same on every machine.
@Suite("Hostile templates") struct HostileTemplateTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let template: String
        /// Nil where the template is fine, since what it does costs little now.
        let limit: ChatTemplateError.Limit?

        init(_ name: String, _ limit: ChatTemplateError.Limit?, _ template: String) {
            self.name = name
            self.template = template
            self.limit = limit
        }

        var testDescription: String { name }
    }

    /// A small budget reaches its limits as surely as a large one, and sooner in a debug build.
    private static let small = TemplateBudget.Limits(steps: 300_000, bytes: 1 << 22)

    private static func repeated(_ text: String, _ count: Int) -> String {
        String(repeating: text, count: count)
    }

    private static let double =
        "{% set ns = namespace(t='abcdefgh') %}{% for i in range(60) %}{% set ns.t = "

    static let texts: [Attack] = [
        .init("concatenation", .memory, double + "ns.t + ns.t %}{% endfor %}"),
        .init("joining signs", .memory, double + "ns.t ~ ns.t %}{% endfor %}"),
        .init("replace", .memory, double + "ns.t.replace('a', 'aaa') %}{% endfor %}"),
        .init("replace filter", .memory, double + "ns.t | replace('a', 'aaa') %}{% endfor %}"),
        .init("join", .memory, double + "[ns.t, ns.t] | join(ns.t) %}{% endfor %}"),
        .init("join method", .memory, double + "ns.t.join(['', '', '']) %}{% endfor %}"),
        .init("format", .memory, double + "'%s%s' % (ns.t, ns.t) %}{% endfor %}"),
        .init("repeat", .memory, "{{ 'ab' * 9223372036854775807 }}"),
        .init("repeat swapped", .memory, "{{ 9223372036854775807 * 'ab' }}"),
        .init("repeat in turn", .memory, "{{ ('a' * 1000000) * 1000000 }}"),
        .init("repeat nothing", nil, "{{ '' * 9223372036854775807 }}{{ 'a' * -5 }}"),
        .init(
            "escape", .memory,
            double + "(ns.t ~ '&') | e %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}"),
        .init("indent", .memory, "{{ ('\\n' * 100000) | indent('x' * 1000, true, true) }}"),
        .init("json", .steps, double + "[ns.t, ns.t] | tojson %}{% endfor %}"),
        .init(
            "capture", .memory,
            "{% set a = 'x' * 100000 %}{% for i in range(999) %}{% set b %}{{ a }}{% endset %}"
                + "{% endfor %}"),
        .init("find", nil, "{{ ('a' * 100000).find('a' * 50000 ~ 'b') }}"),
        .init("in", nil, "{{ ('a' * 50000 ~ 'b') in ('a' * 100000) }}"),
        .init(
            "find in turn", .steps,
            "{% set t = 'a' * 100000 %}{% for i in range(9999) %}{% if 'b' in t %}{% endif %}"
                + "{% endfor %}"),
        .init(
            "index", .steps,
            "{% set t = 'a' * 100000 %}{% for i in range(9999) %}{% if t[i] %}{% endif %}"
                + "{% endfor %}"),
        .init(
            "length", .steps,
            "{% set t = 'a' * 100000 %}{% for i in range(9999) %}{% if t | length %}{% endif %}"
                + "{% endfor %}"),
        .init(
            "equality", .steps,
            "{% set t = 'a' * 100000 %}{% set u = 'a' * 100000 %}{% for i in range(9999) %}"
                + "{% if t == u %}{% endif %}{% endfor %}"),
        .init("long name", .length, "{{ " + repeated("n", 300_000) + " }}"),
        .init("long template", .length, repeated(" ", 1 << 20) + " "),
        .init("time", .length, "{{ strftime_now('%p' * 100000) }}"),
    ]

    static let lists: [Attack] = [
        .init(
            "adding lists", .memory,
            "{% set ns = namespace(l=[1, 2]) %}{% for i in range(60) %}"
                + "{% set ns.l = ns.l + ns.l %}{% endfor %}"),
        .init(
            "list of a list", .depth,
            "{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}"
                + "{% endfor %}"),
        .init(
            "dictionary of a dictionary", .depth,
            "{% set ns = namespace(d={}) %}{% for i in range(5000) %}"
                + "{% set ns.d = {'a': ns.d} %}{% endfor %}"),
        .init(
            "dict of a dict", .depth,
            "{% set ns = namespace(d={}) %}{% for i in range(5000) %}"
                + "{% set ns.d = dict(a=ns.d) %}{% endfor %}"),
        .init("shared values printed", .steps, shared("{{ ns.l }}")),
        .init("shared values as JSON", .memory, shared("{{ ns.l | tojson(indent=4) }}")),
        .init("shared values compared", .steps, shared("{{ ns.l == ns.m }}")),
        .init("shared values in order", .steps, shared("{{ ns.l < ns.m }}")),
        .init("shared values searched", .steps, shared("{{ ns.l in [ns.m] }}")),
        .init("unique numbers", nil, "{{ range(3000) | unique | list | length }}"),
        .init(
            "unique lists", .steps,
            "{{ range(2000) | map('string') | map('list') | list | unique | list | length }}"),
        .init("sort", nil, "{{ range(3000) | reverse | sort | first }}"),
        .init(
            "sort in turn", .steps,
            "{% set l = range(3000) | list %}{% for i in range(999) %}{% set m = l | sort %}"
                + "{% endfor %}"),
        .init(
            "index of a list", .steps,
            "{% set l = range(3000) | list %}{% for i in l %}{% set m = l.index(i) %}{% endfor %}"),
        .init("range", .memory, "{{ range(-9223372036854775807, 9223372036854775807) }}"),
        .init(
            "slices", .memory,
            "{% set l = range(3000) | list %}{% for i in range(999) %}{% set m = l[::-1] %}"
                + "{% endfor %}"),
        .init(
            "ranges that end with the integers", nil,
            "{{ range(9223372036854775800, 9223372036854775807, 5) | list }}"
                + "{{ [1, 2, 3][1::9223372036854775807] }}"
                + "{{ [1, 2, 3][::-9223372036854775807 - 1] }}"),
    ]

    private static func shared(_ end: String) -> String {
        "{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(60) %}"
            + "{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}" + end
    }

    static let programs: [Attack] = [
        .init(
            "filter that rejects all", .steps,
            "{% for a in range(9999) %}{% for b in range(9999) if false %}{% endfor %}"
                + "{% endfor %}"),
        .init(
            "loop in a loop", .steps,
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"),
        .init(
            "map", .memory,
            "{% for a in range(999) %}{% set b = range(999) | map('abs') | list %}{% endfor %}"),
        .init(
            "select", .steps,
            "{% for a in range(999) %}{% set b = range(999) | select('odd') | list %}{% endfor %}"),
        .init("macro of itself", .depth, "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        .init(
            "macro of itself in statements", .depth,
            "{% macro m() %}" + repeated("{% if 1 %}", 30) + "{{ m() }}"
                + repeated("{% endif %}", 30) + "{% endmacro %}{{ m() }}"),
        .init(
            "macro of itself twice", .depth,
            "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}"),
        .init(
            "macros that double", .steps,
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
                + "{{ m(30) }}"),
        .init("brackets", .depth, "{{ " + repeated("[", 9999) + repeated("]", 9999) + " }}"),
        .init("chain", .depth, "{{ 1" + repeated(" + 1", 9999) + " }}"),
        .init("statements", .depth, repeated("{% if 1 %}", 9999)),
        .init(
            "many parameters", .steps,
            "{% macro m(" + (0..<9000).map { "a\($0)" }.joined(separator: ",")
                + ") %}{% endmacro %}"
                + "{% for i in range(99) %}{{ m() }}{% endfor %}"),
        .init(
            "namespace of itself", nil,
            "{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = [b] %}"
                + "{{ a.b[0].a == a }}"),
        .init("rsplit", nil, "{{ 'a b c'.rsplit(' ', 9223372036854775807) }}"),
        .init("split", nil, "{{ 'a b c'.split(' ', 9223372036854775807) }}"),
    ]

    @Test("a limit refuses each, and names itself", arguments: texts + lists + programs)
    func refused(attack: Attack) throws {
        let budget = TemplateBudget(HostileTemplateTests.small)
        do {
            _ = try ChatTemplate(attack.template).render([:], budget)
            #expect(attack.limit == nil)
        } catch let error as ChatTemplateError {
            #expect(error.limit == attack.limit, "\(error)")
        }
        #expect(budget.steps <= budget.limits.steps && budget.bytes <= budget.limits.bytes)
    }

    @Test("integers that are too large are errors")
    func integers() throws {
        for expression in [
            "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2",
            "(-9223372036854775807 - 1) // -1", "-(-9223372036854775807 - 1)",
            "[9223372036854775807, 1] | sum", "1 // 0", "1 % 0",
            "range(1, 5, -9223372036854775807 - 1)",
        ] {
            #expect(throws: ChatTemplateError.self, "\(expression)") {
                try ChatTemplate("{{ \(expression) }}").render([])
            }
        }
    }

    @Test("namespaces that hold each other are freed with the rendering")
    func cycles() throws {
        weak var space: TemplateNamespace?
        do {
            let renderer = TemplateRenderer(variables: [:], TemplateBudget())
            guard case .namespace(let made) = try renderer.namespace(TemplateDictionary()) else {
                return
            }
            made.members["self"] = .list(TemplateList([.namespace(made)]))
            space = made
            _ = try renderer.render([])
        }
        #expect(space == nil)
    }

    @Test("a template of a megabyte of tags is read in one go")
    func lines() throws {
        let tags = 20_000
        let source = HostileTemplateTests.repeated("{{ 1 }}\n", tags) + "{{ nothing.at.all }}"
        let error = #expect(throws: ChatTemplateError.self) { try ChatTemplate(source).render([]) }
        #expect(error?.line == tags + 1)
    }
}
