import Foundation
import MLX
import Testing

/// What `MLX_...` variables may say: a value that makes no sense is a typed problem that names its
/// variable, the default holds, and no process ends or waits for it.
@Suite("Environment") struct EnvironmentTests {
    private typealias Environment = Runtime.Environment

    private func problems(_ variables: [String: String]) -> [String] {
        let environment = Environment(variables, cores: 4)
        #expect(environment.problems.allSatisfy { $0.kind == .argument && !$0.message.isEmpty })
        return environment.problems.map(\.operation)
    }

    @Test("thread counts are positive and within the limit") func threads() {
        for bad in ["0", "-1", "abc", "9223372036854775808", "1e3", "4 ", "٤"] {
            #expect(problems(["MLX_THREADS": bad]) == ["MLX_THREADS"], "\(bad)")
            #expect(Environment(["MLX_THREADS": bad], cores: 4).threads == nil)
        }
        for large in ["65", "100000", "9223372036854775807"] {
            #expect(problems(["MLX_THREADS": large]) == ["MLX_THREADS"])
            #expect(Environment(["MLX_THREADS": large], cores: 4).threads == 64)
        }
        #expect(problems(["MLX_THREADS": "64"]) == [])
        #expect(Environment(["MLX_THREADS": "3"], cores: 4).threads == 3)
        #expect(Environment.maximumThreads(cores: 100) == 400)
        #expect(Environment.maximumThreads(cores: 1000) == 1024)
    }

    @Test("other variables name themselves, and empty ones are not set") func others() {
        #expect(problems(["MLX_DEBUG": "loud"]) == ["MLX_DEBUG"])
        #expect(problems(["MLX_DEBUG": "-3"]) == ["MLX_DEBUG"])
        #expect(Environment(["MLX_DEBUG": "99"], cores: 4).debugLevel == 4)
        #expect(problems(["MLX_POLICY": "best"]) == ["MLX_POLICY"])
        #expect(problems(["MLX_POLICY": "random:x"]) == ["MLX_POLICY"])
        #expect(problems(["MLX_ISA": "sse9"]) == ["MLX_ISA"])
        #expect(problems(["MLX_TOPOLOGY": "/nowhere/at/all"]) == ["MLX_TOPOLOGY"])
        let names = [
            "MLX_THREADS", "MLX_DEBUG", "MLX_POLICY", "MLX_ISA", "MLX_TOPOLOGY", "MLX_TRACE",
        ]
        #expect(problems(Dictionary(uniqueKeysWithValues: names.map { ($0, "") })) == [])
        let long = String(repeating: "x", count: 100_000)
        let said = Environment(["MLX_POLICY": long], cores: 4).problems
        #expect(said.count == 1 && said[0].message.count < 1000)
        #expect(said[0].message.hasPrefix("is one of cost, round-robin, random, all-cpu"))
        #expect(Environment(["MLX_POLICY": "heft"], cores: 4).policy?.name == "heft")
    }

    @Test("only regular files are opened") func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let pipe = folder.appending(path: "pipe").path
        #expect(mkfifo(pipe, 0o600) == 0)
        for variable in ["MLX_TRACE", "MLX_TOPOLOGY", "MLX_CALIBRATION"] {
            for path in [pipe, folder.path, "/dev/null"] {
                #expect(problems([variable: path]) == [variable])
            }
        }
        let file = folder.appending(path: "trace.json").path
        #expect(Environment(["MLX_TRACE": file], cores: 4).traceFile == file)
        #expect(problems(["MLX_TRACE": file]) == [])
    }

    @Test("a process with nothing but bad values computes, and ends") func process() async {
        await #expect(processExitsWith: .success) {
            let pipe = FileManager.default.temporaryDirectory
                .appending(path: UUID().uuidString).path
            if mkfifo(pipe, 0o600) != 0 { exit(2) }
            let values = [
                "MLX_THREADS": "9223372036854775807", "MLX_DEBUG": "abc", "MLX_POLICY": "?",
                "MLX_ISA": "?", "MLX_TOPOLOGY": pipe, "MLX_TRACE": pipe, "MLX_CALIBRATION": pipe,
            ]
            for (name, value) in values { setenv(name, value, 1) }
            alarm(60)
            let sum = (MLXArray([1, 2, 3] as [Float]) + 1).sum().item(Float.self)
            try FileManager.default.removeItem(atPath: pipe)
            exit(sum == 9 ? 0 : 1)
        }
    }
}
