import Glibc

/// State that several threads use one after the other, leased to one of them. It is not a lock
/// around a user's code: a thread that has the lease may take it again, nobody waits for one that
/// keeps it for good, and nothing of the library's is locked meanwhile.
/// Invariant: `owner` and `depth` are touched with the mutex held, and only for a few instructions.
package final class StateLease: @unchecked Sendable {
    // SAFETY: mutex and condition live at one address from init to deinit; the mutex guards the
    // rest.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let ended: UnsafeMutablePointer<pthread_cond_t>
    private var owner: pthread_t?
    private var depth = 0
    /// How many leases ended, so that waiting is measured by one owner's time, not by the queue's.
    private var number = 0

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        ended = .allocate(capacity: 1)
        ended.initialize(to: pthread_cond_t())
        pthread_cond_init(ended, nil)
    }

    deinit {
        pthread_cond_destroy(ended)
        pthread_mutex_destroy(mutex)
        ended.deallocate()
        mutex.deallocate()
    }

    /// Takes the lease, or takes it again on the thread that has it.
    /// - Returns: false when another thread kept it for `seconds`; the caller has none then.
    package func take(waiting seconds: Int) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let own = pthread_self()
        if owner == own {
            depth += 1
            return true
        }
        while owner != nil {
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += seconds
            let seen = number
            while owner != nil, number == seen {
                if pthread_cond_timedwait(ended, mutex, &deadline) == ETIMEDOUT,
                    owner != nil, number == seen
                {
                    return false
                }
            }
        }
        owner = own
        depth = 1
        return true
    }

    /// Gives up what `take` took, on the same thread.
    package func end() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        depth -= 1
        if depth > 0 { return }
        owner = nil
        number += 1
        pthread_cond_signal(ended)
    }
}
