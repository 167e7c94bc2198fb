import CMLXKernels
import MLXMemory
import Synchronization

/// Who may run the engine: at any moment one thread at most. Blocked callers queue in the order
/// of their arrival; they and the runner, the thread that works off the queue, take turns, so
/// neither starves the other. Work items run on the runner only, never on a blocked caller,
/// except on a token without a runner, where whoever lets go of it works the queue off first.
/// Invariant: while nobody holds the token, nobody waits for it and the queue is empty.
final class Token: @unchecked Sendable {
    // SAFETY: `state` is read and written with `lock` held; the rest is constant or atomic.
    private let lock = SpinLock()
    private let state: UnsafeMutablePointer<State>
    /// The thread words of the holder, as a number; 0 when there is none.
    private let owner = Atomic<UInt>(0)
    private let runnerParker = Parker()
    /// How many items the runner takes before it lets blocked callers in.
    private static let batchCount = 32
    /// A caller looks this often before it sleeps, a few microseconds' worth.
    private let callerSpins: Int

    private struct State {
        var isHeld = false
        var queue = WorkQueue()
        var firstWaiter: Waiter?
        var lastWaiter: Waiter?
        var isCallersTurn = true
        var hasRunner = false
        var isGrantedToRunner = false
        var isStopping = false
    }

    private final class Waiter {
        let parker = Parker()
        var next: Waiter?
    }

    private enum Successor {
        case nobody
        case caller(Waiter)
        case runner
        /// There is no runner: the one who lets go does the work.
        case oneself
    }

    init(spins: Bool) {
        callerSpins = spins ? 200 : 0
        state = .allocate(capacity: 1)
        state.initialize(to: State())
    }

    deinit {
        state.pointee.queue.destroy()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    @inline(__always) private static var currentThread: UInt { UInt(bitPattern: mlx_thread()) }

    @inline(__always) var isHeldHere: Bool {
        owner.load(ordering: .relaxed) == Token.currentThread
    }

    /// Waits for the token; the calling thread does not have it.
    func acquire() {
        assert(!isHeldHere)
        lock.lock()
        if !state.pointee.isHeld {
            state.pointee.isHeld = true
            lock.unlock()
        } else {
            let waiter = Waiter()
            let isFirst = state.pointee.firstWaiter == nil
            if let last = state.pointee.lastWaiter {
                last.next = waiter
            } else {
                state.pointee.firstWaiter = waiter
            }
            state.pointee.lastWaiter = waiter
            lock.unlock()
            // The token is handed over, never let go of in between.
            waiter.parker.park(spins: isFirst ? callerSpins : 0)
        }
        owner.store(Token.currentThread, ordering: .relaxed)
    }

    func release(run: (WorkItem) -> Void) {
        while true {
            assert(isHeldHere)
            owner.store(0, ordering: .relaxed)
            lock.lock()
            let successor = chooseSuccessor()
            lock.unlock()
            switch successor {
            case .nobody: return
            case .caller(let waiter): return waiter.parker.unpark()
            case .runner: return runnerParker.unpark()
            case .oneself:
                owner.store(Token.currentThread, ordering: .relaxed)
                workOff(run: run)
            }
        }
    }

    /// Appends an item and sees that somebody runs it.
    func push(_ item: WorkItem, run: (WorkItem) -> Void) {
        lock.lock()
        state.pointee.queue.push(item)
        guard !state.pointee.isHeld else { return lock.unlock() }
        state.pointee.isHeld = true
        if state.pointee.hasRunner {
            state.pointee.isGrantedToRunner = true
            lock.unlock()
            runnerParker.unpark()
        } else {
            lock.unlock()
            owner.store(Token.currentThread, ordering: .relaxed)
            release(run: run)
        }
    }

    /// Called with the lock held, by who gives the token up.
    private func chooseSuccessor() -> Successor {
        let hasWork = !state.pointee.queue.isEmpty
        if let waiter = state.pointee.firstWaiter, !hasWork || state.pointee.isCallersTurn {
            state.pointee.firstWaiter = waiter.next
            if waiter.next == nil { state.pointee.lastWaiter = nil }
            state.pointee.isCallersTurn = false
            return .caller(waiter)
        }
        if hasWork {
            state.pointee.isCallersTurn = true
            guard state.pointee.hasRunner else { return .oneself }
            state.pointee.isGrantedToRunner = true
            return .runner
        }
        state.pointee.isHeld = false
        return .nobody
    }

    /// Runs items until none is left, or enough were run while callers wait.
    private func workOff(run: (WorkItem) -> Void) {
        var done = 0
        while true {
            lock.lock()
            if done >= Token.batchCount, state.pointee.firstWaiter != nil {
                lock.unlock()
                return
            }
            let item = state.pointee.queue.pop()
            lock.unlock()
            guard let item else { return }
            run(item)
            done += 1
        }
    }

    // MARK: - The runner

    /// Announces that a runner will come, so that work is left to it.
    func expectRunner() { lock.withLock { state.pointee.hasRunner = true } }

    func refuseRunner() { lock.withLock { state.pointee.hasRunner = false } }

    /// The runner's life: waits for its turn, works the queue off, hands over. Ends after `stop`
    /// when the queue is empty.
    /// - Parameter rest: how to wait for the next turn before sleeping.
    func runLoop(rest: (Parker) -> Void, run: (WorkItem) -> Void) {
        while true {
            lock.lock()
            let isGranted = state.pointee.isGrantedToRunner
            state.pointee.isGrantedToRunner = false
            if !isGranted, state.pointee.isStopping {
                // Under the same lock as the decision whom to give the token: later work finds
                // no runner and is done by who brings it. A caller may hold the token and items
                // wait: it will run them when it lets go.
                state.pointee.hasRunner = false
                return lock.unlock()
            }
            lock.unlock()
            if isGranted {
                owner.store(Token.currentThread, ordering: .relaxed)
                workOff(run: run)
                release(run: run)
            } else {
                rest(runnerParker)
                runnerParker.park()
            }
        }
    }

    func stop() {
        lock.withLock { state.pointee.isStopping = true }
        runnerParker.unpark()
    }
}
