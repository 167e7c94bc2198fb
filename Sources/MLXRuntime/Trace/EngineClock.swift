import CMLXKernels
import Glibc

/// The only source of time in the runtime. The simulator's clock is virtual.
package protocol EngineClock: Sendable {
    /// Nanoseconds since some fixed moment. A thread that moves to another core may read a moment
    /// that lies a little before one it read earlier: ask `elapsed(since:)` for differences.
    func nanoseconds() -> UInt64
}

extension EngineClock {
    /// The nanoseconds since a moment read earlier, 0 if the clock says it has not come yet.
    @inline(__always) package func elapsed(since earlier: UInt64) -> UInt64 {
        let now = nanoseconds()
        return now > earlier ? now - earlier : 0
    }
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

/// The processor's cycle counter in nanoseconds: a third of the price of the system's clock, for
/// two readings around every traced step. The rate is measured once, over two milliseconds, so
/// times drift from the system's by some parts in 100,000.
package struct CycleClock: EngineClock {
    private let start: UInt64
    private let origin: UInt64
    /// Nanoseconds per cycle, times 2^32.
    private let scale: UInt64

    /// nil where the counter's rate changes or differs between cores.
    package init?() {
        guard mlx_has_steady_cycles() != 0 else { return nil }
        let clock = MonotonicClock()
        let (time, cycles) = (clock.nanoseconds(), mlx_cycles())
        while clock.nanoseconds() - time < 2_000_000 {}
        let (laterTime, laterCycles) = (clock.nanoseconds(), mlx_cycles())
        guard laterCycles > cycles else { return nil }
        scale = ((laterTime - time) << 32) / (laterCycles - cycles)
        start = cycles
        origin = time
    }

    package func nanoseconds() -> UInt64 {
        let elapsed = mlx_cycles() &- start
        let product = elapsed.multipliedFullWidth(by: scale)
        return origin &+ (product.high << 32 | product.low >> 32)
    }

    /// The cheapest clock that the machine allows.
    package static let best: any EngineClock = CycleClock() ?? MonotonicClock()
}
