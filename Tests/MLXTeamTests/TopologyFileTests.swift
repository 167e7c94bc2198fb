import MLXBase
import MLXMemory
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
}
