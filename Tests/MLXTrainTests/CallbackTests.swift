import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers
import Testing

@testable import MLXTrain

/// Early stopping, the line on the terminal, reports. Logs are tested with checkpoints.
@Suite struct CallbackTests {
    private func record(_ step: Int, _ value: Double?) -> TrainingRecord {
        var record = TrainingRecord(step: step, epoch: 0)
        record["validation_loss"] = value
        return record
    }

    private func run(_ model: Module = Linear(1, 1)) -> TrainingRun {
        let run = TrainingRun(model: model)
        run.figures = ["loss", "validation_loss"]
        run.stepCount = 100
        return run
    }

    @Test("Training ends when a figure has not become better, and the best parameters come back")
    func earlyStopping() throws {
        let model = Linear(weight: MLXArray([0] as [Float], [1, 1]))
        let run = run(model)
        var stopping = EarlyStopping(.smallest("validation_loss", minimumDelta: 0.1), patience: 2)
        try stopping.willBegin(run)
        for (step, value) in [nil, 3, 2, 1.95, nil, .nan].enumerated() {
            #expect(run.reasonToStop == nil)
            model.weight._updateInternal(MLXArray([Float(step)], [1, 1]))
            stopping.didStep(record(step, value), run)
            if step == 3 {
                // A resumed run counts on.
                let state = stopping.savedState()
                stopping = EarlyStopping(
                    .smallest("validation_loss", minimumDelta: 0.1), patience: 2)
                stopping.restore(state)
            }
        }
        #expect(stopping.best == 2 && run.reasonToStop != nil)
        try stopping.didEnd(run, .cancelled)
        #expect(model.weight.item(Float.self) == 5)
        try stopping.didEnd(run, .stopped(""))
        #expect(model.weight.item(Float.self) == 2)

        run.clearReason()
        try stopping.willBegin(run)
        #expect(run.reasonToStop != nil)
        #expect(throws: TrainingError.self) {
            try EarlyStopping(.greatest("accuracy"), patience: 1).willBegin(run)
        }
    }

    @Test("An early stop ends the trainer's run")
    func stoppedRun() async throws {
        let trainer = TrainingFixture.trainer()
        trainer.schedules = [{ _ in 0 }]
        let recorder = Recorder()
        trainer.callbacks = [
            EarlyStopping(.greatest("validation_accuracy"), patience: 2), recorder,
        ]
        let data = try TrainingFixture.data()
        try await trainer.train(data, for: .epochs(50), validation: data)
        #expect(trainer.run.epoch < 50)
        guard case .stopped = recorder.outcome else { return #expect(Bool(false)) }
    }

    @Test("The progress line has step, figures, rate and time left; without a terminal nothing")
    func progressLine() {
        var (text, seconds) = ("", 0)
        let run = run()
        func line(isShown: Bool) -> ProgressLine {
            ProgressLine(isShown: isShown, write: { text += $0 }, now: { .seconds(seconds) })
        }
        for isShown in [false, true] {
            let progress = line(isShown: isShown)
            run.step = 20
            progress.willBegin(run)
            for step in 21...40 {
                seconds = step / 2
                run.step = step
                run.note(record(step, step == 30 ? 0.25 : nil))
                if let latest = run.latest { progress.didStep(latest, run) }
            }
            progress.didEnd(run, .finished)
            seconds = 0
            if !isShown { #expect(text.isEmpty) }
        }
        #expect(text.hasPrefix("\r") && text.hasSuffix("\n"))
        #expect(
            text.contains("step 40/100  validation_loss 0.2500  1.0 steps/s  1:00 left\n"),
            "\(text)")
        #expect(ProgressLine.text(seconds: 3723) == "1:02:03")
        #expect(ProgressLine.text(seconds: 2.5) == "3 s")
        #expect(ProgressLine.text(seconds: .infinity) == "long")
    }

    @Test("A report has a chart for each figure, and few points however long training takes")
    func report() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("report-\(UUID().uuidString).html")
        defer { try? FileManager.default.removeItem(at: url) }
        let run = run()
        let report = TrainingReport(url, title: "A < B")
        report.willBegin(run)
        for step in 1...20_000 {
            var record = record(step, step % 100 == 0 ? 2 : nil)
            record["loss"] = 1 / Double(step)
            report.didStep(record, run)
            run.step = step
        }
        let state = report.savedState()
        #expect(state["loss"]!.size < 9000)
        let restored = TrainingReport(url, title: "A < B")
        restored.restore(state)
        try restored.didEnd(run, .finished)
        let html = try String(contentsOf: url, encoding: .utf8)
        #expect(html.contains("A &lt; B") && html.contains("all 20000 steps"))
        #expect(html.components(separatedBy: "<svg").count == 2)
        #expect(html.contains("validation loss"))
    }

    @Test("Records keep their figures in order, and a NaN equals itself")
    func records() {
        var (a, b) = (record(1, .nan), record(1, .nan))
        #expect(a == b)
        a["x"] = 1
        #expect(a != b && a.names == ["validation_loss", "x"])
        b["x"] = 1
        b["validation_loss"] = nil
        #expect(b.names == ["x"] && b["validation_loss"] == nil)
        #expect(MetricGoal.greatest("x").isImproved(2, over: 1))
        #expect(!MetricGoal.greatest("x").isImproved(.nan, over: nil))
        #expect(!MetricGoal.smallest("x", minimumDelta: 1).isImproved(0.5, over: 1))
    }
}
