import Foundation
import MLXBase
import MLXOps
import MLXPlanner
import Testing

@testable import SchedulingLab

/// The lab: its graphs have the sizes that formulas say, its files are read or refused with file,
/// line and field, and its figures add up.
@Suite("Scheduling lab") struct LabTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func platform(_ name: String) throws -> Platform {
        try PlatformFile.read(
            path: root.appending(path: "Simulations/scheduling-lab/Platforms/\(name).json").path)
    }

    /// Hands the path of a file with a text to `body`.
    private func withFile<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }

    /// What is said about a text, without the path before it.
    private func complaint(_ text: String, _ read: (String) throws -> Void) throws -> String {
        try withFile(text) { path in
            do {
                try read(path)
                return "none"
            } catch let error as ArrayError {
                #expect(error.message.hasPrefix(path + ":"), "\(error.message)")
                return String(error.message.dropFirst(path.count + 1))
            }
        }
    }

    // MARK: - Graphs

    @Test("families have as many tasks as their formulas say") func sizes() throws {
        func count(_ text: String) throws -> Int {
            try GraphSource.graph(text, seed: 1).tasks.count
        }
        for t in [1, 2, 5, 12] { #expect(try count("cholesky:\(t)") == t * (t + 1) * (t + 2) / 6) }
        for t in [1, 4] { #expect(try count("lu:\(t)") == t * (t + 1) * (2 * t + 1) / 6) }
        for n in [2, 9] { #expect(try count("gauss:\(n)") == (n * n + n - 2) / 2) }
        #expect(try count("fft:4") == 16 * 5)
        #expect(try count("fork-join:3x7") == 1 + 3 * 8)
        #expect(Generator.all.count { $0.family.hasPrefix("bench-") } == 11)
        for generator in Generator.all {
            let graph = generator.make(generator.sizes, 3)
            #expect(graph == generator.make(generator.sizes, 3), "\(generator.family)")
            for (number, task) in graph.tasks.enumerated() {
                #expect(task.inputs.allSatisfy { $0.task < number }, "\(generator.family)")
            }
        }
        let total = try GraphSource.graph("cholesky:9", seed: 1).tasks.reduce(0) { $0 + $1.flops }
        let unit = Double(Generator.tile * Generator.tile * Generator.tile) / 3
        #expect(abs(total / unit - 729) < 1e-6)
    }

    @Test("unknown graphs and sizes are errors that list what there is") func unknown() {
        for text in [
            "tower:3", "cholesky:0", "cholesky:x", "stencil:4", "stencil:4x", "layered:4096x4096",
            "captured:nothing", "", "cholesky:-1", "cholesky:99999999999999999999",
        ] {
            #expect(throws: ArrayError.self, "\(text)") { try GraphSource.graph(text, seed: 1) }
        }
        #expect(throws: ArrayError.self) { try Arguments.policies("heft,best") }
    }

    @Test("captured graphs are the library's own") func captured() throws {
        for name in Captured.names {
            let graph = try GraphSource.graph("captured:\(name)", seed: 1)
            #expect(graph.tasks.count > 5 && graph.edgeCount > 4, "\(name)")
            #expect(graph.tasks.contains { $0.flops > 0 })
        }
    }

    // MARK: - Files

    @Test("STG files: a graph, and what is wrong with others") func standardTaskGraphs() throws {
        let good = "3\n0 0 0\n1 5 1 0\n2 7 1 0 # why\n3 1 2 1 2\n4 0 1 3\n"
        let graph = try withFile(good) { try GraphSource.graph("stg:\($0)", seed: 1) }
        #expect(graph.tasks.map(\.nanoseconds) == [0, 5000, 7000, 1000, 0])
        #expect(graph.tasks[3].inputs.map(\.task) == [1, 2])
        for (text, wanted) in [
            ("3\n0 0 0\n", "1: tasks: says 3, and 1 lines follow"),
            ("2\n0 1 0\n1 1 1 9\n", "3: predecessors: there is no task 9"),
            ("2\n0 1 0\n1 1 2 0\n", "3: predecessors: 2 are announced, 1 are there"),
            ("2\n0 1 0\n1 -1 0\n", "3: time: is missing or negative"),
            ("2\n0 1 0\n7 1 0\n", "3: task: is 7 and should be 1"),
            ("2\n0 1 1 1\n1 1 1 0\n", "3: predecessors: a cycle: 1 -> 0 -> 1"),
            ("2\n0 x 0\n1 1 0\n", "2: number: '0 x 0' has others"),
            ("", "1: tasks: the first line is no number of tasks"),
        ] {
            let said = try complaint(text) { _ = try GraphSource.graph("stg:\($0)", seed: 1) }
            #expect(said == wanted, "\(said)")
        }
    }

    private func workflow(_ tasks: String) -> String {
        #"{"workflow": {"specification": {"tasks": [\#n"# + tasks + "\n]}}}"
    }

    @Test("WfFormat files: a graph, and what is wrong with others") func workflows() throws {
        let good = workflow(
            #"""
            {"name": "b", "id": "b", "parents": ["a"], "children": [], "runtimeInSeconds": 2,
             "inputFiles": ["f"]},
            {"name": "a", "id": "a", "parents": [], "children": ["b"], "runtimeInSeconds": 1,
             "outputFiles": ["f"], "files": [{"name": "f", "sizeInBytes": 77}]}
            """#)
        let graph = try withFile(good) { try GraphSource.graph("wf:\($0)", seed: 1) }
        #expect(graph.tasks.map(\.name) == ["a", "b"])
        #expect(graph.tasks[1].inputs == [LabGraph.Input(task: 0, bytes: 77)])
        #expect(graph.tasks[1].nanoseconds == 2e9)
        for (tasks, wanted) in [
            (#"{"id": "a", "parents": ["z"], "runtimeInSeconds": 1}"#, "parents[0]: names no task"),
            (#"{"id": "a", "parents": []}"#, "runtimeInSeconds: is missing or negative for 'a'"),
            (
                #"{"id": "a", "parents": ["b"], "runtimeInSeconds": 1},"#
                    + #"{"id": "b", "parents": ["a"], "runtimeInSeconds": 1}"#, "a cycle: "
            ),
            (
                #"{"id": "a", "children": [], "runtimeInSeconds": 1},"#
                    + #"{"id": "b", "parents": ["a"], "runtimeInSeconds": 1}"#, "lacks 'b'"
            ),
            (#"{"id": "a", "runtimeInSeconds": 1},{"id": "a"}"#, "'a' occurs twice"),
            ("{", "JSON: "),
        ] {
            let said = try complaint(workflow(tasks)) {
                _ = try GraphSource.graph("wf:\($0)", seed: 1)
            }
            #expect(said.contains(wanted), "\(said)")
            #expect(Int(said.prefix { $0 != ":" }).map { $0 >= 1 } == true, "\(said)")
        }
    }

    @Test("platform files say what is wrong with which field in which line") func platforms() throws
    {
        let names = ["modelled-npu", "server16", "three-equal", "three-unequal", "zen4-2"]
        for name in names { #expect(try Self.platform(name).name == name) }
        let path = Self.root.appending(
            path: "Simulations/scheduling-lab/Platforms/three-unequal.json")
        let good = try String(contentsOf: path, encoding: .utf8)
        for (old, new, wanted) in [
            (#""device": "gpu""#, #""device": "cpu""#, "devices[1].device: cpu is listed twice"),
            (#""device": "gpu""#, #""device": "tpu""#, "devices[1].device: "),
            (#""speed": 2.5"#, #""speed": -2.5"#, "devices[1].speed: is not above zero"),
            (#""matmul": 150"#, #""matmul": 0"#, "devices[0].rates: not all are above zero"),
            (#""memories""#, #""memory""#, "memories: is missing"),
            (#""threads": 1"#, #""threads": "1""#, "devices[0].threads: is no Int"),
        ] {
            let text = good.replacing(old, with: new, maxReplacements: 1)
            #expect(text != good, "\(old)")
            let said = try complaint(text) { _ = try PlatformFile.read(path: $0) }
            #expect(said.contains(wanted), "\(said)")
        }
        let speed = try complaint(good.replacing(#""speed": 2.5"#, with: #""speed": 0"#)) {
            _ = try PlatformFile.read(path: $0)
        }
        let line = good.split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex { $0.contains(#""speed": 2.5"#) }
        #expect(Int(speed.prefix { $0 != ":" }) == line.map { $0 + 1 })
    }

    // MARK: - A modelled accelerator

    @Test("a modelled npu's time follows its tiles, transfers and peak") func modelledTimes() {
        var model = NPUModel(
            launchNanoseconds: 1000, int8OperationsPerNanosecond: 100, sramBytes: 12_000,
            dmaBytesPerNanosecond: 2, dmaNanoseconds: 50, operations: ["int8", "matmul"])
        func time(_ flops: Double, _ bytes: Double) -> Double {
            model.rates.nanoseconds(.int8, flops: flops, bytes: bytes)
        }
        // One transfer of 600 bytes, then a hundred nanoseconds of operations.
        #expect(time(10_000, 600) == 1000 + 300 + 50 + 100)
        // Bound by transfers: a first tile of 6,000 bytes, then nine more.
        #expect(time(10_000, 60_000) == 1000 + (3000 + 50) + 9 * (3000 + 50))
        // Products are read again and again: 10^8 / side bytes with a side of √1000.
        let moved = 1e8 / 1000.0.squareRoot()
        let transfers = (moved / 6000).rounded(.up)
        let wanted = 1000 + 3050 + max(1e6, (moved - 6000) / 2 + (transfers - 1) * 50)
        #expect(abs(time(1e8, 60_000) - wanted) < 1e-6 * wanted)
        // Half of a tile that holds all is there sooner, and the rest comes meanwhile.
        model.sramBytes = 24_000
        #expect(time(1e5, 12_000) == 1000 + (3000 + 50) + (3000 + 50))
        model.sramBytes = 12_000
        let small = time(1e8, 60_000)
        model.sramBytes *= 16
        #expect(time(1e8, 60_000) < small)
        #expect(model.runs("matmul", .matmul) && model.runs("int8_conv2d", .int8))
        #expect(!model.runs("exp", .elementwise))
    }

    @Test("a modelled npu gets the steps that it lists, and no others") func modelledPlaces() throws
    {
        let platform = try Self.platform("modelled-npu")
        let graph = try GraphSource.graph("captured:attention", seed: 1)
        let placed = graph.placement(on: platform)
        let products = graph.tasks.indices.filter { graph.tasks[$0].work == .matmul }
        #expect(!products.isEmpty && products.count < placed.count)
        for step in 0..<placed.count {
            #expect(placed.candidates[step].contains(DeviceType.npu) == products.contains(step))
            #expect(placed.nanoseconds[step][.npu].isFinite == products.contains(step))
        }
        for run in try runs("heft,cost,portfolio", ["captured:attention"], "modelled-npu") {
            #expect(run.ratio >= 1 - 1e-9)
        }
    }

    @Test("models that make no sense are refused by field") func badModels() throws {
        let path = Self.root.appending(
            path: "Simulations/scheduling-lab/Platforms/modelled-npu.json")
        let good = try String(contentsOf: path, encoding: .utf8)
        for (old, new, wanted) in [
            (#""sramBytes": 2097152"#, #""sramBytes": 1"#, "model.sramBytes: is below 1024"),
            (
                #""dmaBytesPerNanosecond": 40"#, #""dmaBytesPerNanosecond": 0"#,
                "model.dmaBytesPerNanosecond: is not above zero"
            ),
            (
                #""launchNanoseconds": 5000"#, #""launchNanoseconds": -1"#,
                "model.launchNanoseconds: is negative"
            ),
            (#""int8","#, #""int9","#, "'int9' is no operation and no class of work"),
            (#""model""#, #""rates": {}, "model""#, "devices[2].model: stands beside rates"),
        ] {
            let text = good.replacing(old, with: new, maxReplacements: 1)
            #expect(text != good, "\(old)")
            let said = try complaint(text) { _ = try PlatformFile.read(path: $0) }
            #expect(said.contains(wanted), "\(said)")
        }
    }

    // MARK: - Runs

    private func runs(
        _ policies: String, _ dags: [String], _ platform: String, spread: Double = 0
    ) throws -> [LabRun] {
        var runs: [LabRun] = []
        let sweep = Sweep(
            policies: try Arguments.policies(policies), graphs: dags,
            platforms: [try Self.platform(platform)], seeds: [1, 2], spread: spread, rounds: 100)
        try sweep.run(done: { _, _ in }, each: { runs.append($0) })
        return runs
    }

    @Test("busy and idle time add up to the makespan of all core sets") func accounts() throws {
        let dags = Generator.all.map(\.family)
        for run in try runs("heft,eager,random,all-cpu,memory", dags, "three-unequal", spread: 0.1)
        {
            let busy = zip(run.timeline.finishes, run.timeline.starts).reduce(0) {
                $0 + $1.0 - $1.1
            }
            let all = busy + run.idle.reduce(0, +)
            #expect(abs(all - 3 * run.makespan) < 1e-6 * all, "\(run.policy) \(run.graph)")
            #expect(run.idle.allSatisfy { $0 >= -1e-6 })
            #expect(run.ratio >= 1 - 1e-9, "\(run.policy) \(run.graph) \(run.bounds.best)")
            #expect(run.memory.allSatisfy { $0.bytes >= 0 })
        }
    }

    @Test("the same arguments give the same rows and the same page") func replays() throws {
        func everything() throws -> (String, String) {
            let all = try runs(
                "heft,eager,portfolio", ["erdos", "moe"], "three-unequal", spread: 0.2)
            var report = Report(maximumCharts: 4)
            for run in all { report.add(run) }
            return (all.map(\.row).joined(separator: "\n"), try report.page)
        }
        let (first, second) = (try everything(), try everything())
        #expect(first.0 == second.0 && first.1.count == second.1.count)
        #expect(!first.1.contains("DATA<") && first.1.hasSuffix("</html>\n"))
    }

    @Test("the policy of the documentation is short, and is in the lab's report") func ownPolicy()
        throws
    {
        let root = Self.root
        let page = try String(
            contentsOf: root.appending(
                path: "Sources/MLX/Documentation.docc/WritingPolicies.md"), encoding: .utf8)
        let source = try String(
            contentsOf: root.appending(path: "Simulations/scheduling-lab/OwnPolicies.swift"),
            encoding: .utf8)
        let begin = try #require(source.range(of: "/// Each step goes where"))
        let policy = source[begin.lowerBound...].trimmingCharacters(in: .newlines)
        #expect(policy.split(separator: "\n").count <= 50)
        #expect(page.contains("```swift\n\(policy)\n```"))
        var report = Report(maximumCharts: 4)
        for run in try runs("near-data,heft", ["cholesky:4"], "three-unequal") { report.add(run) }
        #expect(try report.page.contains(#""policy":"near-data""#))
    }

    @Test("closed form of tiled Cholesky stands in the report where it holds") func choleskyBound()
        throws
    {
        for run in try runs("heft,dmdas", ["cholesky:12"], "three-equal") {
            #expect(run.bounds.nanoseconds[.cholesky] != nil)
            #expect(run.ratio >= 1)
        }
        for run in try runs("heft", ["cholesky:12"], "three-unequal") {
            #expect(run.bounds.nanoseconds[.cholesky] == nil)
        }
    }

    @Test("a search finds an instance that hurts, and its file is read again") func search() throws
    {
        func outcome() throws -> Search.Outcome {
            var search = Search(
                QueuePolicy(.eager), against: [ListPolicy.heft],
                on: try Self.platform("three-unequal"),
                seed: 3)
            return search.run(rounds: 300, tasks: 8, progress: { _ in })
        }
        let (first, second) = (try outcome(), try outcome())
        #expect(first.ratio > 1.5 && first.graph == second.graph)
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try GraphFile.write(first.graph, to: path)
        #expect(try GraphFile.read(path: path) == first.graph)
    }

    @Test("on a handful of steps the portfolio is as short as any schedule") func handful() throws {
        let platform = try Self.platform("three-unequal")
        for name in ["bench-no_comm:2x2", "bench-random_nearest:2x2", "bench-dom:2x2"] {
            let graph = try GraphSource.graph(name, seed: 4).placement(on: platform)
            let schedule = PortfolioPolicy().schedule(graph)
            let time = Timeline(graph, schedule).makespanNanoseconds
            var search = BranchAndBound(graph, known: .infinity)
            let isShortest = search.run(nodeLimit: 20_000_000)
            #expect(isShortest, "\(name)")
            #expect(time <= search.best * (1 + 1e-9), "\(name)")
        }
    }

    @Test("branch and bound finds the shortest schedule of small graphs") func optimum() throws {
        let platform = try Self.platform("three-unequal")
        for name in ["cholesky:3", "fork-join:1x3", "erdos:7x30"] {
            let graph = try GraphSource.graph(name, seed: 4).placement(on: platform)
            var shortest = Double.infinity
            for policy in schedulingPolicies + ListPolicy.all {
                let time = Timeline(graph, policy.schedule(graph)).makespanNanoseconds
                shortest = min(shortest, time)
            }
            var search = BranchAndBound(graph, known: .infinity)
            let isShortest = search.run(nodeLimit: 20_000_000)
            #expect(isShortest, "\(name)")
            #expect(search.best <= shortest * (1 + 1e-9), "\(name)")
            #expect(search.best >= MakespanBounds(graph).best.nanoseconds * (1 - 1e-9), "\(name)")
            let order = search.bestPlaced.map(\.step)
            #expect(order.sorted() == Array(0..<graph.count))
        }
    }
}
