import Foundation
import MLXBase
import MLXFormats
import MLXPlanner

/// The format of the Standard Task Graph Set (Kasahara laboratory): a number of tasks, then a line
/// for each with its number, its time, how many tasks it waits for, and which. The two tasks of
/// no time at the ends are not counted by the first line. A unit of time is a microsecond.
enum StandardTaskGraph {
    private static let unitNanoseconds = 1000.0

    static func read(path: String) throws -> LabGraph {
        let text = try SourceText(path: path)
        let lines = String(decoding: text.bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        var rows: [(line: Int, numbers: [Int])] = []
        for (index, line) in lines.enumerated() {
            let content = line.prefix { $0 != "#" }
            let words = content.split(whereSeparator: \.isWhitespace)
            if words.isEmpty { continue }
            let numbers = words.compactMap { Int($0) }
            guard numbers.count == words.count else {
                throw text.failure(index + 1, "number", "'\(content.prefix(32))' has others")
            }
            rows.append((index + 1, numbers))
        }
        guard let first = rows.first, first.numbers.count == 1 else {
            throw text.failure(
                rows.first?.line ?? 1, "tasks", "the first line is no number of tasks")
        }
        let count = rows.count - 1
        guard count == first.numbers[0] + 2 || count == first.numbers[0], count > 0 else {
            throw text.failure(
                first.line, "tasks", "says \(first.numbers[0]), and \(count) lines follow")
        }
        return try graph(text, Array(rows.dropFirst()))
    }

    private static func graph(
        _ text: SourceText, _ rows: [(line: Int, numbers: [Int])]
    ) throws -> LabGraph {
        var graph = UnorderedGraph()
        for (index, row) in rows.enumerated() {
            let numbers = row.numbers
            guard numbers[0] == index else {
                throw text.failure(row.line, "task", "is \(numbers[0]) and should be \(index)")
            }
            guard numbers.count >= 3, numbers[1] >= 0 else {
                throw text.failure(row.line, "time", "is missing or negative")
            }
            guard numbers[2] >= 0, numbers.count == 3 + numbers[2] else {
                throw text.failure(
                    row.line, "predecessors",
                    "\(numbers[2]) are announced, \(numbers.count - 3) are there")
            }
            for producer in numbers.dropFirst(3) where !rows.indices.contains(producer) {
                throw text.failure(row.line, "predecessors", "there is no task \(producer)")
            }
            graph.tasks.append(
                LabGraph.Task(
                    name: "task-\(index)", nanoseconds: Double(numbers[1]) * unitNanoseconds))
            graph.edges.append(numbers.dropFirst(3).map { .init(producer: $0, bytes: 0) })
        }
        let name = "stg:" + (text.path.split(separator: "/").last.map(String.init) ?? text.path)
        let (ordered, cycle) = graph.ordered(name: name, family: "stg")
        guard let ordered else {
            throw text.failure(
                rows[cycle[0]].line, "predecessors",
                "a cycle: " + (cycle + [cycle[0]]).map(String.init).joined(separator: " -> "))
        }
        return ordered
    }
}

/// WfCommons' format of workflows, versions 1.3 to 1.5: tasks with parents, run times and files.
enum WorkflowFormat {
    static func read(path: String) throws -> LabGraph {
        let text = try SourceText(path: path)
        let root = try text.json()
        guard let workflow = root["workflow"] else {
            throw text.failure(1, "workflow", "is missing")
        }
        let specification = workflow["specification"] ?? workflow
        guard let tasks = specification["tasks"]?.array, !tasks.isEmpty else {
            throw text.failure(1, "workflow.specification.tasks", "is no list of tasks")
        }
        var reader = Reader(text: text, workflow: workflow, tasks: tasks)
        return try reader.graph()
    }

    private struct Reader {
        let text: SourceText
        let workflow: JSONValue
        let tasks: [JSONValue]
        private var ids: [String: Int] = [:]
        private var fileBytes: [String: Int] = [:]
        private var seconds: [String: Double] = [:]

        init(text: SourceText, workflow: JSONValue, tasks: [JSONValue]) {
            (self.text, self.workflow, self.tasks) = (text, workflow, tasks)
        }

        private func name(_ index: Int) throws -> String {
            guard let name = (tasks[index]["id"] ?? tasks[index]["name"])?.string else {
                throw text.failure(1, "tasks[\(index)].id", "is no text")
            }
            return name
        }

        mutating func graph() throws -> LabGraph {
            for index in tasks.indices {
                let name = try name(index)
                guard ids.updateValue(index, forKey: name) == nil else {
                    throw text.failure(
                        text.line(ofString: name), "tasks[\(index)].id", "'\(name)' occurs twice")
                }
            }
            readSizes()
            var graph = UnorderedGraph()
            for index in tasks.indices {
                graph.tasks.append(try task(index))
                graph.edges.append([])
            }
            let parents = try lists("parents")
            let children = try listsIfAny("children")
            for (reader, list) in parents.enumerated() {
                for producer in list.sorted() {
                    if let children, !children[producer].contains(reader) {
                        let name = try name(reader)
                        throw text.failure(
                            text.line(ofString: name), "tasks[\(producer)].children",
                            "lacks '\(name)', whose parents name it")
                    }
                    graph.edges[reader].append(
                        .init(producer: producer, bytes: bytes(from: producer, to: reader)))
                }
            }
            let file = text.path.split(separator: "/").last.map(String.init) ?? text.path
            let (ordered, cycle) = graph.ordered(name: "wf:" + file, family: "wf")
            guard let ordered else {
                let names = try (cycle + [cycle[0]]).map { try name($0) }
                throw text.failure(
                    text.line(ofString: names[0]), "tasks[\(cycle[0])].parents",
                    "a cycle: " + names.joined(separator: " -> "))
            }
            return ordered
        }

