import Glibc

/// The only source of time in the runtime. The simulator's clock is virtual.
package protocol EngineClock: Sendable {
    /// Nanoseconds since some fixed moment; never runs backwards.
    func nanoseconds() -> UInt64
}

/// The system's monotonic clock, read without entering the kernel.
package struct MonotonicClock: EngineClock {
    package init() {}
    package func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
