import MLXBase
import MLXMemory
import MLXPlanner
import Testing

@testable import MLXRuntime

/// Topology files: what they may say, and what they may not.
@Suite struct TopologyFileTests {
    @Test func files() throws {
        let text = #"{"kind": "split", "threads": 3, "nodes": [{"cpus": [1, 0]}, {"cpus": [2]}]}"#
        let topology = try Topology.parse(Array(text.utf8), name: "test")
        #expect(topology.kind == .split && topology.threadCount == 3)
        #expect(topology.nodes.map(\.cpus) == [[0, 1], [2]])
        for bad in [
            "", "{}", "[]", #"{"nodes": []}"#, #"{"nodes": [{"cpus": []}]}"#,
            #"{"nodes": [{"cpus": [0]}, {"cpus": [0]}]}"#, #"{"nodes": [{"cpus": [-1]}]}"#,
            #"{"kind": "x", "nodes": [{"cpus": [0]}]}"#, #"{"nodes": [{"cpus": [99999999]}]}"#,
            #"{"threads": 0, "nodes": [{"cpus": [0]}]}"#,
            #"{"nodes": [{"id": 1, "cpus": [0]}, {"id": 1, "cpus": [1]}]}"#,
            #"{"nodes": [{"cpus": [1e400]}]}"#, #"{"nodes": [{"cpus": [0.5]}]}"#,
            #"{"nodes": [{"cpus": [0], "memory": -1}]}"#, #"{"nodes": [{"cpus": ["0"]}]}"#,
            #"{"nodes": 3}"#, #"{"threads": "two", "nodes": [{"cpus": [0]}]}"#,
        ] {
            #expect(throws: ArrayError.self) { try Topology.parse(Array(bad.utf8), name: "t") }
        }
        #expect(throws: ArrayError.self) { try Topology.read(path: "/nowhere/at/all") }
        #expect(throws: ArrayError.self) { try Topology.read(path: "/dev/zero") }
    }

    @Test func coresOfEachDevice() throws {
        let text = #"""
            {"nodes": [{"cpus": [0, 1]}, {"cpus": [2]}],
             "devices": {"cpu": [2], "gpu": [1, 0], "npu": [2]}}
            """#
        let topology = try Topology.parse(Array(text.utf8), name: "test")
        #expect(topology.kind == .assigned)
        let placement = topology.placement(deviceCount: 3)
        #expect(placement.teams.map(\.cpus) == [[2], [0, 1]])
        let sets = CoreSet.sets(of: topology, placement)
        #expect(sets.map(\.devices) == [[.cpu, .npu], .gpu])
        #expect(sets.map(\.memoryNode) == [1, 0])
    }

    @Test(arguments: [
        (#"{"nodes": [{"cpus": [0]}], "devices": {"cpu": [0], "gpu": []}}"#, "devices.gpu"),
        (#"{"nodes": [{"cpus": [0]}], "devices": {"cpu": [0], "gpu": [0]}}"#, "devices.npu"),
        (#"{"nodes": [{"cpus": [0]}], "devices": {"cpu": [7]}}"#, "devices.cpu"),
        (#"{"nodes": [{"cpus": [0]}], "devices": {"cpu": [0, 0]}}"#, "devices.cpu"),
        (#"{"nodes": [{"cpus": [0]}], "devices": {"cpu": [-1]}}"#, "devices.cpu[0]"),
        (#"{"nodes": [{"cpus": [0, 1]}], "devices": {"cpu": [0, 1], "gpu": [1]}}"#, "devices.gpu"),
        (#"{"nodes": [{"cpus": [0]}], "devices": 3}"#, "devices.cpu"),
        (#"{"nodes": [{"cpus": [0]}], "kind": "split", "devices": {}}"#, "kind"),
        (#"{"nodes": [{"cpus": [0]}], "threads": 9223372036854775807}"#, "threads"),
        (#"{"nodes": [{"cpus": [0]}], "threads": 0}"#, "threads"),
        (#"{"nodes": [{"cpus": [0]}, {"cpus": []}]}"#, "nodes[1].cpus"),
        (#"{"nodes": [{"cpus": [0], "memory": -1}]}"#, "nodes[0].memory"),
        (#"{"nodes": [{"cpus": [0], "id": 5000}]}"#, "nodes[0].id"),
        (#"{"nodes": []}"#, "nodes"),
    ])
    func errorsNameTheField(text: String, field: String) throws {
        do {
            _ = try Topology.parse(Array(text.utf8), name: "machine")
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.kind == .file && error.message.hasPrefix("machine: \(field): "))
        }
    }
}
