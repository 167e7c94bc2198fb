import Foundation
import Glibc
import MLX
import MLXFormats

/// Writes a line for each record into a file: JSON objects, or comma-separated values under a line
/// of names. There are no times in it, and a run that goes on from a checkpoint first takes away
/// the lines of steps after it: so the file equals that of a run that was never interrupted.
///
/// ```swift
/// trainer.callbacks.append(try TrainingLog(url))      // .jsonl, or .csv
/// ```
public final class TrainingLog: TrainingCallback {
    /// How a record becomes a line.
    public enum Format: Sendable {
        /// One JSON object a line; what is not finite is null.
        case jsonl
        /// Values separated by commas, empty where a record has none.
        case csv
    }

    private let path: String
    private let format: Format
    private var descriptor: Int32 = -1
    private var columns: [String] = []

    /// - Parameters:
    ///   - url: the file; one that is there is replaced when training begins.
    ///   - format: nil to take it from the name's extension, JSON unless it is `csv`.
    public init(_ url: URL, format: Format? = nil) {
        path = url.path
        self.format = format ?? (url.pathExtension.lowercased() == "csv" ? .csv : .jsonl)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    public func willBegin(_ run: TrainingRun) throws {
        columns = ["step", "epoch"] + run.figures
        if descriptor >= 0 { close(descriptor) }
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else { throw failure() }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw TrainingError.file(path, "is not a regular file")
        }
        let kept = run.step == 0 ? 0 : try keptByteCount(upTo: run.step)
        guard ftruncate(descriptor, off_t(kept)) == 0,
            lseek(descriptor, off_t(kept), SEEK_SET) >= 0
        else { throw failure() }
        if kept == 0, format == .csv { try write(columns.joined(separator: ",")) }
    }

    public func didStep(_ record: TrainingRecord, _ run: TrainingRun) throws {
        try write(line(record))
    }

    public func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) throws {
        _ = try savedState()
        close(descriptor)
        descriptor = -1
    }

    /// Nothing; but the lines are on the disk afterwards.
    public func savedState() throws -> [String: MLXArray] {
        // A pipe or a terminal cannot be flushed, and says EINVAL.
        guard descriptor < 0 || fsync(descriptor) == 0 || errno == EINVAL else { throw failure() }
        return [:]
    }

    private func line(_ record: TrainingRecord) -> String {
        switch format {
        case .jsonl: return JSONWriter.text(of: TrainerState.json(record))
        case .csv:
            return columns.map { name in
                switch name {
                case "step": "\(record.step)"
                case "epoch": "\(record.epoch)"
                default: record[name].map { "\($0)" } ?? ""
                }
            }.joined(separator: ",")
        }
    }

    private func write(_ line: String) throws {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure() }
            bytes = bytes.dropFirst(count)
        }
    }

    private func failure() -> TrainingError { .file(path, String(cString: strerror(errno))) }

    // MARK: - Going on

    /// How many bytes the lines up to a step have. What a killed process left of a line does not
    /// count.
    private func keptByteCount(upTo step: Int) throws -> Int {
        let bytes = try FileSource(path: path).contents()
        var kept = 0
        var begin = 0
        while let end = bytes[begin...].firstIndex(of: UInt8(ascii: "\n")) {
            let isHeader = begin == 0 && format == .csv
            guard isHeader || self.step(of: bytes[begin..<end]).map({ $0 <= step }) == true
            else { break }
            begin = end + 1
            kept = begin
        }
        return kept
    }

    private func step(of line: ArraySlice<UInt8>) -> Int? {
        switch format {
        case .jsonl:
            let value = try? JSONValue(parsing: Array(line))
            return value?["step"]?.integer
        case .csv:
            let field = line.prefix { $0 != UInt8(ascii: ",") }
            return Int(String(decoding: field, as: UTF8.self))
        }
    }
}
