import Foundation
import MLX
import MLXGraph
import MLXRuntime
import MLXTrain

/// The demo's report: one page with curves, a confusion matrix and the devices' timeline, and the
/// timeline once more for Perfetto.
enum DemoReport {
    static func write(_ outcome: DemoOutcome, to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try page(outcome).write(to: folder.appendingPathComponent("report.html"))
        try Runtime.writeTrace(to: folder.appendingPathComponent("timeline.json").path)
    }

    private static func page(_ outcome: DemoOutcome) -> Report {
        var report = Report(
            title: "Handwritten digits on three devices",
            subtitle: "1,438 digits for training, 359 by other writers for testing")
        report.add(tiles: [
            ("float32", String(format: "%.4f", outcome.float32)),
            ("int8 on the NPU", String(format: "%.4f", outcome.int8)),
            ("seconds", String(format: "%.1f", outcome.seconds)),
        ])
        report.add(
            Report.LineChart(
                title: "Training loss", xLabel: "step", yLabel: "cross entropy",
                series: [.init("loss", outcome.training.losses)], yRange: nil))
        report.add(
            Report.LineChart(
                title: "Accuracy", xLabel: "epoch", yLabel: "share of digits",
                series: [
                    .init("training", outcome.training.trainingAccuracies),
                    .init("test, float32", outcome.training.float32Accuracies),
                    .init("test, int8", outcome.training.int8Accuracies),
                    .init("training, int8", outcome.training.int8TrainingAccuracies),
                ], yRange: nil))
        report.add(
            Report.ConfusionMatrix(
                title: "Test digits", labels: (0..<10).map(String.init),
                counts: confusion(outcome)))
        report.add(
            Report.Timeline(title: "Who ran what when (end of the demo)", events: events()))
        report.add(
            Report.Table(
                title: "Devices", header: ["device", "busy", "share", "steps"],
                rows: zip(DeviceKind.allCases, zip(outcome.counters, outcome.shares)).map {
                    [
                        $0.name, String(format: "%.2f s", Double($1.0.busyNanoseconds) / 1e9),
                        String(format: "%.1f %%", $1.1), "\($1.0.stepCount)",
                    ]
                }))
        return report
    }

    /// Rows are the truth, columns what was predicted.
    private static func confusion(_ outcome: DemoOutcome) -> [[Int]] {
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 10), count: 10)
        for (label, prediction) in zip(outcome.labels, outcome.predictions) {
            counts[label][prediction] += 1
        }
        return counts
    }

    private static func events() -> [Report.Timeline.Event] {
        let engine = Runtime.engine
        let steps = engine.trace.events.filter { $0.kind == .step }
        return DeviceKind.allCases.flatMap { kind in
            // The page stays readable, and small, with the last few thousand of each device.
            steps.filter { Int($0.device) == kind.index }.suffix(3000).map { event in
                Report.Timeline.Event(
                    device: kind.name, beginNanoseconds: Int(event.begin),
                    endNanoseconds: Int(event.end),
                    label: engine.trace.name(of: event.label))
            }
        }
    }
}
