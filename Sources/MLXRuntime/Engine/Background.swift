import MLXBase

/// Evaluations that nobody waits for, so that `synchronize` can.
final class Background: Sendable {
    private let state = Locked(State())

    private struct State {
        var begun: UInt64 = 0
        var open: Set<UInt64> = []
        var waiters: [(last: UInt64, body: @Sendable () -> Void)] = []
        /// What failed first since somebody asked.
        var error: (any Error)?
    }

    /// - Returns: the number to end it by.
    func begin() -> UInt64 {
        state.withLock { state in
            state.begun += 1
            state.open.insert(state.begun)
            return state.begun
        }
    }

    /// - Parameter error: what it failed with.
    func end(_ number: UInt64, _ error: (any Error)? = nil) {
        let ready: [@Sendable () -> Void] = state.withLock { state in
            state.open.remove(number)
            if let error, state.error == nil { state.error = error }
            let oldest = state.open.min() ?? .max
            let ready = state.waiters.filter { $0.last < oldest }.map(\.body)
            state.waiters.removeAll { $0.last < oldest }
            return ready
        }
        for body in ready { body() }
    }

    /// The first error since the last call.
    func takeError() -> (any Error)? {
        state.withLock { state in
            defer { state.error = nil }
            return state.error
        }
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
