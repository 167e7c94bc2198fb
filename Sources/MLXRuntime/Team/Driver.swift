import CMLXKernels
import MLXBase
import MLXMemory
import Synchronization

/// The thread that drives a team's wide runs while nobody is blocked on one: it runs what is
/// posted, first in, first out, and sleeps otherwise. Apart from the runner, so that a long step
/// keeps neither the team's actors nor statistics waiting.
/// Invariant: work posted before `stop` runs; what comes later, or when the thread was refused,
/// runs on the thread that brings it.
final class Driver: @unchecked Sendable {
    // SAFETY: the queue is guarded by its lock; `thread` is written by `start` and read by `stop`.
    private let state = Locked(State())
    private let parker = Parker()
    private var thread: SystemThread?

    private struct State {
        var works: [@Sendable () -> Void] = []
        var isRunning = false
        var isStopping = false
    }

    func start(
        name: String, cpus: [Int], system: any SystemThreads, clock: any EngineClock,
        spinNanoseconds: UInt64
    ) {
        state.withLock { $0.isRunning = true }
        thread = system.start(name: name) { [self] in
            system.pinCurrentThread(name: name, cpus: cpus)
            live(clock, spinNanoseconds)
        }
        if thread == nil { state.withLock { $0.isRunning = false } }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        parker.unpark()
        if let thread {
            if thread.isCurrent { thread.detach() } else { thread.join() }
        }
        thread = nil
    }

    func post(_ work: @escaping @Sendable () -> Void) {
        let isTaken = state.withLock { state in
            guard state.isRunning else { return false }
            state.works.append(work)
            return true
        }
        if isTaken { parker.unpark() } else { work() }
    }

    private func live(_ clock: any EngineClock, _ spinNanoseconds: UInt64) {
        while true {
            let (works, isOver) = state.withLock { state in
                let works = state.works
                state.works = []
                if works.isEmpty && state.isStopping { state.isRunning = false }
                return (works, works.isEmpty && state.isStopping)
            }
            if isOver { return }
            for work in works { work() }
            if works.isEmpty {
                rest(clock, spinNanoseconds)
                parker.park()
            }
        }
    }

    private func rest(_ clock: any EngineClock, _ nanoseconds: UInt64) {
        var watch = SpinWatch(nanoseconds: nanoseconds)
        repeat {
            for _ in 0..<64 {
                if parker.hasPermit { return }
                mlx_pause()
            }
        } while watch.maySpin(clock: clock, restart: false)
    }
}
