import Testing

// The rules are only as good as the two scanners beneath them, so these have tests of their own.

@Suite struct ScannerTests {
    @Test("Comments and strings are blanked, code inside interpolations is not")
    func codeOnly() {
        let text = #"""
            let a = "{ \(b { "}" }) {" // {
            /* { /* { */ */ let c = 1
            let d = """
                { \(e)
                """
            """#
        let code = CodeOnly.lines(of: text)
        #expect(code.count == 5)
        #expect(code[0].filter { "{}".contains($0) } == "{}")
        #expect(code[1].trimmed == "let c = 1")
        #expect(code[3].trimmed == "e)" || code[3].trimmed == "e")
        #expect(CodeOnly.lines(of: "f('\"'); // x\n\"a\" g")[0].hasPrefix("f("))
        #expect(CodeOnly.lines(of: "f('\"'); // x\n\"a\" g")[1].hasSuffix(" g"))
    }

    @Test("Functions and their lengths")
    func functions() {
        let text = """
            protocol P { func a(); var b: Int { get }
              init(x: Int)
            }
            struct S {
              init() {
              }
              func c<T>(_ x: [T] = [], y: () -> Int = { 1 }) -> (Int) -> Int
              where T: P {
                self.init(x: 1)
                return { $0 }
              }
              subscript(i: Int) -> Int {
                i }
            }
            """
        let found = FunctionLengths.swift(CodeOnly.lines(of: text))
        #expect(found.map(\.name) == ["init", "c", "subscript"])
        #expect(found.map(\.line) == [5, 7, 12])
        #expect(found.map(\.lineCount) == [2, 5, 2])
        let c = "int f(int x)\n{\n  if (x) {\n  }\n}\nstruct s {\n};\nint g(void);\n"
        let functions = FunctionLengths.c(CodeOnly.lines(of: c))
        #expect(functions.map(\.lineCount) == [5])
    }

    @Test("Dependencies in the text of a manifest")
    func manifest() {
        let text = """
                targets: [
                    layer("A"), layer("B", ["A", other]),
                    .executableTarget(
                        name: "C", dependencies: ["B", .product(name: "D", package: "d")]),
                ]
            """
        #expect(Manifest(text).dependencies == ["A": [], "B": ["A"], "C": ["B"]])
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
