import Foundation
import MLXBase
import MLXPlanner

/// Timelines of one plan in Chrome's trace format, which Perfetto shows one above the other: a
/// process for each timeline, a lane for each core set, arrows where a value changes cores, a
/// counter of the bytes that results hold, and with each step what its candidates would have cost.
struct TraceFile {
    private var events: [[String: Value]] = []
    private var flows = 0

    enum Value: Encodable {
        case text(String)
        case number(Double)
        case integer(Int)
        case object([String: Value])

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            case .integer(let integer): try container.encode(integer)
            case .object(let object): try container.encode(object)
            }
        }
    }

    /// - Parameters:
    ///   - process: the number of the timeline; the first is above.
    ///   - policy: what is given as the reason for each step's place.
    mutating func add(
        _ name: String, process: Int, _ graph: PlacementGraph, _ schedule: Schedule,
        starts: [Double], finishes: [Double], policy: String
    ) {
        meta("process_name", process, nil, name)
        for (set, cores) in graph.coreSets.enumerated() {
            meta("thread_name", process, set, "\(cores.devices)")
        }
        let sets = schedule.devices.map { graph.coreSet(of: $0) }
        for step in 0..<graph.count {
            let costs = graph.candidates[step].devices.map {
                "\($0) \(Int(graph.nanoseconds[step][$0])) ns"
            }
            events.append([
                "ph": .text("X"), "pid": .integer(process), "tid": .integer(sets[step]),
                "name": .text(graph.names[step]), "ts": .number(starts[step] / 1000),
                "dur": .number((finishes[step] - starts[step]) / 1000),
                "args": .object([
                    "step": .integer(step), "costs": .text(costs.joined(separator: ", ")),
                    "bytes": .number(graph.bytes[step]), "flops": .number(graph.flops[step]),
                    "reason": .text("\(schedule.devices[step]), says the policy \(policy)"),
                ]),
            ])
            for input in graph.inputs(of: step) {
                guard let producer = input.producer, sets[producer] != sets[step] else { continue }
                flow(
                    process, from: (sets[producer], finishes[producer]),
                    to: (sets[step], starts[step]))
            }
        }
        counter(process, graph, starts, finishes)
    }

    private mutating func meta(_ kind: String, _ process: Int, _ thread: Int?, _ name: String) {
        events.append([
            "ph": .text("M"), "name": .text(kind), "pid": .integer(process),
            "tid": .integer(thread ?? 0), "args": .object(["name": .text(name)]),
        ])
    }

    private mutating func flow(
        _ process: Int, from: (set: Int, time: Double), to: (set: Int, time: Double)
    ) {
        flows += 1
        for (phase, end) in [("s", from), ("f", to)] {
            events.append([
                "ph": .text(phase), "bp": .text("e"), "id": .integer(flows), "cat": .text("value"),
                "name": .text("value"), "pid": .integer(process), "tid": .integer(end.set),
                "ts": .number(end.time / 1000),
            ])
        }
    }

    private mutating func counter(
        _ process: Int, _ graph: PlacementGraph, _ starts: [Double], _ finishes: [Double]
    ) {
        var last = [Double](repeating: -1, count: graph.count)
        for step in 0..<graph.count {
            for producer in graph.inputs(of: step).compactMap(\.producer) {
                last[producer] = max(last[producer], finishes[step])
            }
        }
        var changes: [(time: Double, bytes: Int)] = []
        for step in 0..<graph.count {
            changes.append((starts[step], graph.outputByteCounts[step]))
            if last[step] >= 0 { changes.append((last[step], -graph.outputByteCounts[step])) }
        }
        var held = 0
        for change in changes.sorted(by: { ($0.time, $0.bytes) < ($1.time, $1.bytes) }) {
            held += change.bytes
            events.append([
                "ph": .text("C"), "name": .text("bytes held"), "pid": .integer(process),
                "ts": .number(change.time / 1000), "args": .object(["bytes": .integer(held)]),
            ])
        }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let contents = ["traceEvents": events]
        try encoder.encode(contents).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
