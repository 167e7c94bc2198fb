import Foundation
import Glibc

/// Where and when a trainer writes checkpoints, and which are kept. A checkpoint is a directory
/// `step-00000120` with `model.safetensors`, `optimizer.safetensors`, `callbacks.safetensors` and
/// `state.json`. It is written under another name, flushed to the disk and renamed, so one that
/// has its name is complete, whatever happened to the process.
///
/// ```swift
/// trainer.checkpoints = Checkpointing(
///     directory, everySteps: 100, best: .smallest("validation_loss"))
/// try trainer.resume()                    // nothing the first time
/// try await trainer.train(loader, for: .epochs(20), validation: held)
/// ```
/// A directory belongs to one run at a time.
public struct Checkpointing: Sendable {
    /// The directory of the checkpoints.
    public var directory: URL
    /// A checkpoint after every so many steps; nil for none.
    public var everySteps: Int?
    /// A checkpoint after every so many epochs; nil for none.
    public var everyEpochs: Int?
    /// How many of the latest are kept, at least one.
    public var keepLast: Int
    /// A checkpoint is written whenever this figure gets better, and the best one is kept.
    public var best: MetricGoal?

    /// - Parameters:
    ///   - directory: the directory of the checkpoints; it is made if need be.
    ///   - everySteps: after how many steps there is one.
    ///   - everyEpochs: after how many epochs there is one. Without either there is one when
    ///     training ends or the task is cancelled.
    ///   - keepLast: how many of the latest are kept.
    ///   - best: which checkpoint is kept beside them.
    public init(
        _ directory: URL, everySteps: Int? = nil, everyEpochs: Int? = nil, keepLast: Int = 3,
        best: MetricGoal? = nil
    ) {
        self.directory = directory
        self.everySteps = everySteps
        self.everyEpochs = everyEpochs
        self.keepLast = keepLast
        self.best = best
    }

    /// The complete checkpoints, oldest first.
    public func all() -> [URL] { numbered().map(\.url) }

    /// The newest complete checkpoint; nil when there is none.
    public func newest() -> URL? { numbered().last?.url }

    private static let prefix = "step-"
    /// What begins with it is half written or half removed.
    private static let unfinished = ".unfinished-"

    func url(step: Int) -> URL {
        let digits = String(step)
        let zeros = String(repeating: "0", count: max(8 - digits.count, 0))
        return directory.appendingPathComponent("\(Checkpointing.prefix)\(zeros)\(digits)")
    }

    func numbered() -> [(step: Int, url: URL)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix(Checkpointing.prefix),
                let step = Int(name.dropFirst(Checkpointing.prefix.count)),
                url(step: step).lastPathComponent == name
            else { return nil }
            return (step, url(step: step))
        }.sorted { $0.step < $1.step }
    }

    /// Makes the directory and removes what an earlier process did not finish.
    /// - Throws: `TrainingError.directoryInUse` for checkpoints of a run that is not resumed.
    func prepare(isResumed: Bool) throws {
        guard keepLast > 0, everySteps ?? 1 > 0, everyEpochs ?? 1 > 0 else {
            throw TrainingError.argument("the numbers of a checkpointing have to be positive")
        }
        guard isResumed || numbered().isEmpty else {
            throw TrainingError.directoryInUse(directory.path)
        }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        for name in names where name.hasPrefix(Checkpointing.unfinished) {
            try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
        }
    }

    /// Writes the checkpoint of a step: all of it, or none.
    /// - Parameter write: writes files into the directory that it is given, each to the disk.
    func write(step: Int, _ write: (URL) throws -> Void) throws {
        let place = unfinishedPlace()
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        do {
            try write(place)
            try Checkpointing.flush(place)
            try rename(place, to: url(step: step))
            try Checkpointing.flush(directory)
        } catch {
            try? FileManager.default.removeItem(at: place)
            throw error
        }
    }

    /// Removes all but the latest and the best one.
    func prune(best: Int?) throws {
        let kept = Set(numbered().map(\.step).suffix(keepLast) + (best.map { [$0] } ?? []))
        for (step, url) in numbered() where !kept.contains(step) {
            // Renamed first: a directory with its name has all its files at any moment.
            let place = unfinishedPlace()
            try rename(url, to: place)
            try FileManager.default.removeItem(at: place)
        }
    }

    private func unfinishedPlace() -> URL {
        directory.appendingPathComponent("\(Checkpointing.unfinished)\(UUID().uuidString)")
    }

    private func rename(_ from: URL, to: URL) throws {
        guard Glibc.rename(from.path, to.path) == 0 else {
            throw TrainingError.file(to.path, String(cString: strerror(errno)))
        }
    }

    /// Makes a directory's entries durable.
    private static func flush(_ directory: URL) throws {
        let descriptor = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TrainingError.file(directory.path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        // A file system that cannot flush directories says EINVAL; there is nothing to do then.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw TrainingError.file(directory.path, String(cString: strerror(errno)))
        }
    }
}
