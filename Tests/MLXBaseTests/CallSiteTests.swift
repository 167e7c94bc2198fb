import Testing

@testable import MLXBase

// A call site names the user's file and line, whatever lies between the user and the library.

private func makeError() -> ArrayError { ArrayError(.shape, "add", "does not fit") }

private func generic<Value>(_ body: () -> Value) -> Value { body() }

private protocol Maker { func make() -> ArrayError }

private struct Witness: Maker {
    func make() -> ArrayError { makeError() }
}

extension Array where Element == Int {
    fileprivate func makeErrors() -> [ArrayError] { map { _ in makeError() } }
}

@Suite struct CallSiteTests {
    private static let file: String = #fileID

    /// The line that `makeError` stands on.
    private static let makerLine = 7

    @Test("An error's description names the file and line it was made at")
    func fileAndLine() {
        let error = ArrayError(.shape, "add", "does not fit")
        let line = #line - 1
        #expect(error.site.place == "\(Self.file):\(line)")
        #expect(error.description == "[add] does not fit\n  at \(Self.file):\(line)")
    }

    @Test("Through closures, generics, extensions, witnesses and suspension")
    func callers() async throws {
        let maker = "\(Self.file):\(Self.makerLine)"
        #expect(makeError().site.place == maker)
        #expect(generic { makeError() }.site.place == maker)
        #expect([1].makeErrors()[0].site.place == maker)
        let witness: any Maker = Witness()
        #expect(witness.make().site.place == maker)
        await Task.yield()
        let error = ArrayError(.shape, "add", "does not fit")
        let line = #line - 1
        #expect(error.site.place == "\(Self.file):\(line)")
    }

    @Test("Many tasks may ask at once")
    func concurrently() async {
        let error = ArrayError(.shape, "add", "does not fit")
        let line = #line - 1
        await withTaskGroup(of: String?.self) { group in
            for _ in 0..<50 { group.addTask { error.site.place } }
            for await place in group { #expect(place == "\(Self.file):\(line)") }
        }
    }

    @Test("Addresses that are nowhere have no place")
    func nowhere() {
        #expect(CallSite(addresses: []).place == nil)
        #expect(CallSite(addresses: [0, 1, 42, .max]).place == nil)
    }

    @Test(
        "The module of a mangled name",
        arguments: [
            ("$s3MLX3addyyF", "MLX"), ("$s5MyApp3addyyFyycfU_", "MyApp"),
            ("$sSi5MyAppE3addyyF", "MyApp"),
            ("$s3MLX8MLXArrayC5MyAppE3fooyyF", "MyApp"), ("$sSa6appendyyxnF", "Swift"),
        ])
    func modules(_ mangled: String, _ module: String) {
        #expect(SymbolName(mangled).module.map(String.init) == module)
    }

    @Test("Names that are not Swift's have no module")
    func foreignNames() {
        #expect(SymbolName("main").module == nil)
        #expect(!SymbolName("main").isInternal)
        #expect(SymbolName("mlx_tape_run").isInternal)
        #expect(SymbolName("$s3MLX3addyyF").isInternal)
        #expect(!SymbolName("$s3MLX8MLXArrayC5MyAppE3fooyyF").isInternal)
    }
}
