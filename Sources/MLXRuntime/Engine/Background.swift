import MLXMemory

/// Evaluations that nobody waits for, so that `synchronize` can.
final class Background: Sendable {
    private let state = Locked(State())

    private struct State {
        var begun: UInt64 = 0
        var open: Set<UInt64> = []
        var waiters: [(last: UInt64, body: @Sendable () -> Void)] = []
    }

    /// - Returns: the number to end it by.
    func begin() -> UInt64 {
        state.withLock { state in
            state.begun += 1
            state.open.insert(state.begun)
            return state.begun
        }
    }

    func end(_ number: UInt64) {
        let ready: [@Sendable () -> Void] = state.withLock { state in
            state.open.remove(number)
            let oldest = state.open.min() ?? .max
            let ready = state.waiters.filter { $0.last < oldest }.map(\.body)
            state.waiters.removeAll { $0.last < oldest }
            return ready
        }
        for body in ready { body() }
    }

    /// Calls `body` when all that has begun until now has ended.
    /// - Returns: true, without calling it, when that is so already.
    func whenAllEnded(_ body: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.open.isEmpty { return true }
            state.waiters.append((state.begun, body))
            return false
        }
    }
}
