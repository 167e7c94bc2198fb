import Foundation
import MLX
import MLXGraph
import MLXTrain

/// Says after the steps 10, 20, 40, ... and the last one how much memory the process has: resident
/// pages, bytes of arrays, live nodes of the graph. None of them grows with the number of steps.
final class MemoryWatch: TrainingCallback {
    private var next = 10

    func didStep(_ record: TrainingRecord, _ run: TrainingRun) {
        guard record.step == next || record.step == run.stepCount else { return }
        while next <= record.step { next *= 2 }
        print(
            "memory: step=\(record.step) resident=\(MemoryWatch.residentByteCount) "
                + "arrays=\(Memory.activeMemory) nodes=\(GraphStore.shared.liveCount)")
    }

    /// From `/proc/self/statm`, whose second number counts resident pages.
    private static var residentByteCount: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
