import CMLXKernels
import Glibc
import MLXMemory
import Synchronization

/// The threads that a team's fan-outs spread over, besides the caller. One fan-out runs at a
/// time; its chunks are claimed one by one with compare-and-swap, so a worker that comes late,
/// or never, costs nothing. Workers look for work without yielding during a turn and for
/// half a millisecond after, then sleep; they sleep at once when they keep being preempted.
/// Invariant: the body is read only by who has claimed a chunk, and the caller does not return
/// before every claimed chunk is finished.
final class Workers: @unchecked Sendable {
    // SAFETY: the body and the fields of whoever has the turn are written by its thread only, the
    // body while no chunk can be claimed; publication is the release store of the claim word, and
    // a successful claim acquires it. Turns follow each other through `owner`. All else is atomic
    // or constant.

    /// Chunk count in the upper half, next unclaimed chunk in the lower; beside it, so that one
    /// transfer between cores brings both, the body.
    private let claims = SpacedAtomic()
    /// Chunks that workers have finished, ever: never reset, so never fought over.
    private let finished = SpacedAtomic()
    /// The thread words of whoever has the turn, as a number; 0 between turns.
    private let owner = Atomic<UInt>(0)
    private let isStopping = Atomic<Bool>(false)
    private let sleeperCount = Atomic<Int>(0)
    private let sleepers: [Sleeper]
    private var threads: [SystemThread] = []
    private let clock: any EngineClock
    private let spinNanoseconds: UInt64

    // Of whoever has the turn.
    private var isRunning = false
    private var finishedBefore: UInt64 = 0
    private var wakesLeft = 0
    /// Least estimated work for which a sleeping worker is woken.
    private let wakeThreshold: Atomic<Int>
    var wakeThresholdNanoseconds: Int {
        get { wakeThreshold.load(ordering: .relaxed) }
        set { wakeThreshold.store(newValue, ordering: .relaxed) }
    }

    /// What a fan-out calls. Workers reach it through a plain word and a constant field: no
    /// reference is counted on the way, which would cost more than the rest of a claim.
    private final class Body {
        let call: (Int) -> Void
        init(_ call: @escaping (Int) -> Void) { self.call = call }
    }

    private final class Sleeper: Sendable {
        let parker = Parker()
        let isAsleep = Atomic<Bool>(false)
    }

    /// How long workers look for work after a turn: the shortest time tried that bridged a gap
    /// of 200 us between turns.
    static let spinNanoseconds: UInt64 = 500_000
    private static let largestChunkCount = Int(UInt32.max)

    init(
        count: Int, name: String, cpus: [Int], system: any SystemThreads,
        clock: any EngineClock, spins: Bool, wakeThresholdNanoseconds: Int
    ) {
        self.clock = clock
        spinNanoseconds = spins ? Workers.spinNanoseconds : 0
        wakeThreshold = Atomic(wakeThresholdNanoseconds)
        sleepers = (0..<count).map { _ in Sleeper() }
        for (index, sleeper) in sleepers.enumerated() {
            let threadName = "\(name).\(index + 1)"
            let thread = system.start(name: threadName) { [self] in
                system.pinCurrentThread(name: threadName, cpus: cpus)
                live(sleeper)
            }
            // Where one thread was refused the next one will be too.
            guard let thread else { break }
            threads.append(thread)
        }
    }

    var sleepingCount: Int { sleeperCount.load(ordering: .relaxed) }

    /// How many threads were started.
    var count: Int { threads.count }

