import Glibc
import MLXBase
import MLXFormats
import MLXGraph
import MLXMemory

/// A topology from a file, for experiments with machines one does not have, or with a part of
/// one's own:
/// `{"kind": "split", "threads": 4, "nodes": [{"cpus": [0, 1], "memory": 8589934592}]}`, or, with
/// the cores of each device, `{"devices": {"cpu": [0], "gpu": [1], "npu": [1]}, "nodes": ...}`.
/// The file may say anything: every number is checked, and errors name the field.
extension Topology {
    private static let maximumFileByteCount = 1 << 20
    private static let maximumCPUs = 4096
    private static let maximumNodes = 1024

    package static func read(path: String) throws(ArrayError) -> Topology {
        let source = try FileSource(path: path)
        guard source.byteCount <= maximumFileByteCount else {
            throw ArrayError(
                .limit, "topology", "\(path) is longer than \(maximumFileByteCount) bytes")
        }
        return try parse(source.contents(), name: path)
    }

    /// - Parameter name: what errors call the text.
    package static func parse(_ bytes: [UInt8], name: String) throws(ArrayError) -> Topology {
        do throws(Misfit) {
            let root: JSONValue
            do { root = try JSONValue(parsing: bytes) } catch { throw Misfit("\(error)") }
            return try topology(root)
        } catch {
            throw ArrayError(.file, "topology", "\(name): \(error.reason)")
        }
    }

    /// What a field lacks.
    private struct Misfit: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func topology(_ root: JSONValue) throws(Misfit) -> Topology {
        guard let entries = root["nodes"]?.array, (1...maximumNodes).contains(entries.count) else {
            throw Misfit("nodes: not a list of 1 to \(maximumNodes)")
        }
        var nodes: [Node] = []
        for (index, entry) in entries.enumerated() { nodes.append(try node(entry, index)) }
        let cpus = nodes.flatMap(\.cpus)
        guard Set(cpus).count == cpus.count else { throw Misfit("nodes: a core is named twice") }
        guard Set(nodes.map(\.id)).count == nodes.count else {
            throw Misfit("nodes: an id is used twice")
        }
        var threadCount: Int?
        if let threads = root["threads"] {
            threadCount = try integer(threads, in: 1...maximumThreadCount, "threads")
        }
        let existing = Set(Topology.system().usableCPUs)
        var topology = Topology(
            nodes: nodes, kind: try kind(root), threadCount: threadCount,
            isPhysical: existing.isSuperset(of: cpus))
        if let devices = root["devices"] {
            topology.kind = .assigned
            topology.deviceCPUs = try deviceCPUs(devices, known: Set(cpus))
        }
        return topology
    }

    /// How the devices share the cores when the file does not list them.
    private static func kind(_ root: JSONValue) throws(Misfit) -> Kind {
        guard let value = root["kind"] else { return .shared }
        guard root["devices"] == nil else { throw Misfit("kind: devices says it already") }
        switch value.string {
        case "shared": return .shared
        case "split": return .split
        default: throw Misfit("kind: neither \"shared\" nor \"split\"")
        }
    }

    private static func node(_ entry: JSONValue, _ index: Int) throws(Misfit) -> Node {
        let field = "nodes[\(index)]"
        let cpus = try self.cpus(entry["cpus"], "\(field).cpus")
        var id = index
        if let value = entry["id"] {
            id = try integer(value, in: 0...maximumNodes - 1, "\(field).id")
        }
        var memory = 0
        if let value = entry["memory"] {
            memory = try integer(value, in: 0...Int.max, "\(field).memory")
        }
        return Node(id: id, cpus: cpus, memoryByteCount: memory)
    }

    /// The cores of every device: the same ones as another's or none of them, because a clock
    /// counts a set of cores.
    private static func deviceCPUs(
        _ value: JSONValue, known: Set<Int>
    ) throws(Misfit) -> [[Int]] {
        var lists: [[Int]] = []
        for kind in DeviceKind.allCases {
            let field = "devices.\(kind.name)"
            let cpus = try self.cpus(value[kind.name], field)
            guard Set(cpus).count == cpus.count else {
                throw Misfit("\(field): a core is named twice")
            }
            if let stranger = cpus.first(where: { !known.contains($0) }) {
                throw Misfit("\(field): no node has core \(stranger)")
            }
            for (other, list) in zip(DeviceKind.allCases, lists)
            where list != cpus && !Set(list).isDisjoint(with: cpus) {
                throw Misfit("\(field): shares some cores with devices.\(other.name), not all")
            }
            lists.append(cpus)
        }
        return lists
    }

    private static func cpus(_ value: JSONValue?, _ field: String) throws(Misfit) -> [Int] {
        guard let numbers = value?.array, (1...maximumCPUs).contains(numbers.count) else {
            throw Misfit("\(field): not a list of 1 to \(maximumCPUs) cores")
        }
        var cpus: [Int] = []
        for (index, number) in numbers.enumerated() {
            cpus.append(try integer(number, in: 0...maximumCPUs - 1, "\(field)[\(index)]"))
        }
        return cpus.sorted()
    }

    private static func integer(
        _ value: JSONValue, in range: ClosedRange<Int>, _ field: String
    ) throws(Misfit) -> Int {
        guard let number = value.integer, range.contains(number) else {
            throw Misfit("\(field): not an integer of \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
