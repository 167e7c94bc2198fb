import Glibc

/// Guards the edges of the graph. Whoever walks from node to node holds it shared; whoever takes
/// edges away, because a value is there or a trace has ended, holds it alone. Recording takes
/// neither: it only adds a node on top of nodes that the caller owns. Lives as long as the process.
package struct StructureLock: @unchecked Sendable {
    // SAFETY: a pthread lock at a fixed address is safe to use from every thread.
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>

    init() {
        lock = .allocate(capacity: 1)
        pthread_rwlock_init(lock, nil)
    }

    package func withWalking<R>(_ body: () throws -> R) rethrows -> R {
        pthread_rwlock_rdlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }

    package func withEdgesChanging<R>(_ body: () throws -> R) rethrows -> R {
        pthread_rwlock_wrlock(lock)
        defer { pthread_rwlock_unlock(lock) }
        return try body()
    }
}
