import Foundation
import MLXBase

/// What one stretch of a run was like: memory, throughput and latency, a point of each curve.
struct Sample: Codable, Equatable {
    /// Since the run began, at the stretch's end.
    var seconds: Double
    /// Memory of the process that is in the machine's memory.
    var residentBytes: Int
    var evaluationsPerSecond: Double
    /// Evaluations that ended in a typed error about memory.
    var refused: Int
    /// Of the evaluations that ended in the stretch.
    var latencyMicroseconds: Percentiles
}

/// Looks at a run again and again while it lasts, on a thread of its own: the workers may hold
/// every thread of the pool.
final class Sampler: @unchecked Sendable {
    // SAFETY: what changes is guarded by `state`; the thread touches nothing else.
    private let ledger: Ledger
    private let interval: Double
    private let state = Locked<(samples: [Sample], isOver: Bool)>(([], false))
    private let done = DispatchSemaphore(value: 0)
    private let start = Date()

    private static let range = 0.1...10.0
    /// A curve has about so many points.
    private static let points = 600.0

    /// - Parameter seconds: how long the run will last.
    init(_ ledger: Ledger, seconds: Double) {
        self.ledger = ledger
        interval = min(
            max(seconds / Sampler.points, Sampler.range.lowerBound),
            Sampler.range.upperBound)
    }

    func begin() {
        let thread = Thread { [self] in
            var last = start
            while !state.withLock({ $0.isOver }) {
                Thread.sleep(forTimeInterval: interval)
                let now = Date()
                let sample = look(now.timeIntervalSince(last), now.timeIntervalSince(start))
                last = now
                state.withLock { if !$0.isOver { $0.samples.append(sample) } }
            }
            done.signal()
        }
        thread.start()
    }

    /// Ends the looking.
    /// - Returns: all that was seen.
    func end() async -> [Sample] {
        state.withLock { $0.isOver = true }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [self] in
                done.wait()
                continuation.resume()
            }
        }
        return state.withLock { $0.samples }
    }

    private func look(_ length: Double, _ seconds: Double) -> Sample {
        let window = ledger.takeWindow()
        return Sample(
            seconds: seconds, residentBytes: ResidentMemory.byteCount,
            evaluationsPerSecond: Double(window.latencies.count) / max(length, 1e-9),
            refused: window.refused, latencyMicroseconds: Percentiles(window.latencies))
    }
}

/// What the kernel says of the process's memory, in bytes.
enum ResidentMemory {
    static var byteCount: Int { pages(1) * Int(sysconf(Int32(_SC_PAGESIZE))) }
    /// All of its address space, which `ulimit -v` limits.
    static var addressSpaceByteCount: Int { pages(0) * Int(sysconf(Int32(_SC_PAGESIZE))) }

    private static func pages(_ field: Int) -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let words = text.split(separator: " ")
        return words.indices.contains(field) ? Int(words[field]) ?? 0 : 0
    }
}
