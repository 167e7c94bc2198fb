import Foundation
import MLX
import MLXBase
import MLXFormats
import MLXGraph
import MLXOps

/// Python's MLX as a second opinion: every step of every program is written down with its inputs
/// and result, and a script asks the wheel for the same. Steps are checked alone, so a difference
/// names the operation, and roundings do not add up.
package struct MLXOracle {
    package private(set) var mismatchCount = 0
    private var checkedCount = 0
    private var skipped: Set<String> = []
    private var arrays: [String: MLXArray] = [:]
    private var calls: [JSONValue] = []
    private let script: URL
    private let python: String

    /// Steps that are sent at once.
    private static let batch = 4000

    /// - Throws: when the script is not found.
    package init() throws {
        let environment = ProcessInfo.processInfo.environment
        python = environment["MLX_PYTHON"] ?? "python3"
        let path = environment["MLX_ORACLE"] ?? "Scripts/mlx-oracle"
        script = URL(fileURLWithPath: path)
        guard FileManager.default.fileExists(atPath: path) else {
            throw ArrayError(
                .file, "fuzz",
                "\(path) is not there: run from the root of the repository, or set MLX_ORACLE")
        }
    }

    package var summary: String {
        let names = skipped.isEmpty ? "" : "; without a counterpart: \(skipped.sorted())"
        return
            "oracle: \(checkedCount) steps compared with MLX, \(mismatchCount) mismatches\(names)"
    }

    /// Notes the steps of a program.
    package mutating func add(_ program: FuzzProgram, seed: UInt64) throws {
        let leaves = program.leaves.map { $0.array() }
        let values = program.record(leaves)
        guard (try? checkedEval(values)) != nil else { return }
        for (number, node) in program.nodes.enumerated() {
            guard case .step(let step) = node else { continue }
            let prefix = "c\(calls.count)"
            for (index, input) in step.inputs.enumerated() {
                arrays["\(prefix).i\(index)"] = values[input]
            }
            arrays["\(prefix).o"] = values[number]
            calls.append(MLXOracle.call(step, values[number], seed: seed, node: number))
        }
        if calls.count >= MLXOracle.batch { try flush() }
    }

    package mutating func finish() throws { try flush() }

    private static func call(
        _ step: FuzzProgram.Step, _ result: MLXArray, seed: UInt64, node: Int
    ) -> JSONValue {
        .object([
            .init("op", .string(OpTable.name(step.op))),
            .init("inputs", .integer(step.inputs.count)),
            .init("word", .integer(Int(bitPattern: UInt(step.attributes.word)))),
            .init("words", .array(step.attributes.words.map { .integer($0) })),
            .init("shape", .array(result.shape.map { .integer($0) })),
            .init("dtype", .string(result.dtype.description)),
            .init("epsilons", .number(OpTable[step.op].toleranceEpsilons)),
            .init("seed", .integer(Int(bitPattern: UInt(seed)))), .init("node", .integer(node)),
        ])
    }

    private mutating func flush() throws {
        guard !calls.isEmpty else { return }
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appendingPathComponent("calls.safetensors")
        try save(arrays: arrays, url: data)
        let list = folder.appendingPathComponent("calls.json")
        try Data(JSONWriter.bytes(of: .array(calls))).write(to: list)
        (arrays, calls) = ([:], [])
        try ask(list.path, data.path)
    }

    private mutating func ask(_ list: String, _ data: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, script.path, list, data]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ArrayError(
                .argument, "fuzz",
                "the oracle failed; it needs numpy and MLX: python3 -m pip install numpy 'mlx[cpu]'"
                    + " (MLX_PYTHON says which python)")
        }
        for line in text.split(separator: "\n") {
            if line.hasPrefix("compared ") {
                checkedCount += Int(line.dropFirst(9)) ?? 0
            } else if line.hasPrefix("skipped ") {
                skipped.insert(String(line.dropFirst(8)))
            } else {
                mismatchCount += 1
                print(line)
            }
        }
    }
}
