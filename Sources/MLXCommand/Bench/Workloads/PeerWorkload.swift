import Foundation
import MLX

/// A workload that other libraries are measured with too, under the same name: plain lazy code, as
/// a user would write it, from recording to results.
struct PeerWorkload: Sendable {
    /// What a figure says of a call: work per time, scaled, or time per work.
    enum Metric: String {
        case gigaflops = "GFLOP/s"
        case gigabytes = "GB/s"
        case millions = "M/s"
        case steps = "steps/s"
        case tokens = "tokens/s"
        case microseconds = "us"
        case microsecondsPerOperation = "us/op"
        case milliseconds = "ms"

        func value(work: Double, seconds: Double) -> Double {
            switch self {
            case .gigaflops, .gigabytes: work / seconds / 1e9
            case .millions: work / seconds / 1e6
            case .steps, .tokens: work / seconds
            case .microseconds, .microsecondsPerOperation: seconds * 1e6 / work
            case .milliseconds: seconds * 1e3 / work
            }
        }
    }

    /// Does the workload once and has the results.
    typealias Call = () throws -> Void

    var name: String
    var metric: Metric
    /// What the figure counts in one call: operations, bytes, numbers, steps, tokens, calls.
    var work: Double
    /// Multiplications and additions of one call that no algorithm of the kind avoids; functions
    /// count as one.
    var flops: Double
    /// Bytes that one call must at least read and write: each input and each result once.
    var bytes: Double
    var arithmetic: MachineLimits.Arithmetic = .f32
    /// For weights that no cache holds: how many take turns at least. Nil where every call has the
    /// same inputs.
    var leastColdCount: Int?
    /// What the figure does not say by itself.
    var note: String?
    /// Makes the inputs.
    var make: @Sendable (BenchSettings) throws -> Call
}

/// What a measurement is told.
struct BenchSettings: Sendable {
    /// How long a workload is repeated for, at least.
    var seconds = 0.6
    /// More bytes than the caches hold, for weights that must not be found there.
    var coldByteCount = 512 << 20

    /// How many matrices of `byteCount` bytes make up weights that no cache holds.
    func coldCount(_ byteCount: Double, atLeast least: Int) -> Int {
        Swift.max(least, Int((Double(coldByteCount) / byteCount).rounded(.up)))
    }

    /// How many calls are timed as one, so that all weights had their turn.
    func turn(_ workload: PeerWorkload) -> Int {
        workload.leastColdCount.map { coldCount(workload.bytes, atLeast: $0) } ?? 1
    }
}

/// How long calls took, in seconds.
struct CallTimes {
    var first: Double
    var best: Double
    var median: Double
    var count: Int

    init(first: Double, best: Double, median: Double, count: Int) {
        (self.first, self.best, self.median, self.count) = (first, best, median, count)
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = Timing.nanoseconds()
        try body()
        return Double(Timing.nanoseconds() - start) / 1e9
    }

    /// Calls until `seconds` are over and five times at least, but no longer than ten times as
    /// long. Short calls are timed together; before, the same for a moment without counting.
    /// - Parameter turn: how many calls are always timed together.
    init(_ call: PeerWorkload.Call, seconds: Double, turn: Int) throws {
        first = try Self.seconds(call)
        let second = try Self.seconds { for _ in 0..<turn { try call() } } / Double(turn)
        let together =
            turn == 1 && second < 5e-5 ? Swift.max(1, Int(1e-4 / Swift.max(second, 1e-7))) : turn
        if second * Double(turn) < seconds / 2 {
            let end = Timing.nanoseconds() + UInt64(seconds / 6 * 1e9)
            while Timing.nanoseconds() < end { try call() }
        }
        var times: [Double] = []
        var total = 0.0
        while (total < seconds || times.count < 5) && !(total > 10 * seconds && !times.isEmpty) {
            let time = try Self.seconds { for _ in 0..<together { try call() } }
            total += time
            times.append(time / Double(together))
        }
        times.sort()
        (best, median, count) = (times[0], times[times.count / 2], times.count)
    }
}

extension PeerWorkload {
    /// - Parameter limits: what the times are held against, nil for nothing.
    func figure(_ settings: BenchSettings, _ limits: MachineLimits?) throws -> Figure {
        let call = try make(settings)
        let times = try CallTimes(
            call, seconds: settings.seconds, turn: settings.turn(self))
        var figure = Figure(
            workload: name, value: metric.value(work: work, seconds: times.best),
            unit: metric.rawValue, count: times.count)
        figure.times = times
        figure.note = note
        figure.share = limits.map { share(of: times.best, $0) }
        return figure
    }

    /// Which part of the limit a time reaches. A row cannot be faster than its limit: if one is,
    /// the machine was busy when the limit was measured, and it is measured again.
    private func share(of seconds: Double, _ limits: MachineLimits) -> Figure.Share {
        func share() -> Figure.Share {
            let least = limits.leastSeconds(
                operations: flops, arithmetic, bytes: bytes, isCold: leastColdCount != nil)
            return Figure.Share(
                flops: flops, bytes: bytes, bound: least.bound, ofLimit: least.seconds / seconds)
        }
        let first = share()
        if first.ofLimit <= 1 { return first }
        limits.forget()
        let second = share()
        if second.ofLimit > 1 {
            let warning = "warning: \(name) was faster than the limit that was measured\n"
            FileHandle.standardError.write(Data(warning.utf8))
        }
        return second
    }
}

/// Inputs.
enum Inputs {
    /// Standard normal numbers, computed.
    static func normal(_ shape: Int..., dtype: DType = .float32) throws -> MLXArray {
        let x = MLXRandom.normal(shape).asType(dtype)
        try checkedEval(x)
        return x
    }

    /// A call that takes the next of them each time.
    static func inTurn<T>(
        _ inputs: [T], _ call: @escaping (T) throws -> Void
    ) -> PeerWorkload.Call {
        var next = 0
        return {
            try call(inputs[next])
            next = (next + 1) % inputs.count
        }
    }

    /// The length of long vectors.
    static let length = 16 * 1024 * 1024
}
