import CMLXKernels
import FoundationEssentials
import Glibc
import MLXBase
import MLXFormats
import MLXGraph
import MLXPlanner
import MLXRuntime

/// Where the figures come from that the default policy places operations by: measured once for a
/// machine and kept on disk, so that the same file gives the same placement. A file is written
/// when there is none, or none that can be used, and otherwise changes only when asked. A debug
/// build measures nothing, because its figures would mislead.
package enum Calibration {
    /// What `MLX_CALIBRATION` asks for.
    package enum Source: Equatable {
        /// A made-up machine, for tests: `typical`, `random:SEED`, `favouring:DEVICE`.
        case model(CostModel)
        case file(URL)
    }

    /// The form of the file; another one is measured anew.
    package static let version = 3

    private struct Contents: Codable {
        var version: Int
        var costs: CostModel
    }

    private struct Version: Decodable { var version: Int? }

    package static func source(
        _ environment: Runtime.Environment, for engine: Engine
    ) -> Source {
        guard let text = environment.calibration else {
            return .file(Runtime.cacheDirectory.appendingPathComponent(fileName(engine)))
        }
        return CostModel.named(text).map(Source.model) ?? .file(URL(fileURLWithPath: text))
    }

    /// The figures on disk, else measured now and kept.
    package static func load(
        _ environment: Runtime.Environment, for engine: Engine
    ) -> CostModel {
        let file: URL
        switch source(environment, for: engine) {
        case .model(let costs): return costs
        case .file(let url): file = url
        }
        if let costs = read(file) { return costs }
        #if DEBUG
            return .typical
        #else
            guard let costs = try? measure(engine) else { return .typical }
            return keep(costs, file)
        #endif
    }

    /// Measures and replaces what is kept.
    /// - Returns: the file.
    package static func renew(
        _ environment: Runtime.Environment, for engine: Engine
    ) throws -> URL {
        #if DEBUG
            throw ArrayError(
                .unsupported, "calibration", "a debug build measures nothing but itself")
        #else
            guard case .file(let file) = source(environment, for: engine) else {
                throw ArrayError(
                    .argument, "calibration", "MLX_CALIBRATION names no file but a made-up machine")
            }
            try write(measure(engine), to: file, replacing: true)
            return file
        #endif
    }

    // MARK: - Files

    /// - Returns: nil, with a warning unless there is no file, for what cannot be used.
    package static func read(_ file: URL) -> CostModel? {
        switch fileKind(file) {
        case .missing: return nil
        case .other:
            Runtime.warn("the calibration \(file.path) is not a file: nothing is read or kept")
            return nil
        case .regular: break
        }
        do {
            let data = try Data(contentsOf: file)
            let found = try JSONDecoder().decode(Version.self, from: data).version ?? 1
            guard found == version else {
                Runtime.warn("the calibration \(file.path) has form \(found), not \(version)")
                return nil
            }
            let costs = try JSONDecoder().decode(Contents.self, from: data).costs
            if costs.isUsable { return costs }
            Runtime.warn("the calibration \(file.path) has rates that nothing can have")
        } catch {
            Runtime.warn("the calibration \(file.path) cannot be used: \(error)")
        }
        return nil
    }

    /// Keeps the figures where there are none that can be used. Of several processes that measure
    /// at once one is the first, and all use its figures.
    private static func keep(_ costs: CostModel, _ file: URL) -> CostModel {
        // Without a place to keep it, every process measures for itself.
        try? write(costs, to: file, replacing: fileKind(file) != .missing)
        return fileKind(file) == .regular ? read(file) ?? costs : costs
    }

    /// Writes the whole file or none of it.
    /// - Parameter replacing: whether a file that has appeared meanwhile gives way.
    package static func write(_ costs: CostModel, to file: URL, replacing: Bool) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let data = try encoder.encode(Contents(version: version, costs: costs))
        let sink = try AtomicFileSink(path: file.path)
        try sink.write(Array(data))
        try sink.commit(replacing: replacing)
    }

    private enum FileKind { case missing, regular, other }

    private static func fileKind(_ file: URL) -> FileKind {
        var status = stat()
        guard stat(file.path, &status) == 0 else { return errno == ENOENT ? .missing : .other }
        return status.st_mode & S_IFMT == S_IFREG ? .regular : .other
    }

    /// Figures hold for a processor, an instruction set, and as many threads as each device has.
    private static func fileName(_ engine: Engine) -> String {
        let level = CostHistory.currentLevel
        let widths = engine.devices.map { "\($0.team.width)" }.joined(separator: "-")
        return "calibration-\(processorName())-\(level)-\(widths).json"
    }

    static func processorName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") } ?? "unknown"
        let name = line.split(separator: ":").last.map(String.init) ?? "unknown"
        let safe = name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return String(safe).split(separator: "-").joined(separator: "-")
    }
}
