import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import SimulationSupport
import Synchronization
import Testing

@testable import MLXRuntime

/// Blocked callers that are asked whether they still want their values, and errors of evaluations
/// that nobody waits for.
@Suite("Watched evaluations") struct WatchTests {
    /// An engine whose plans of more than a few steps are wide, whatever they compute.
    private func wideEngine() -> Engine {
        var configuration = Engine.Configuration(topology: .system())
        for device in configuration.costs.rates.indices {
            configuration.costs.rates[device].startNanoseconds = Plan.narrowNanoseconds
        }
        return Engine(configuration)
    }

    /// Powers of the unit matrix: many steps, each of some time.
    private func powers(_ count: Int, _ size: Int, _ engine: Engine) throws -> MLXArray {
        let unit = try Dense(shape: [size, size]) { $0[0] == $0[1] ? 1 : 0 }
            .array(from: engine.allocators[0])
        var y = unit
        for _ in 0..<count { y = Ops.matmul(y, unit) }
        return y
    }

    @Test("an unwanted evaluation stops between steps, is asked about once, and can be had again")
    func unwanted() async throws {
        try await withTimeout {
            let engine = wideEngine()
            defer { engine.shutdown() }
            let y = try powers(4000, 160, engine)
            var asked = 0
            #expect(throws: CancellationError.self) {
                try engine.evaluateBlocking(.init(roots: [y])) {
                    asked += 1
                    return true
                }
            }
            #expect(asked == 1)
            #expect(y.value == nil)
            let z = try powers(3, 160, engine)
            try engine.evaluateBlocking(.init(roots: [z, y])) { false }
            let value = try #require(y.value)
            #expect(value.pointer.load(as: Float.self) == 1)
        }
    }

    @Test("who waits for another's run leaves it to the other")
    func another() async throws {
        try await withTimeout {
            let engine = wideEngine()
            defer { engine.shutdown() }
            let y = try powers(4000, 160, engine)
            let request = Scheduler.Request(roots: [y])
            nonisolated(unsafe) let shared = request
            let first = plainThread { try? engine.evaluateBlocking(shared) }
            var outcome: (any Error)?
            do { try engine.evaluateBlocking(request) { true } } catch { outcome = error }
            first.join()
            // Either it met the run and left it, or the other met its own, which it stopped, and
            // computed the values anew, or all was over before it was asked.
            #expect(outcome == nil || outcome is CancellationError)
            try engine.evaluateBlocking(request)
            #expect(y.value != nil)
        }
    }

    @Test("who goes away leaves its turn, and what is in the background goes on")
    func background() async throws {
        try await withTimeout(seconds: 300) {
            let engine = wideEngine()
            defer { engine.shutdown() }
            for _ in 0..<6 {
                let y = try powers(1200, 160, engine)
                engine.evaluateInBackground(.init(roots: [y]))
                do {
                    try engine.evaluateBlocking(.init(roots: [y])) { true }
                } catch {
                    #expect(error is CancellationError)
                }
                engine.synchronize()
                #expect(y.value != nil)
            }
        }
    }

    @Test("errors in the background are kept until somebody asks for them")
    func errors() async throws {
        try await withTimeout {
            let engine = makeEngine()
            defer { engine.shutdown() }
            let negative = try Dense(shape: [3, 3]) { $0[0] == $0[1] ? -1 : 0 }
                .array(from: engine.allocators[0])
            let broken = Ops.record(.cholesky, [negative], Attributes(word: 0))
            engine.evaluateInBackground(.init(roots: [broken]))
            engine.synchronize()
            let error = try #require(engine.takeBackgroundError() as? ArrayError)
            #expect(error.operation == "cholesky")
            #expect(engine.takeBackgroundError() == nil)
            engine.evaluateInBackground(.init(roots: [Ops.binary(.add, constant(1), constant(2))]))
            engine.synchronize()
            #expect(engine.takeBackgroundError() == nil)
        }
    }

    @Test("a thread that sleeps for a time wakes without a permit, and loses none")
    func parker() {
        let parker = Parker()
        let clock = MonotonicClock()
        let begin = clock.nanoseconds()
        parker.park(nanoseconds: 2_000_000)
        #expect(clock.nanoseconds() - begin >= 1_000_000)
        #expect(!parker.hasPermit)
        for nanoseconds in [0, 1000, 100_000, 10_000_000_000] {
            for _ in 0..<50 {
                let thread = plainThread { parker.unpark() }
                parker.park(nanoseconds: nanoseconds)
                thread.join()
                // The permit was taken by then, or is there still.
                _ = parker.tryTake()
                parker.unpark()
                #expect(parker.tryTake())
                #expect(!parker.hasPermit)
            }
        }
        #expect(clock.nanoseconds() - begin < 10_000_000_000)
    }
}
