import Glibc
import MLXBase
import MLXMemory
import Synchronization

/// Gives kept memory back when a program that has computed falls silent: evaluations let memory
/// decay by themselves, but after the last one nobody would. A thread that sleeps on a condition,
/// wakes twice a second while there is something to give back, and then not at all.
final class IdleDecay: @unchecked Sendable {
    // SAFETY: the mutex and the condition have fixed addresses from init to deinit; `isArmed` is
    // atomic.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let isArmed = Atomic<Bool>(false)
    private let intervalNanoseconds: Int
    /// What is still kept after so many rounds lies between live blocks and stays.
    private static let maximumRounds = 6

    /// - Parameters:
    ///   - decay: lets go of what has not been used for a while; returns whether more is kept.
    init(
        intervalNanoseconds: Int = Int(SlabAllocator.decayNanoseconds),
        system: any SystemThreads, _ decay: @escaping @Sendable () -> Bool
    ) {
        self.intervalNanoseconds = intervalNanoseconds
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        // Kept alive by its thread, for the life of the process. Without the thread memory is
        // given back with the next evaluation.
        system.start(name: "mlx-decay") { [self] in
            while true {
                waitUntilArmed()
                var rounds = 0
                repeat {
                    sleep()
                    rounds += 1
                } while decay() && rounds < IdleDecay.maximumRounds
                isArmed.store(false, ordering: .releasing)
            }
        }?.detach()
    }

    /// Called after each evaluation: one relaxed load, nearly always.
    @inline(__always) func arm() {
        if isArmed.load(ordering: .relaxed) { return }
        armSlowly()
    }

    @inline(never) private func armSlowly() {
        guard !isArmed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    private func waitUntilArmed() {
        pthread_mutex_lock(mutex)
        while !isArmed.load(ordering: .acquiring) { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }

    private func sleep() {
        var time = timespec(
            tv_sec: intervalNanoseconds / 1_000_000_000,
            tv_nsec: intervalNanoseconds % 1_000_000_000)
        nanosleep(&time, nil)
    }
}
