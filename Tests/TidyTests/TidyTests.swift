import Foundation
import Testing

// The rules of the house that a program can check, each one a test that names every offender. They
// read the sources as text; what they cannot judge (a good name, a good reason) is left to review.

@Suite struct TidyTests {
    private static let maximumFileLines = 600
    private static let maximumColumns = 100
    private static let maximumFunctionLines = 70
    /// How far from `@unchecked Sendable` its reason may stand.
    private static let safetyDistance = 6
    private static let minimumHeadLength = 40

    private let tree = SourceTree.current

    private func expectNone(
        _ offences: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            offences.isEmpty, "\n\(offences.joined(separator: "\n"))",
            sourceLocation: sourceLocation)
    }

    private func mentions(
        _ files: [SourceFile], inCode: Bool = true, _ matches: (String) -> Bool
    ) -> [String] {
        files.flatMap { file in
            (inCode ? file.code : file.lines).enumerated().filter { matches($0.element) }.map {
                "\(file.path):\($0.offset + 1): \(file.lines[$0.offset])"
            }
        }
    }

    // MARK: Size

    @Test("The tree was found")
    func treeIsFound() throws {
        #expect(tree.files.count > 20)
        #expect(tree.text("Package.swift") != nil)
    }

    @Test("Files are not too long")
    func fileLength() {
        expectNone(
            tree.files.filter { $0.lines.count > Self.maximumFileLines + 1 }
                .map { "\($0.path): \($0.lines.count) lines" })
    }

    @Test("Lines are not too long")
    func lineLength() {
        expectNone(mentions(tree.files, inCode: false) { $0.count > Self.maximumColumns })
    }

    @Test("Functions are not too long")
    func functionLength() {
        expectNone(
            tree.files.flatMap { file in
                let isSwift = file.path.hasSuffix(".swift")
                let functions =
                    isSwift ? FunctionLengths.swift(file.code) : FunctionLengths.c(file.code)
                return functions.filter { $0.lineCount > Self.maximumFunctionLines }.map {
                    "\(file.path):\($0.line): \($0.name) has \($0.lineCount) lines"
                }
            })
    }

    // MARK: Layers

    private var house: House { House(tree.text("ARCHITECTURE.md") ?? "") }

    @Test("Targets depend downward only, and imports follow the manifest")
    func layers() {
        let manifest = Manifest(tree.text("Package.swift") ?? "")
        let row = house.row
        #expect(manifest.dependencies.count > 15)
        var offences: [String] = []
        for (target, dependencies) in manifest.dependencies {
            guard let own = row[target] else { continue }
            for dependency in dependencies where row[dependency].map({ $0 >= own }) ?? true {
                offences.append("Package.swift: \(target) depends on \(dependency)")
            }
        }
        for file in tree.swiftFiles {
            guard let target = file.target, row[target] != nil else { continue }
            let allowed = Set(manifest.dependencies[target] ?? [])
            for (module, line) in file.imports
            where row[module] != nil && !allowed.contains(module) {
                offences.append("\(file.path):\(line): imports \(module)")
            }
        }
        expectNone(offences.sorted())
    }

    @Test("The picture of the layers has every target of Sources, once")
    func picture() {
        let house = house
        expectNone(house.faults)
        let targets = Set(tree.files.compactMap(\.target))
        expectNone(targets.filter { house.row[$0] == nil }.sorted())
        let known = Manifest(tree.text("Package.swift") ?? "").dependencies
        expectNone(house.row.keys.filter { known[$0] == nil }.sorted())
    }

    @Test("No Foundation below MLX, and no more than FoundationEssentials in MLX, NN, Optimizers")
    func foundation() {
        let house = house
        let offences = tree.swiftFiles.flatMap { file -> [String] in
            guard let target = file.target else { return [] }
            return file.imports.filter { module, _ in
                module.hasPrefix("Foundation")
                    && (house.isWithoutFoundation(target)
                        || house.isWithoutICU(target) && module != "FoundationEssentials")
            }.map { "\(file.path):\($0.line): imports \($0.module)" }
        }
        expectNone(offences)
    }

    @Test("ARCHITECTURE.md names every target")
    func architecture() throws {
        let architecture = tree.text("ARCHITECTURE.md")
        let text = try #require(architecture, "there is no ARCHITECTURE.md")
        let manifest = Manifest(tree.text("Package.swift") ?? "")
        expectNone(manifest.dependencies.keys.filter { !text.contains($0) }.sorted())
    }

    // MARK: Comments

    @Test("Every @unchecked Sendable says why")
    func safety() {
        expectNone(
            tree.swiftFiles.flatMap { file in
                file.code.indices.filter { index in
                    guard file.code[index].contains("@unchecked Sendable") else { return false }
                    let near =
                        max(
                            0, index - Self.safetyDistance)...min(
                            file.lines.count - 1, index + Self.safetyDistance)
                    return !file.lines[near].contains { $0.contains("SAFETY:") }
                }.map { "\(file.path):\($0 + 1)" }
            })
    }

    @Test("Every Swift file says what it is")
    func headComment() {
        expectNone(tree.swiftFiles.filter { headLength($0) < Self.minimumHeadLength }.map(\.path))
    }

    /// Characters of comment before the first declaration.
    private func headLength(_ file: SourceFile) -> Int {
        var length = 0
        for (line, code) in zip(file.lines, file.code) {
            let text = line.drop { $0 == " " }
            let words = code.split(separator: " ")
            if text.hasPrefix("//") {
                length += text.drop { $0 == "/" || $0 == " " }.count
            } else if !words.isEmpty, !words.contains("import"), !code.hasPrefix("#"),
                !words.contains("extension")  // its members' comments say it
            {
                break
            }
        }
        return length
    }

    @Test("No open ends, no paths of one machine")
    func words() {
        let files = tree.files.filter { !$0.path.hasPrefix("Tests/TidyTests/") }
        let words = [
            "TODO", "FIXME", "HACK", "fatalError(\"stub", "not implemented",
            "unimplemented", "/home/", "/root/", "/work/", "/Users/",
        ]
        expectNone(mentions(files, inCode: false) { line in words.contains { line.contains($0) } })
    }

    @Test("No machine's paths in scripts and documents")
    func documents() {
        let paths = [
            "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md",
            "Scripts/test", "Scripts/links", "Scripts/demo", "Scripts/install-system-packages",
            ".ci/run", "Examples/README.md", "Examples/run",
        ]
        let words = ["/home/", "/root/", "/work/", "/Users/"]
        expectNone(
            paths.filter { path in
                guard let text = tree.text(path) else { return false }
                return words.contains { text.contains($0) }
            })
    }

    // MARK: Determinism

    /// What would escape the simulator's clock and executor.
    @Test("The runtime and the planner stay inside the simulator")
    func determinism() {
        let files = tree.swiftFiles.filter {
            $0.target == "MLXRuntime" || $0.target == "MLXPlanner"
        }
        let words = [
            "Task {", "Task.sleep", "ContinuousClock", "SuspendingClock", "MainActor", "getenv",
            "ProcessInfo", "SystemRandomNumberGenerator", "DispatchQueue",
        ]
        var offences = mentions(files) { line in words.contains { line.contains($0) } }
        offences += mentions(files) { line in
            // Asking for the current task starts none.
            (line.contains("Task.detached")
                || line.contains("Task(") && !line.contains("CurrentTask("))
                && !line.contains("executorPreference:")
        }
        for file in files {
            let actors = file.code.filter { line in
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "actor") else { return false }
                return at + 1 < words.count && line.contains("{")
            }
            let executors = file.code.filter { $0.contains("unownedExecutor") }
            if actors.count > executors.count {
                offences.append("\(file.path): an actor without unownedExecutor")
            }
        }
        expectNone(offences)
    }
}
