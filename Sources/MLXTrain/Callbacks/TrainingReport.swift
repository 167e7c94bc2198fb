import Foundation
import MLX

/// Writes a page with charts of every figure when training is over: losses, metrics, learning rate,
/// each with its validation beside it. However long training takes it keeps a bounded number of
/// points, and checkpoints keep them with it.
///
/// ```swift
/// trainer.callbacks.append(TrainingReport(url, title: "Digits"))
/// ```
public final class TrainingReport: TrainingCallback {
    private let url: URL
    private let title: String
    private var curves: [String: Curve] = [:]

    /// - Parameters:
    ///   - url: the page; one that is there is replaced.
    ///   - title: its heading.
    public init(_ url: URL, title: String = "Training") {
        self.url = url
        self.title = title
    }

    public func willBegin(_ run: TrainingRun) { if run.step == 0 { curves = [:] } }

    public func didStep(_ record: TrainingRecord, _ run: TrainingRun) {
        for (name, value) in zip(record.names, record.values) {
            curves[name, default: Curve()].append(x: Double(record.step), y: value)
        }
    }

    public func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) throws {
        try report(run, outcome).write(to: url)
    }

    private func report(_ run: TrainingRun, _ outcome: TrainingOutcome) -> Report {
        let end =
            switch outcome {
            case .finished: "all \(run.step) steps"
            case .stopped(let reason): "\(run.step) steps; \(reason)"
            case .cancelled: "cancelled after \(run.step) steps"
            case .failed: "failed after \(run.step) steps"
            }
        var report = Report(title: title, subtitle: end)
        let shown = run.figures.filter { $0 != "learning_rate" && $0 != "gradient_norm" }
        let tiles = shown.compactMap { name in
            curves[name]?.last.map { (TrainingReport.spaced(name), String(format: "%.4f", $0)) }
        }
        if !tiles.isEmpty { report.add(tiles: tiles) }
        for name in run.figures where !name.hasPrefix("validation_") {
            let series = [name, "validation_\(name)"].compactMap { name in
                curves[name].map { Report.LineChart.Series(TrainingReport.spaced(name), $0.points) }
            }
            guard !series.isEmpty else { continue }
            let spaced = TrainingReport.spaced(name)
            report.add(Report.LineChart(title: spaced.capitalized, yLabel: spaced, series: series))
        }
        return report
    }

    private static func spaced(_ name: String) -> String {
        name.replacingOccurrences(of: "_", with: " ")
    }

    public func savedState() -> [String: MLXArray] {
        curves.mapValues { curve in
            let numbers =
                [Double(curve.stride), Double(curve.skipped)]
                + curve.points.flatMap { [$0.x, $0.y] }
            return numbers.withUnsafeBytes {
                MLXArray(Data($0), [numbers.count], dtype: .float64)
            }
        }
    }

    public func restore(_ state: [String: MLXArray]) {
        curves = state.mapValues { Curve($0.asArray(Double.self)) }
    }
}

/// Points of a curve: every point while there are few, then every second, every fourth, ...
private struct Curve {
    private(set) var points: [(x: Double, y: Double)] = []
    private(set) var stride = 1
    private(set) var skipped = 0
    /// The latest value, whether it is among the points or not.
    private(set) var last: Double?

    private static let limit = 4096

    init() {}

    init(_ numbers: [Double]) {
        guard numbers.count >= 2, numbers[0] >= 1, numbers[1] >= 0 else { return }
        (stride, skipped) = (Int(numbers[0]), Int(numbers[1]))
        for index in Swift.stride(from: 2, to: numbers.count - 1, by: 2) {
            points.append((numbers[index], numbers[index + 1]))
        }
        last = points.last?.y
    }

    mutating func append(x: Double, y: Double) {
        last = y
        skipped += 1
        guard skipped >= stride else { return }
        skipped = 0
        points.append((x, y))
        guard points.count > Curve.limit else { return }
        points = points.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        stride *= 2
    }
}
