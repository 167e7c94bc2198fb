import Foundation
import MLXBase
import MLXFormats
import MLXPlanner

/// Where the lab's graphs come from: `FAMILY:SIZE` of a generator, `captured:NAME` of the library,
/// or a file, `stg:PATH`, `wf:PATH` or `graph:PATH`. Files may say anything: errors name the file,
/// the line and the field.
enum GraphSource {
    /// - Throws: `ArrayError` naming what is wrong with the text or the file.
    static func graph(_ text: String, seed: UInt64) throws -> LabGraph {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let argument = parts.count == 2 ? String(parts[1]) : nil
        if let argument {
            switch parts[0] {
            case "stg": return try StandardTaskGraph.read(path: argument)
            case "wf": return try WorkflowFormat.read(path: argument)
            case "graph": return try GraphFile.read(path: argument)
            case "captured": return try Captured.graph(named: argument)
            default: break
            }
        }
        guard let generator = Generator.all.first(where: { $0.family == parts[0] }) else {
            throw ArrayError(
                .argument, "dag",
                "'\(text.prefix(64))' is none of \(forms.joined(separator: ", "))")
        }
        let graph = generator.make(try sizes(argument, of: generator), seed)
        guard !graph.tasks.isEmpty else {
            throw ArrayError(.argument, "dag", "'\(text.prefix(64))' has no tasks")
        }
        return graph
    }

    static var forms: [String] {
        Generator.all.map(\.form)
            + [
                "captured:" + Captured.names.joined(separator: "|"), "stg:FILE", "wf:FILE",
                "graph:FILE",
            ]
    }

    private static func sizes(_ text: String?, of generator: Generator) throws -> [Int] {
        guard let text else { return generator.sizes }
        let words = text.split(separator: "x", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == generator.sizes.count, words.count == numbers.count,
            numbers.allSatisfy({ (1...4096).contains($0) }),
            numbers.reduce(1.0, { $0 * Double($1) }) * 8 <= Double(Generator.maximumTasks)
                || numbers.count == 1 && numbers[0] <= 128
        else {
            throw ArrayError(
                .argument, "dag", "'\(text.prefix(64))' are no sizes of \(generator.form)")
        }
        return numbers
    }
}

/// A text file with the line of every offset.
struct SourceText {
    let path: String
    let bytes: [UInt8]

    init(path: String) throws {
        self.path = path
        let source = try FileSource(path: path)
        guard source.byteCount <= 1 << 28 else {
            throw ArrayError(.limit, "dag", "\(path) is longer than \(1 << 28) bytes")
        }
        bytes = try source.contents()
    }

    func line(at offset: Int) -> Int {
        1 + bytes.prefix(max(0, min(offset, bytes.count))).count { $0 == UInt8(ascii: "\n") }
    }

    /// The line where a string first stands in quotes; 1 where it does not.
    func line(ofString text: String) -> Int {
        let wanted = Array("\"\(text)\"".utf8)
        guard wanted.count <= bytes.count else { return 1 }
        for start in 0...(bytes.count - wanted.count)
        where bytes[start] == wanted[0]
            && bytes[start..<(start + wanted.count)].elementsEqual(wanted)
        {
            return line(at: start)
        }
        return 1
    }

    func failure(_ line: Int, _ field: String, _ message: String) -> ArrayError {
        ArrayError(.file, "dag", "\(path):\(line): \(field): \(message)")
    }

    func json() throws -> JSONValue {
        do throws(JSONError) { return try JSONValue(parsing: bytes) } catch {
            throw failure(line(at: error.offset), "JSON", error.message)
        }
    }
}

/// Tasks in the order of a file, which may name tasks that come later.
struct UnorderedGraph {
    struct Edge {
        var producer: Int
        var bytes: Int
    }

    var tasks: [LabGraph.Task] = []
    var edges: [[Edge]] = []

    /// Puts every task behind those that it reads.
    /// - Returns: nil and the tasks of one cycle where there is one.
    func ordered(name: String, family: String) -> (graph: LabGraph?, cycle: [Int]) {
        var readers = [[Int]](repeating: [], count: tasks.count)
        var missing = edges.map(\.count)
        for (task, list) in edges.enumerated() {
            for edge in list { readers[edge.producer].append(task) }
        }
        var order = tasks.indices.filter { missing[$0] == 0 }
        var next = 0
        while next < order.count {
            for reader in readers[order[next]] {
                missing[reader] -= 1
                if missing[reader] == 0 { order.append(reader) }
            }
            next += 1
        }
        guard order.count == tasks.count else { return (nil, cycle(missing)) }
        var place = [Int](repeating: 0, count: tasks.count)
        for (index, task) in order.enumerated() { place[task] = index }
        var graph = LabGraph(name: name, family: family)
        graph.tasks = order.map { task in
            var record = tasks[task]
            record.inputs = edges[task].map { .init(task: place[$0.producer], bytes: $0.bytes) }
            return record
        }
        return (graph, [])
    }

    /// Going back from any task that never became ready leads round in the end.
    private func cycle(_ missing: [Int]) -> [Int] {
        guard var task = missing.firstIndex(where: { $0 > 0 }) else { return [] }
        var seen: [Int] = []
        while !seen.contains(task) {
            seen.append(task)
            guard let back = edges[task].first(where: { missing[$0.producer] > 0 }) else { break }
            task = back.producer
        }
        return Array(seen[(seen.firstIndex(of: task) ?? 0)...].reversed())
    }
}