    /// Ends the threads. Called once, and not from a worker.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        for sleeper in sleepers { sleeper.parker.unpark() }
        for thread in threads { thread.join() }
    }

    // MARK: - Whoever has the turn

    @inline(__always) private static var currentThread: UInt { UInt(bitPattern: mlx_thread()) }

    /// Whether the calling thread has the turn.
    @inline(__always) var isTurnHere: Bool {
        owner.load(ordering: .relaxed) == Workers.currentThread
    }

    func beginTurn() {
        // Acquires what the turn before wrote.
        let before = owner.exchange(Workers.currentThread, ordering: .acquiring)
        precondition(before == 0, "two turns of one team at once")
        wakesLeft = threads.count
    }

    func endTurn() {
        assert(isTurnHere && !isRunning)
        owner.store(0, ordering: .releasing)
    }

    func run(chunks: Int, nanoseconds: Int, _ work: (Int) -> Void) {
        guard chunks > 1, chunks <= Workers.largestChunkCount, !threads.isEmpty, !isRunning
        else {
            for chunk in 0..<max(0, chunks) { work(chunk) }
            return
        }
        isRunning = true
        withoutActuallyEscaping(work) { work in
            let body = Body(work)
            claims.neighbour.pointee = Unmanaged.passUnretained(body).toOpaque()
            // Chunk 0 is the caller's: one claim less.
            claims.cell.pointee.store(UInt64(chunks) << 32 | 1, ordering: .releasing)
            if nanoseconds >= wakeThresholdNanoseconds { wakeSomebody() }
            work(0)
            var own = 1
            while let chunk = claim() {
                work(chunk)
                own += 1
            }
            if own < chunks { awaitOthers(UInt64(chunks - own)) }
            withExtendedLifetime(body) {}
        }
        isRunning = false
    }

    private func wakeSomebody() {
        guard sleeperCount.load(ordering: .relaxed) > 0 else { return }
        guard wakesLeft > 0 else { return }
        wakesLeft -= 1
        wakeOne()
    }

    /// Waits for the chunks that others claimed.
    @inline(__always) private func awaitOthers(_ count: UInt64) {
        finishedBefore &+= count
        var spins = 0
        while finished.cell.pointee.load(ordering: .acquiring) != finishedBefore {
            spins += 1
            if spins > 16 { mlx_pause() }
            // A worker that was preempted in the middle of a chunk needs a core, maybe this one.
            if spins > 4_000 { sched_yield() }
        }
    }

    // MARK: - Anybody

    @inline(__always) private var hasWork: Bool {
        let word = claims.cell.pointee.load(ordering: .relaxed)
        return word & 0xffff_ffff < word >> 32
    }

    /// Claims the next chunk. The word alone decides, so a claim made on a word that came back
    /// after a while is as good as any.
    @inline(__always) private func claim() -> Int? {
        var word = claims.cell.pointee.load(ordering: .relaxed)
        while word & 0xffff_ffff < word >> 32 {
            let (isOurs, now) = claims.cell.pointee.compareExchange(
                expected: word, desired: word + 1, successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed)
            if isOurs { return Int(word & 0xffff_ffff) }
            word = now
        }
        return nil
    }

    private func wakeOne() {
        for sleeper in sleepers {
            if sleeper.isAsleep.load(ordering: .relaxed),
                sleeper.isAsleep.exchange(false, ordering: .relaxed)
            {
                return sleeper.parker.unpark()
            }
        }
    }

    // MARK: - A worker

    private func live(_ sleeper: Sleeper) {
        while !isStopping.load(ordering: .acquiring) {
            if workOff() { continue }
            if lookForWork() { continue }
            sleeper.isAsleep.store(true, ordering: .relaxed)
            sleeperCount.wrappingAdd(1, ordering: .relaxed)
            sleeper.parker.park()
            sleeperCount.wrappingSubtract(1, ordering: .relaxed)
            sleeper.isAsleep.store(false, ordering: .relaxed)
            // One wakes the next: the caller pays for one wake only.
            if hasWork, sleeperCount.load(ordering: .relaxed) > 0 { wakeOne() }
        }
    }

    /// - Returns: true when there was something to do.
    @inline(__always) private func workOff() -> Bool {
        guard let first = claim() else { return false }
        finished.cell.pointee.wrappingAdd(workOff(from: first), ordering: .releasing)
        return true
    }

    /// Runs a claimed chunk and all that can be claimed after it. A function of its own, so that
    /// no reference to the body is left when it returns: the caller's closure must not be held
    /// by anybody once the chunks count as finished.
    /// - Returns: how many chunks were run.
    @inline(never) private func workOff(from first: Int) -> UInt64 {
        // SAFETY: the caller keeps the body until the claimed chunks are counted as finished.
        let body = Unmanaged<Body>.fromOpaque(claims.neighbour.pointee.unsafelyUnwrapped)
        return body._withUnsafeGuaranteedRef { body in
            body.call(first)
            var done: UInt64 = 1
            while let chunk = claim() {
                body.call(chunk)
                done += 1
            }
            return done
        }
    }

    /// - Returns: false when it is time to sleep.
    private func lookForWork() -> Bool {
        var watch = SpinWatch(nanoseconds: spinNanoseconds)
        while true {
            for _ in 0..<64 {
                if hasWork { return true }
                mlx_pause()
            }
            if isStopping.load(ordering: .relaxed) { return true }
            let stays = owner.load(ordering: .relaxed) != 0
            if !watch.maySpin(clock: clock, restart: stays) { return false }
        }
    }
}

/// An atomic word, and a plain one beside it, on cache lines of their own: two, because cores
/// fetch lines in pairs.
final class SpacedAtomic: Sendable {
    nonisolated(unsafe) let cell: UnsafeMutablePointer<Atomic<UInt64>>
    // SAFETY: whoever uses the neighbour orders the accesses through the atomic word.
    nonisolated(unsafe) let neighbour: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    nonisolated(unsafe) private let memory: UnsafeMutableRawPointer

    init() {
        memory = .allocate(byteCount: 256, alignment: 128)
        cell = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
        cell.initialize(to: Atomic(0))
        neighbour = (memory + 8).bindMemory(to: UnsafeMutableRawPointer?.self, capacity: 1)
        neighbour.initialize(to: nil)
    }

    deinit {
        cell.deinitialize(count: 1)
        memory.deallocate()
    }
}
