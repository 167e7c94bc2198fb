import Foundation
import Glibc
import MLX

/// A line on the terminal that says how far training is, how fast, and how long it will take. Where
/// standard error is no terminal it writes nothing.
///
/// ```swift
/// trainer.callbacks.append(ProgressLine())
/// ```
public final class ProgressLine: TrainingCallback {
    private let isShown: Bool
    private let write: (String) -> Void
    private let now: () -> Duration
    private var begin = Duration.zero
    private var firstStep = 0
    private var lastShown: Duration?

    /// How often the line changes at most.
    private static let interval = Duration.milliseconds(100)

    /// A line on standard error.
    public convenience init() {
        let start = ContinuousClock.now
        self.init(
            isShown: isatty(STDERR_FILENO) != 0,
            write: { FileHandle.standardError.write(Data($0.utf8)) },
            now: { ContinuousClock.now - start })
    }

    init(isShown: Bool, write: @escaping (String) -> Void, now: @escaping () -> Duration) {
        self.isShown = isShown
        self.write = write
        self.now = now
    }

    public func willBegin(_ run: TrainingRun) {
        (begin, firstStep, lastShown) = (now(), run.step, nil)
    }

    public func didStep(_ record: TrainingRecord, _ run: TrainingRun) {
        guard isShown else { return }
        let time = now()
        if let lastShown, time - lastShown < ProgressLine.interval, run.step < run.stepCount {
            return
        }
        lastShown = time
        let seconds = max((time - begin) / .seconds(1), 1e-9)
        let rate = Double(run.step - firstStep) / seconds
        let left = Double(run.stepCount - run.step) / max(rate, 1e-9)
        var parts = ["step \(run.step)/\(run.stepCount)"]
        // Figures of a validation stay until the next one.
        for name in run.figures where name != "learning_rate" {
            guard let value = record[name] ?? run.latestValidation?[name] else { continue }
            parts.append(name + String(format: " %.4f", value))
        }
        parts.append(String(format: "%.1f steps/s", rate))
        parts.append("\(ProgressLine.text(seconds: left)) left")
        write("\r\u{1B}[K" + parts.joined(separator: "  "))
    }

    public func didEnd(_ run: TrainingRun, _ outcome: TrainingOutcome) {
        if lastShown != nil { write("\n") }
    }

    /// Hours, minutes and seconds: 1:02:03, 2:03, 3 s.
    static func text(seconds: Double) -> String {
        guard seconds < 1e9 else { return "long" }
        let whole = Int(seconds.rounded(.up))
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        if hours > 0 { return String(format: "%d:%02d:%02d", hours, minutes, whole % 60) }
        return minutes > 0 ? String(format: "%d:%02d", minutes, whole % 60) : "\(whole) s"
    }
}
