import MLXBase
import MLXMemory

/// The memory of all devices: counters and limits, in bytes.
public enum Memory {
    /// Counters at one moment.
    public struct Snapshot: CustomStringConvertible, Codable, Sendable {
        /// In use by arrays.
        public var activeMemory: Int
        /// Kept for reuse.
        public var cacheMemory: Int
        /// The largest amount taken from the system so far.
        public var peakMemory: Int

        /// What changed from here to another snapshot.
        public func delta(_ other: Snapshot) -> Snapshot {
            Snapshot(
                activeMemory: other.activeMemory - activeMemory,
                cacheMemory: other.cacheMemory - cacheMemory,
                peakMemory: other.peakMemory - peakMemory)
        }

        public var description: String {
            func line(_ name: String, _ bytes: Int) -> String {
                "\(name) memory: \(bytes / 1024)K (\(bytes))"
            }
            return [
                line("Peak", peakMemory), line("Active", activeMemory), line("Cache", cacheMemory),
            ].joined(separator: "\n")
        }
    }

    private static var account: MemoryAccount { Runtime.engine.account }

    /// Bytes in use by arrays.
    public static var activeMemory: Int { account.activeByteCount }

    /// Bytes kept for reuse that `clearCache` would give back.
    public static var cacheMemory: Int {
        Runtime.engine.allocators.reduce(0) { $0 + $1.reclaimableByteCount }
    }

    /// The most bytes in use at any moment. Setting it, to whatever value, starts again.
    public static var peakMemory: Int {
        get { account.peakActiveByteCount }
        set { account.resetPeaks() }
    }

    /// The figures of this moment, in bytes.
    public static func snapshot() -> Snapshot {
        Snapshot(
            activeMemory: activeMemory, cacheMemory: cacheMemory, peakMemory: peakMemory)
    }

    /// The most bytes to keep for reuse.
    public static var cacheLimit: Int {
        get { account.cacheLimit }
        set { account.setCacheLimit(newValue) }
    }

    /// The most bytes to use; an allocation beyond it is an error of kind `memory`.
    public static var memoryLimit: Int {
        get { account.memoryLimit }
        set { account.setMemoryLimit(newValue) }
    }

    /// Gives all kept memory back to the system.
    public static func clearCache() {
        for allocator in Runtime.engine.allocators { allocator.trim() }
    }

    /// Runs `body`. Memory is not wired on Linux; the limit is ignored.
    public static func withWiredLimit<R>(_ limit: Int, _ body: () throws -> R) rethrows -> R {
        try body()
    }

    /// Runs `body`. Memory is not wired on Linux; the limit is ignored.
    public nonisolated(nonsending) static func withWiredLimit<R>(
        _ limit: Int, _ body: () async throws -> R
    ) async rethrows -> R {
        try await body()
    }
}