        /// Which tasks each task names in a list.
        private func lists(_ field: String) throws -> [Set<Int>] {
            try tasks.indices.map { index in
                var found: Set<Int> = []
                for (place, entry) in (tasks[index][field]?.array ?? []).enumerated() {
                    let path = "tasks[\(index)].\(field)[\(place)]"
                    guard let name = entry.string, let other = ids[name] else {
                        throw text.failure(
                            text.line(ofString: entry.string ?? ""), path, "names no task")
                    }
                    found.insert(other)
                }
                return found
            }
        }

        /// The same; nil if no task has the list.
        private func listsIfAny(_ field: String) throws -> [Set<Int>]? {
            guard tasks.contains(where: { $0[field]?.array != nil }) else { return nil }
            return try lists(field)
        }

        private mutating func readSizes() {
            for file in workflow["specification"]?["files"]?.array ?? [] {
                if let id = file["id"]?.string { fileBytes[id] = file["sizeInBytes"]?.integer ?? 0 }
            }
            for task in workflow["execution"]?["tasks"]?.array ?? [] {
                if let id = task["id"]?.string { seconds[id] = task["runtimeInSeconds"]?.double }
            }
            for task in tasks {
                for file in task["files"]?.array ?? [] {
                    guard let name = (file["id"] ?? file["name"])?.string else { continue }
                    fileBytes[name] = (file["sizeInBytes"] ?? file["size"])?.integer ?? 0
                }
            }
        }

        private func files(_ index: Int, _ link: String) -> [String] {
            let listed = tasks[index]["\(link)Files"]?.array?.compactMap(\.string) ?? []
            let linked = (tasks[index]["files"]?.array ?? []).filter {
                $0["link"]?.string == link
            }.compactMap { ($0["id"] ?? $0["name"])?.string }
            return listed + linked
        }

        private func bytes(from producer: Int, to reader: Int) -> Int {
            let written = Set(files(producer, "output"))
            return files(reader, "input").reduce(0) {
                $0 + (written.contains($1) ? fileBytes[$1] ?? 0 : 0)
            }
        }

        private func task(_ index: Int) throws -> LabGraph.Task {
            let name = try name(index)
            let entry = tasks[index]
            let time =
                seconds[name] ?? (entry["runtimeInSeconds"] ?? entry["runtime"])?.double
            guard let time, time >= 0 else {
                throw text.failure(
                    text.line(ofString: name), "tasks[\(index)].runtimeInSeconds",
                    "is missing or negative for '\(name)'")
            }
            let written = files(index, "output").reduce(0) { $0 + (fileBytes[$1] ?? 0) }
            return LabGraph.Task(
                name: entry["name"]?.string ?? name, outputBytes: written, nanoseconds: time * 1e9)
        }
    }
}

/// The lab's own format, a `LabGraph` as JSON: what `search` writes.
enum GraphFile {
    static func read(path: String) throws -> LabGraph {
        let text = try SourceText(path: path)
        _ = try text.json()
        let graph: LabGraph
        do {
            graph = try JSONDecoder().decode(LabGraph.self, from: Data(text.bytes))
        } catch let error as DecodingError {
            throw text.failure(1, error.field, error.reason)
        }
        for (number, task) in graph.tasks.enumerated() {
            let costs =
                [task.flops, task.bytes, task.nanoseconds ?? 0] + (task.byDevice ?? [:]).values
            guard costs.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw text.failure(
                    text.line(ofString: task.name), "tasks[\(number)]", "a cost is negative")
            }
            for (place, input) in task.inputs.enumerated() {
                guard (0..<number).contains(input.task), input.bytes >= 0 else {
                    throw text.failure(
                        text.line(ofString: task.name), "tasks[\(number)].inputs[\(place)]",
                        "reads task \(input.task), which is not before it")
                }
            }
        }
        return graph
    }

    static func write(_ graph: LabGraph, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(graph).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

extension DecodingError {
    /// The field at fault, as in `devices[1].rates.work`.
    var field: String {
        let context: Context? =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .dataCorrupted(let context):
                context
            case .keyNotFound(_, let context): context
            @unknown default: nil
            }
        var keys = context?.codingPath ?? []
        if case .keyNotFound(let key, _) = self { keys.append(key) }
        let text = keys.reduce("") { path, key in
            key.intValue.map { "\(path)[\($0)]" }
                ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
        }
        return text.isEmpty ? "file" : text
    }

    var reason: String {
        switch self {
        case .keyNotFound: "is missing"
        case .typeMismatch(let type, _): "is no \(type)"
        case .valueNotFound(let type, _): "is no \(type)"
        case .dataCorrupted(let context): context.debugDescription
        @unknown default: "cannot be read"
        }
    }
}
