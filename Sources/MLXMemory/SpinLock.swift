import CMLXKernels
import Glibc
import Synchronization

/// A test-and-set lock for critical sections of a few nanoseconds. It is not for sections that
/// make system calls on a hot path: a waiter burns its core for a while before it yields it.
/// Invariant: taken and released by the same thread, never held across a suspension.
package struct SpinLock: ~Copyable, Sendable {
    private let taken = Atomic<Bool>(false)

    package init() {}

    @inline(__always) package func lock() {
        if !taken.exchange(true, ordering: .acquiring) { return }
        lockSlowly()
    }

    /// Takes the lock if nobody has it.
    @inline(__always) package func tryLock() -> Bool {
        !taken.exchange(true, ordering: .acquiring)
    }

    @inline(__always) package func unlock() {
        taken.store(false, ordering: .releasing)
    }

    @inline(__always) package func withLock<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body()
    }

    @inline(never) private func lockSlowly() {
        var spins = 0
        while true {
            // Reading before writing keeps the line shared between the waiters.
            if !taken.load(ordering: .relaxed), !taken.exchange(true, ordering: .acquiring) {
                return
            }
            spins += 1
            mlx_pause()
            // The holder was preempted: spinning on would only keep it from its core.
            if spins > 2_000 { sched_yield() }
        }
    }
}
