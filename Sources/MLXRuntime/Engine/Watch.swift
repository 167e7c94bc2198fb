/// Asks now and then, on behalf of a blocked caller, whether its values are still wanted.
/// Used by the caller's thread only.
final class Watch {
    /// How long a thread sleeps before it asks again, and how seldom it asks while it works.
    let nanoseconds = 20_000_000
    private let isUnwanted: () -> Bool
    private let clock: any EngineClock
    private var last: UInt64
    /// Whether the values have been found to be unwanted.
    private(set) var isOver = false

    init(_ isUnwanted: @escaping () -> Bool, _ clock: any EngineClock) {
        self.isUnwanted = isUnwanted
        self.clock = clock
        last = clock.nanoseconds()
    }

    /// - Returns: false from the first time on that the values are not wanted.
    func goesOn() -> Bool {
        if !isOver && clock.elapsed(since: last) >= UInt64(nanoseconds) {
            last = clock.nanoseconds()
            isOver = isUnwanted()
        }
        return !isOver
    }
}
