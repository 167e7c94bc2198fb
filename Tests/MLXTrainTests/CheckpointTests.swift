import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers
import Testing

@testable import MLXTrain

/// Checkpoints on disk: what is resumed goes on bit for bit, what does not fit changes nothing,
/// what is half written is not seen.
@Suite struct CheckpointTests {
    private static let steps = 23

    private func trainer(
        _ directory: URL, model: SmallNet = TrainingFixture.model(), best: Bool = false
    ) -> Trainer<SmallNet, Example> {
        let optimizer = MultiOptimizer(
            optimizers: [
                AdamW(learningRate: 0.01, biasCorrection: true),
                SGD(learningRate: 0.1, momentum: 0.9),
            ],
            filters: [{ path, _ in path.hasPrefix("first") }])
        let trainer = TrainingFixture.trainer(model, optimizer: optimizer)
        trainer.options.accumulation = 2
        trainer.options.clipNorm = 0.5
        trainer.options.validationInterval = 4
        trainer.checkpoints = Checkpointing(
            directory.appendingPathComponent("checkpoints"), everySteps: 3,
            best: best ? .smallest("validation_loss") : nil)
        trainer.callbacks = [
            TrainingLog(directory.appendingPathComponent("log.jsonl")),
            TrainingLog(directory.appendingPathComponent("log.csv")),
            TrainingReport(directory.appendingPathComponent("report.html")),
        ]
        return trainer
    }

    private func contents(_ directory: URL, _ name: String) throws -> Data {
        try Data(contentsOf: directory.appendingPathComponent(name))
    }

