import FoundationEssentials
import MLXBase

/// Names of mlx-swift for the memory and the device behind `.gpu`. The gpu here is a set of kernels
/// on the same cores and the same memory as the cpu, so the counters are those of `Memory`.
public enum GPU {
    /// Counters at one moment.
    public typealias Snapshot = Memory.Snapshot

    /// Bytes in use by arrays.
    @available(*, deprecated, renamed: "Memory.activeMemory")
    public static var activeMemory: Int { Memory.activeMemory }

    /// Bytes kept for reuse.
    @available(*, deprecated, renamed: "Memory.cacheMemory")
    public static var cacheMemory: Int { Memory.cacheMemory }

    /// The most bytes in use at any moment.
    @available(*, deprecated, renamed: "Memory.peakMemory")
    public static var peakMemory: Int { Memory.peakMemory }

    /// All counters.
    @available(*, deprecated, renamed: "Memory.snapshot()")
    public static func snapshot() -> Snapshot { Memory.snapshot() }

    /// The most bytes to keep for reuse.
    @available(*, deprecated, renamed: "Memory.cacheLimit")
    public static var cacheLimit: Int { Memory.cacheLimit }

    /// Sets the most bytes to keep for reuse.
    @available(*, deprecated, message: "use Memory.cacheLimit")
    public static func set(cacheLimit: Int) { Memory.cacheLimit = cacheLimit }

    /// The most bytes to use.
    @available(*, deprecated, renamed: "Memory.memoryLimit")
    public static var memoryLimit: Int { Memory.memoryLimit }

    /// Sets the most bytes to use.
    /// - Parameter relaxed: without effect; an allocation beyond the limit is always an error.
    @available(*, deprecated, message: "use Memory.memoryLimit")
    public static func set(memoryLimit: Int, relaxed: Bool = true) {
        Memory.memoryLimit = memoryLimit
    }

    /// Runs `body`. Memory is not wired on Linux; the limit is ignored.
    @available(*, deprecated, message: "memory is not wired on Linux")
    public static func withWiredLimit<R>(_ limit: Int, _ body: () throws -> R) rethrows -> R {
        try body()
    }

    /// Runs `body`. Memory is not wired on Linux; the limit is ignored.
    @available(*, deprecated, message: "memory is not wired on Linux")
    public nonisolated(nonsending) static func withWiredLimit<R>(
        _ limit: Int, _ body: () async throws -> R
    ) async rethrows -> R {
        try await body()
    }

    /// Gives all kept memory back to the system.
    @available(*, deprecated, renamed: "Memory.clearCache()")
    public static func clearCache() { Memory.clearCache() }

    /// Starts to count the peak of memory again.
    public static func resetPeakMemory() { Memory.peakMemory = 0 }

    /// The bytes that arrays can use without pushing others out: the memory limit.
    public static func maxRecommendedWorkingSetBytes() -> Int? { Memory.memoryLimit }

    /// What the device is.
    public struct DeviceInfo: Sendable {
        /// The processor's architecture.
        public let architecture: String
        /// The most bytes of one array.
        public let maxBufferSize: Int
        /// The bytes that arrays can use without pushing others out.
        public let maxRecommendedWorkingSetSize: UInt64
        /// The bytes of the machine's memory.
        public let memorySize: Int
    }

    /// What the device is.
    public static func deviceInfo() -> DeviceInfo {
        #if arch(x86_64)
            let architecture = "x86_64"
        #elseif arch(arm64)
            let architecture = "arm64"
        #else
            let architecture = "unknown"
        #endif
        let limit = Memory.memoryLimit
        return DeviceInfo(
            architecture: architecture, maxBufferSize: limit,
            maxRecommendedWorkingSetSize: UInt64(Swift.max(limit, 0)),
            memorySize: Int(clamping: ProcessInfo.processInfo.physicalMemory))
    }
}
