import Glibc

/// Decides how long a thread may burn its core for nothing: until its time is up, or until the
/// kernel has taken the core from it more than once, which says that more threads want to run
/// than there are cores. The first look costs nothing but the clock, so short waits stay cheap.
struct SpinWatch {
    /// One preemption is noise (a kernel thread, an interrupt); two in one wait are a pattern.
    private static let toleratedPreemptions = 1

    /// RUSAGE_THREAD, which the C library shows to GNU sources only.
    private static let callingThread: Int32 = 1

    private let nanoseconds: UInt64
    private var start: UInt64?
    private var preemptions = 0
    private var looks = 0

    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Called every few microseconds of waiting.
    /// - Parameter restart: true while there is a reason to wait on.
    mutating func maySpin(clock: any EngineClock, restart: Bool) -> Bool {
        guard nanoseconds > 0 else { return false }
        guard let since = start else {
            start = clock.nanoseconds()
            preemptions = SpinWatch.preemptionCount()
            return true
        }
        if restart {
            start = clock.nanoseconds()
        } else if clock.elapsed(since: since) > nanoseconds {
            return false
        }
        looks += 1
        // The count is a system call: look less often than at the clock.
        guard looks % 16 == 0 else { return true }
        return SpinWatch.preemptionCount() - preemptions <= SpinWatch.toleratedPreemptions
    }

    private static func preemptionCount() -> Int {
        var usage = rusage()
        guard getrusage(SpinWatch.callingThread, &usage) == 0 else { return 0 }
        return Int(usage.ru_nivcsw)
    }
}
