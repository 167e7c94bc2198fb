import Glibc

/// A value behind a POSIX mutex, for cold paths that may take their time with the lock held.
/// `Synchronization.Mutex` would do, but the thread sanitizer does not see its contended path
/// and reports races that are none.
/// Invariant: the value is reached through `withLock` only; the lock is not recursive.
package final class Locked<Value>: @unchecked Sendable {
    // SAFETY: the mutex lives at one address from init to deinit and guards every access.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Takes the lock for a fork, if nobody has it.
    package func tryHold() -> Bool { pthread_mutex_trylock(mutex) == 0 }
    package func letGo() { pthread_mutex_unlock(mutex) }
    /// The value, for who holds the lock across a fork.
    package var heldValue: Value { value }

    /// Has forks wait until nobody holds the lock, so that the child finds it open. For values
    /// that live as long as the process.
    @discardableResult package func survivingForks() -> Self {
        ForkSafety.add([.init(hold: tryHold, letGo: letGo)])
        return self
    }

    package func withLock<R, E: Error>(_ body: (inout Value) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
