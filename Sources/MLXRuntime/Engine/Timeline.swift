import Synchronization

/// How far a stream has come: one number that only grows, by one for each completed step. A
/// dependency is a stream and a number. Written by the stream's device, read by everybody.
package final class Timeline: Sendable {
    private let completed = Atomic<UInt64>(0)
    /// What has been promised so far: the value after everything submitted has run.
    private let promised = Atomic<UInt64>(0)

    package init() {}

    package var value: UInt64 { completed.load(ordering: .acquiring) }
    package var end: UInt64 { promised.load(ordering: .acquiring) }

    /// Sets aside `count` values for a command list. Called by the scheduler only.
    func reserve(_ count: Int) -> UInt64 {
        promised.wrappingAdd(UInt64(count), ordering: .acquiringAndReleasing).oldValue
    }

    /// Called by the stream's device only.
    @inline(__always) func advance(to value: UInt64) {
        completed.store(value, ordering: .releasing)
    }
}
