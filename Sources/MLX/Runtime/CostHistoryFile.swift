import CMLXKernels
import FoundationEssentials
import MLXBase
import MLXFormats
import MLXMemory
import MLXPlanner
import MLXRuntime

/// Cost histories in files, and which machine one belongs to. Nothing writes one by itself: the
/// scheduling lab does when it is told to (`scheduling-lab learn`).
extension CostHistory {
    /// Reads a history.
    /// - Throws: ``ArrayError`` of kind `file` that names the file, the line and the field.
    public init(contentsOf file: URL) throws {
        let source = try FileSource(path: file.path)
        guard source.byteCount <= CostHistory.maximumByteCount else {
            throw ArrayError(
                .file, "cost history",
                "\(file.path) is longer than \(CostHistory.maximumByteCount) bytes")
        }
        guard let text = String(validating: try source.contents(), as: UTF8.self) else {
            throw ArrayError(.file, "cost history", "\(file.path):1: file: is no UTF-8")
        }
        try self.init(parsing: text, name: file.path)
    }

    /// Writes the whole file or none of it.
    /// - Throws: ``ArrayError`` of kind `file`.
    public func write(to file: URL) throws {
        let sink = try AtomicFileSink(path: file.path)
        try sink.write(Array(text.utf8))
        try sink.commit()
    }

    /// Whether it was measured on this machine, with as many threads, the same topology and level.
    package func isOf(_ topology: Topology) -> Bool {
        machine == CostHistory.machine(topology) && level == CostHistory.currentLevel
    }

    /// What this machine's histories are kept under.
    package static func machine(_ topology: Topology) -> String {
        "\(Calibration.processorName())-\(topology.threadCount)-\(topology.kind)"
    }

    package static var currentLevel: String { String(cString: mlx_level_name(mlx_level())) }
}

extension HistoryPolicy {
    /// The form that `MLX_POLICY` and the scheduling lab take.
    package static let form = "history:[POLICY:]FILE"

    /// A policy from `history:FILE` or `history:POLICY:FILE`, where POLICY has no settings.
    /// - Returns: nil for a text that begins otherwise.
    /// - Throws: what reading the file throws.
    package init?(named text: String) throws {
        guard text.hasPrefix("history:") else { return nil }
        let rest = text.dropFirst("history:".count)
        let parts = rest.split(separator: ":", maxSplits: 1).map(String.init)
        let inner = schedulingPolicies.first { parts.count == 2 && $0.name == parts[0] }
        let path = inner == nil ? String(rest) : parts[1]
        let history = try CostHistory(contentsOf: URL(fileURLWithPath: path))
        self.init(history, asking: inner ?? CostPolicy())
    }
}