    @Test("A run that is stopped and resumed equals one that is not, bit for bit")
    func resumed() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { whole in
            let reference = trainer(whole)
            try await reference.train(data, for: .steps(Self.steps), validation: data)
            #expect(try contents(whole, "log.csv").split(separator: 10).count == Self.steps + 1)
            try await TrainingFixture.withDirectory { parts in
                struct Killed: Error {}
                // Ends without a checkpoint, at steps 4, 10 and 17, as a killed process does.
                for stop in [4, 10, 17, nil] as [Int?] {
                    let trainer = trainer(parts)
                    let killer = Recorder()
                    killer.onStep = { if $0.step == stop { throw Killed() } }
                    trainer.callbacks.append(killer)
                    #expect(try trainer.resume() == (stop != 4))
                    if let stop {
                        #expect(stop == 4 || trainer.run.step == (stop == 10 ? 3 : 9))
                        await #expect(throws: Killed.self) {
                            try await trainer.train(data, for: .steps(Self.steps), validation: data)
                        }
                        let log = parts.appendingPathComponent("log.jsonl")
                        let handle = try FileHandle(forWritingTo: log)
                        try handle.seekToEnd()
                        try handle.write(contentsOf: Data("{\"step\":".utf8))
                        continue
                    }
                    try await trainer.train(data, for: .steps(Self.steps), validation: data)
                    #expect(
                        try TrainingFixture.bits(trainer.model)
                            == TrainingFixture.bits(reference.model))
                    #expect(trainer.run.latest == reference.run.latest)
                    #expect(trainer.run.latestValidation == reference.run.latestValidation)
                }
                for name in ["log.jsonl", "log.csv", "report.html"] {
                    #expect(try contents(parts, name) == contents(whole, name), "\(name)")
                }
            }
        }
    }

    @Test("A run that is over goes on with more steps, or does nothing")
    func finished() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { directory in
            try await trainer(directory).train(data, for: .steps(4))
            let log = try contents(directory, "log.jsonl")
            let again = trainer(directory)
            try again.resume()
            try await again.train(data, for: .steps(4))
            #expect(again.run.step == 4)
            #expect(try contents(directory, "log.jsonl") == log)
            try await again.train(data, for: .steps(6))
            #expect(again.run.step == 6)
        }
    }

    @Test("A cancelled task stops between steps with a checkpoint")
    func cancelled() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { directory in
            let work = Task {
                let trainer = trainer(directory)
                let recorder = Recorder()
                recorder.onStep = { if $0.step == 5 { withUnsafeCurrentTask { $0?.cancel() } } }
                trainer.callbacks.append(recorder)
                do {
                    try await trainer.train(data, for: .steps(1_000_000), validation: data)
                } catch is CancellationError {
                    return recorder.outcome == .cancelled && trainer.run.step == 5
                }
                return false
            }
            let isStopped = try await work.value
            let resumed = trainer(directory)
            let isResumed = try resumed.resume()
            #expect(isStopped && isResumed)
            #expect(resumed.run.step == 5)
            #expect(resumed.position == LoaderPosition(epoch: 1, batch: 4))
        }
    }

    @Test("The latest are kept, and the best one")
    func kept() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { directory in
            let trainer = trainer(directory, best: true)
            let recorder = Recorder()
            trainer.callbacks.append(recorder)
            try await trainer.train(data, for: .steps(30), validation: data)
            let validated = recorder.records.compactMap { record in
                record["validation_loss"].map { (record.step, $0) }
            }
            let best = try #require(validated.min { $0.1 < $1.1 }).0
            let steps = try #require(trainer.checkpoints).numbered().map(\.step)
            #expect(Set(steps).isSuperset(of: [30, best]))
            #expect(steps.count == (steps.suffix(3).contains(best) ? 3 : 4))
            for checkpoint in trainer.checkpoints?.all() ?? [] {
                try trainer.resume(from: checkpoint)
            }
        }
    }

    @Test("What is half written is neither read nor left lying")
    func unfinished() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { directory in
            try await trainer(directory).train(data, for: .steps(3))
            let place = directory.appendingPathComponent("checkpoints")
            for name in [".unfinished-x", "step-x", "step-9", "notes"] {
                try FileManager.default.createDirectory(
                    at: place.appendingPathComponent(name), withIntermediateDirectories: true)
            }
            let resumed = trainer(directory)
            try resumed.resume()
            #expect(resumed.run.step == 3)
            try await resumed.train(data, for: .steps(6))
            let names = try FileManager.default.contentsOfDirectory(atPath: place.path)
            #expect(
                names.sorted() == ["notes", "step-00000003", "step-00000006", "step-9", "step-x"])
            // A new run does not mix its checkpoints with those of another one.
            await #expect(throws: TrainingError.directoryInUse(place.path)) {
                try await trainer(directory).train(data, for: .steps(3))
            }
        }
    }

    @Test("A checkpoint that does not fit, or is damaged, changes nothing")
    func refused() async throws {
        let data = try TrainingFixture.data()
        try await TrainingFixture.withDirectory { directory in
            let original = trainer(directory)
            try await original.train(data, for: .steps(3))
            let checkpoint = try #require(original.checkpoints?.newest())

            func refuses(_ trainer: Trainer<SmallNet, Example>, _ comment: Comment) throws {
                let before = try TrainingFixture.bits(trainer.model)
                #expect(throws: (any Error).self, comment) { try trainer.resume(from: checkpoint) }
                #expect(try TrainingFixture.bits(trainer.model) == before, comment)
                #expect(trainer.run.step == 0 && trainer.optimizer.innerState().isEmpty, comment)
            }
            try refuses(trainer(directory, model: TrainingFixture.model(width: 9)), "shapes")
            let half = trainer(directory)
            half.model.apply { $0.asType(.float16) }
            try refuses(half, "dtype")
            let seeded = trainer(directory)
            seeded.options.seed = 12
            try refuses(seeded, "seed")
            try refuses(TrainingFixture.trainer(optimizer: Lion(learningRate: 1)), "optimizer")

            for name in ["model", "optimizer", "callbacks"] {
                let file = checkpoint.appendingPathComponent("\(name).safetensors")
                let bytes = try Data(contentsOf: file)
                try bytes.prefix(bytes.count / 2).write(to: file)
                try refuses(trainer(directory), "\(name) is cut short")
                try bytes.write(to: file)
            }
            let file = checkpoint.appendingPathComponent("state.json")
            let text = try String(contentsOf: file, encoding: .utf8)
            for (old, new) in [
                ("\"format_version\":1", "\"format_version\":2"), ("{", "["),
                ("\"step\":3", "\"s\":3"),
            ] {
                try text.replacingOccurrences(of: old, with: new)
                    .write(to: file, atomically: true, encoding: .utf8)
                try refuses(trainer(directory), "\(new)")
            }
            try text.write(to: file, atomically: true, encoding: .utf8)
            try trainer(directory).resume()
        }
    }
}
