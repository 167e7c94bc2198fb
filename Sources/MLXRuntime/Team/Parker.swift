import CMLXKernels
import Glibc
import Synchronization

/// Where one thread sleeps until another leaves it a permit. A permit given early is kept, a
/// second one is lost. Only one thread ever waits on a parker.
/// Invariant: 0 no permit, 1 a permit, 2 the thread sleeps or is about to, mutex held.
final class Parker: @unchecked Sendable {
    // SAFETY: the state is atomic; the mutex and the condition live at fixed addresses from init
    // to deinit and are made for sharing.
    private let state = Atomic<UInt32>(0)
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    @inline(__always) var hasPermit: Bool { state.load(ordering: .relaxed) == 1 }

    /// Takes the permit if there is one.
    @inline(__always) func tryTake() -> Bool {
        state.compareExchange(
            expected: 1, desired: 0, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }

    /// Leaves a permit and wakes the thread if it sleeps.
    func unpark() {
        guard state.exchange(1, ordering: .acquiringAndReleasing) == 2 else { return }
        // The sleeper set 2 with the mutex held: once we have it, it waits on the condition.
        pthread_mutex_lock(mutex)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Sleeps until there is a permit, and takes it.
    /// - Parameters:
    ///   - spins: how often to look before sleeping.
    ///   - nanoseconds: how long to sleep at most, by the system's clock of the time of day,
    ///     which is what a condition waits by; nil for as long as it takes. A clock that is set
    ///     meanwhile has the thread look too early or too late, once.
    func park(spins: Int = 0, nanoseconds: Int? = nil) {
        for _ in 0..<spins {
            if hasPermit { break }
            mlx_pause()
        }
        if tryTake() { return }
        pthread_mutex_lock(mutex)
        let sleeps = state.compareExchange(
            expected: 0, desired: 2, successOrdering: .acquiringAndReleasing,
            failureOrdering: .acquiring
        ).exchanged
        if sleeps, let nanoseconds {
            sleep(nanoseconds)
        } else if sleeps {
            while !tryTake() { pthread_cond_wait(condition, mutex) }
        } else {
            _ = state.exchange(0, ordering: .acquiring)
        }
        pthread_mutex_unlock(mutex)
    }

    /// Waits with the mutex held until there is a permit, which it takes, or the time is over.
    private func sleep(_ nanoseconds: Int) {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let sum = end.tv_nsec + nanoseconds
        end.tv_sec += sum / 1_000_000_000
        end.tv_nsec = sum % 1_000_000_000
        var status: Int32 = 0
        while !tryTake() {
            // A permit that comes together with the end of the time is kept for the next wait.
            if status == ETIMEDOUT {
                _ = state.compareExchange(
                    expected: 2, desired: 0, ordering: .acquiringAndReleasing)
                return
            }
            status = pthread_cond_timedwait(condition, mutex, &end)
        }
    }
}
