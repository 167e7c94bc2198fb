import CMLXKernels

/// Marks the stretches of a thread's stack that are the engine's own: planning, running and
/// publishing. Code of the user's that runs there (a finaliser, a trace) must not evaluate: it
/// would enter an actor in the middle of a method. The mark is never held across a suspension.
enum EngineStack {
    static func mark<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        enter()
        defer { leave() }
        return try body()
    }

    @inline(__always) static func enter() { mlx_thread().pointee.engineDepth += 1 }
    @inline(__always) static func leave() { mlx_thread().pointee.engineDepth -= 1 }
    @inline(__always) static var isEntered: Bool { mlx_thread().pointee.engineDepth > 0 }
}
