import Glibc
import Synchronization

/// What a process does about `fork`. The child has the forking thread only: a lock that another
/// thread held stays locked in it for ever. So those who own locks that a child will want hold
/// them across the fork, and those who own threads make new ones when they are asked next.
package enum ForkSafety {
    /// What is done about one lock, or about threads, when the process forks.
    package struct Handlers: Sendable {
        /// Takes the lock without waiting for it; false when it cannot.
        package var hold: @Sendable () -> Bool
        /// Lets it go, in the parent and in the child.
        package var letGo: @Sendable () -> Void
        /// In the child, when all locks are open again.
        package var inChild: @Sendable () -> Void

        package init(
            hold: @escaping @Sendable () -> Bool = { true },
            letGo: @escaping @Sendable () -> Void = {},
            inChild: @escaping @Sendable () -> Void = {}
        ) {
            self.hold = hold
            self.letGo = letGo
            self.inChild = inChild
        }
    }

    private struct State {
        var handlers: [Int: [Handlers]] = [:]
        var next = 0
        var held: [Handlers] = []
    }

    // A mutex that is held from before the fork until after it, in parent and child.
    nonisolated(unsafe) private static let mutex = {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        pthread_atfork(
            { ForkSafety.prepare() }, { ForkSafety.finish(inChild: false) },
            { ForkSafety.finish(inChild: true) })
        return mutex
    }()
    nonisolated(unsafe) private static var state = State()

    /// A thread that forks while it holds one of the locks itself would wait for ever: after so
    /// many rounds the fork goes on without them.
    private static let mostRounds = 20_000

    /// Adds an owner of locks or threads. A fork holds the locks of all owners, or, while one of
    /// them is taken, none.
    /// - Returns: a number to remove it by.
    @discardableResult package static func add(_ handlers: [Handlers]) -> Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        state.next += 1
        state.handlers[state.next] = handlers
        return state.next
    }

    /// Removes an owner.
    package static func remove(_ number: Int) {
        pthread_mutex_lock(mutex)
        let removed = state.handlers.removeValue(forKey: number)
        pthread_mutex_unlock(mutex)
        _ = removed
    }

    /// In the order of registration, which is that of the layers. Called with the mutex.
    private static var registered: [Handlers] {
        state.handlers.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    private static func prepare() {
        pthread_mutex_lock(mutex)
        let all = registered
        state.held.reserveCapacity(all.count)
        for _ in 0..<mostRounds {
            // All or none: who waits for one with others in hand could close a circle.
            for handlers in all {
                guard handlers.hold() else { break }
                state.held.append(handlers)
            }
            if state.held.count == all.count { return }
            for handlers in state.held.reversed() { handlers.letGo() }
            state.held.removeAll(keepingCapacity: true)
            sched_yield()
        }
    }

    private static func finish(inChild: Bool) {
        for handlers in state.held.reversed() { handlers.letGo() }
        state.held.removeAll()
        let all = inChild ? registered : []
        pthread_mutex_unlock(mutex)
        for handlers in all { handlers.inChild() }
    }
}
