import Glibc
import MLXBase
import MLXFormats
import MLXMemory

/// A topology from a file, for experiments with machines one does not have, or with a part of
/// one's own: `{"kind": "split", "threads": 4, "nodes": [{"cpus": [0, 1], "memory": 8589934592}]}`.
/// Every number is checked: the file may say anything.
extension Topology {
    private static let maximumFileByteCount = 1 << 20
    private static let maximumCPUs = 4096
    private static let maximumNodes = 1024

    package static func read(path: String) throws(ArrayError) -> Topology {
        guard let file = fopen(path, "r") else {
            throw ArrayError(
                .file, "topology", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: maximumFileByteCount + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count <= maximumFileByteCount else {
            throw ArrayError(.limit, "topology", "\(path) is longer than \(count - 1) bytes")
        }
        return try parse(Array(bytes[0..<count]), name: path)
    }

    /// - Parameter name: what errors call the text.
    package static func parse(_ bytes: [UInt8], name: String) throws(ArrayError) -> Topology {
        func refuse(_ reason: String) -> ArrayError {
            ArrayError(.file, "topology", "\(name): \(reason)")
        }
        let root: JSONValue
        do { root = try JSONValue(parsing: bytes) } catch { throw refuse("\(error)") }
        guard let kind = Kind(rawValue: root["kind"]?.string ?? Kind.shared.rawValue) else {
            throw refuse("kind is neither \"shared\" nor \"split\"")
        }
        guard let entries = root["nodes"]?.array, (1...maximumNodes).contains(entries.count) else {
            throw refuse("no list of 1 to \(maximumNodes) nodes")
        }
        var nodes: [Node] = []
        for (index, entry) in entries.enumerated() {
            guard let node = node(entry, index: index) else {
                throw refuse("node \(index) lacks cpus or has a number out of range")
            }
            nodes.append(node)
        }
        let cpus = nodes.flatMap(\.cpus)
        guard Set(cpus).count == cpus.count else { throw refuse("a core is named twice") }
        guard Set(nodes.map(\.id)).count == nodes.count else { throw refuse("an id is used twice") }
        var threadCount: Int?
        if let threads = root["threads"] {
            guard let count = threads.integer, (1...maximumCPUs).contains(count) else {
                throw refuse("threads is not in 1...\(maximumCPUs)")
            }
            threadCount = count
        }
        let existing = Set(Topology.system().usableCPUs)
        return Topology(
            nodes: nodes, kind: kind, threadCount: threadCount,
            isPhysical: existing.isSuperset(of: cpus))
    }

    private static func node(_ entry: JSONValue, index: Int) -> Node? {
        guard let numbers = entry["cpus"]?.array, !numbers.isEmpty else { return nil }
        let cpus = numbers.compactMap(\.integer)
        let id = entry["id"].map(\.integer) ?? index
        let memory = entry["memory"].map(\.integer) ?? 0
        guard cpus.count == numbers.count, cpus.allSatisfy({ (0..<maximumCPUs).contains($0) }),
            let id, (0..<maximumNodes).contains(id), let memory, memory >= 0
        else { return nil }
        return Node(id: id, cpus: cpus.sorted(), memoryByteCount: memory)
    }
}
