import FoundationEssentials
import MLXBase

/// A topology from a file, for experiments with machines one does not have, or with a part of
/// one's own: `{"kind": "split", "threads": 4, "nodes": [{"cpus": [0, 1], "memory": 8589934592}]}`.
/// Every number is checked: the file may say anything.
extension Topology {
    private struct File: Decodable {
        struct Node: Decodable {
            var id: Int?
            var cpus: [Int]
            var memory: Int?
        }
        var kind: String?
        var threads: Int?
        var nodes: [Node]
    }

    private static let maximumFileByteCount = 1 << 20
    private static let maximumCPUs = 4096
    private static let maximumNodes = 1024

    package static func read(path: String) throws(ArrayError) -> Topology {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ArrayError(.file, "topology", "cannot read \(path)")
        }
        return try parse(Array(data), name: path)
    }

    package static func parse(_ bytes: [UInt8], name: String) throws(ArrayError) -> Topology {
        guard bytes.count <= maximumFileByteCount else {
            throw ArrayError(.limit, "topology", "\(name) has \(bytes.count) bytes")
        }
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(bytes))
        } catch {
            throw ArrayError(.file, "topology", "\(name) is not a topology: \(error)")
        }
        func refuse(_ reason: String) -> ArrayError {
            ArrayError(.file, "topology", "\(name): \(reason)")
        }
        guard let kind = Kind(rawValue: file.kind ?? Kind.shared.rawValue) else {
            throw refuse("unknown kind \"\(file.kind ?? "")\"")
        }
        guard !file.nodes.isEmpty, file.nodes.count <= maximumNodes else {
            throw refuse("\(file.nodes.count) nodes")
        }
        let cpus = file.nodes.flatMap(\.cpus)
        guard cpus.allSatisfy({ (0..<maximumCPUs).contains($0) }) else {
            throw refuse("a core outside of 0..<\(maximumCPUs)")
        }
        guard Set(cpus).count == cpus.count else { throw refuse("a core named twice") }
        guard !file.nodes.contains(where: \.cpus.isEmpty) else {
            throw refuse("a node without cores")
        }
        let nodes = file.nodes.enumerated().map { index, node in
            Node(
                id: node.id ?? index, cpus: node.cpus.sorted(),
                memoryByteCount: max(0, node.memory ?? 0))
        }
        guard nodes.allSatisfy({ (0..<maximumNodes).contains($0.id) }),
            Set(nodes.map(\.id)).count == nodes.count
        else { throw refuse("node ids out of range or used twice") }
        guard (1...maximumCPUs).contains(file.threads ?? 1) else {
            throw refuse("\(file.threads ?? 0) threads")
        }
        let existing = Set(Topology.system().usableCPUs)
        return Topology(
            nodes: nodes, kind: kind, threadCount: file.threads,
            isPhysical: existing.isSuperset(of: cpus))
    }
}
