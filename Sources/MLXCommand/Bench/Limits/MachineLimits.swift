import CMLXKernels
import Foundation
import MLX
import MLXRuntime
import Synchronization

/// What the machine can do at best, measured when it is first asked for. Rows are held against it:
/// whatever they do, they cannot be faster than arithmetic in registers and the fastest walk
/// through as much memory.
final class MachineLimits: Sendable {
    /// The kinds of arithmetic that a row's operations may be.
    enum Arithmetic: String { case f32, bf16, i8 }

    let cpus: [Int]
    let caches: Caches
    /// For how long one figure is measured.
    private let seconds: Double
    private let known = Mutex<[String: Double]>([:])

    init(seconds: Double) {
        let topology = Runtime.engine.topology
        cpus = Array(topology.usableCPUs.prefix(topology.threadCount))
        self.seconds = seconds
        caches = Caches.ofThisMachine(coreCount: cpus.count)
    }

    private func remembered(_ name: String, _ measure: () -> Double) -> Double {
        if let value = known.withLock({ $0[name] }) { return value }
        let value = measure()
        known.withLock { $0[name] = Swift.max($0[name] ?? 0, value) }
        return value
    }

    /// Measures everything anew when it is next asked for.
    func forget() { known.withLock { $0 = [:] } }

    // MARK: - Arithmetic

    // SAFETY: constant rows of tables in C.
    nonisolated(unsafe) static let peaks: [mlx_peak] = sequence(first: 0) { $0 + 1 }.lazy
        .map { mlx_peak_at($0) }.prefix { $0 != nil }.map { $0!.pointee }

    /// Operations a second of one loop on as many cores.
    func rate(_ peak: mlx_peak, cores: Int) -> Double {
        let name = String(cString: peak.dtype) + " " + String(cString: peak.means)
        return remembered("\(name) \(cores)") {
            // About a millisecond: shorter than a turn of the system's, long enough to time.
            nonisolated(unsafe) let run = peak.run!
            func seconds(_ rounds: Int) -> Double {
                Crew.best(cpus: [cpus[0]], seconds: 0) { _ in run(rounds) }
            }
            let count = (10...40).lazy.map { 1 << $0 }.first { seconds($0) >= 1e-3 } ?? 1 << 40
            let time = Crew.best(cpus: Array(cpus.prefix(cores)), seconds: self.seconds) { _ in
                run(count)
            }
            return Double(cores * count) * peak.operations / time
        }
    }

    /// Operations a second of all cores, by the best way to do such arithmetic.
    func peak(_ arithmetic: Arithmetic) -> Double {
        func best(_ arithmetic: Arithmetic) -> Double {
            Self.peaks.filter { String(cString: $0.dtype) == arithmetic.rawValue }
                .map { rate($0, cores: cpus.count) }.max() ?? 0
        }
        // Without instructions of their own narrow types are widened.
        return Swift.max(best(arithmetic), best(.f32))
    }

    // MARK: - Memory

    // SAFETY: constant rows of tables in C.
    nonisolated(unsafe) static let streams: [mlx_stream] = sequence(first: 0) { $0 + 1 }.lazy
        .map { mlx_stream_at($0) }.prefix { $0 != nil }.map { $0!.pointee }

    /// Bytes a second that cores read and write together, walking through `byteCount` in all.
    func rate(_ stream: mlx_stream, cores: Int, byteCount: Int) -> Double {
        let name = String(cString: stream.name)
        return remembered("\(name) \(stream.streams) \(cores) \(byteCount)") {
            // Of each array, for each core.
            let count = byteCount / cores / Int(stream.arrays) / 4
            let memory = StreamMemory(cores: cores, arrays: Int(stream.arrays), count: count)
            nonisolated(unsafe) let run = stream.run!
            // Long enough to be timed.
            let walks = Swift.max(1, (1 << 22) / count)
            let walked = Mutex(0)
            let time = Crew.best(cpus: Array(cpus.prefix(cores)), seconds: seconds) { core in
                var floats = 0
                for _ in 0..<walks {
                    floats += run(
                        memory.array(core, 0), memory.array(core, 1), memory.array(core, 2), count)
                }
                if core == 0 { walked.withLock { $0 = floats } }
            }
            return Double(walked.withLock { $0 } * 4 * Int(stream.arrays) * cores) / time
        }
    }

    /// Bytes a second of all cores by the fastest walk through as much memory, or through less:
    /// nothing that touches `byteCount` bytes moves them faster.
    func bandwidth(byteCount: Double) -> Double {
        let footprints = caches.footprints
        let size =
            footprints.last { Double($0.byteCount) <= byteCount }?.byteCount
            ?? footprints[0].byteCount
        return Self.streams.map { rate($0, cores: cpus.count, byteCount: size) }.max() ?? 0
    }

    /// The least seconds in which so many operations can be done and so many bytes moved.
    /// - Parameter isCold: whether the bytes come from memory, few as they are.
    func leastSeconds(
        operations: Double, _ arithmetic: Arithmetic, bytes: Double, isCold: Bool
    ) -> (seconds: Double, bound: String) {
        let compute = operations / Swift.max(1, peak(arithmetic))
        let footprint = isCold ? Double(caches.coldByteCount) : bytes
        let memory = bytes / Swift.max(1, bandwidth(byteCount: footprint))
        return compute > memory ? (compute, "compute") : (memory, "memory")
    }
}

/// Arrays for walks, on large pages where the system gives them, written once by the core that
/// walks through them.
private final class StreamMemory: @unchecked Sendable {
    // SAFETY: each core touches its own arrays only.
    private let base: UnsafeMutableRawPointer
    private let arrays: Int
    private let stride: Int

    init(cores: Int, arrays: Int, count: Int) {
        self.arrays = arrays
        // A page and a few lines between arrays: they must not meet in the sets of a cache.
        stride = (count * 4 + 4095) / 4096 * 4096 + 4096 + 320
        let total = stride * cores * arrays
        base = UnsafeMutableRawPointer.allocate(byteCount: total, alignment: 2 << 20)
        madvise(base, total, 14)  // MADV_HUGEPAGE
        memset(base, 0, total)
    }

    deinit { base.deallocate() }

    /// Array 0 is written, 1 and 2 are read; a walk that reads or writes only has one.
    func array(_ core: Int, _ number: Int) -> UnsafeMutablePointer<Float> {
        let own = (core * arrays + number % arrays) * stride
        return (base + own).assumingMemoryBound(to: Float.self)
    }
}
