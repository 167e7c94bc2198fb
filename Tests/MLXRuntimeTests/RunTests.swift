import Glibc
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import SimulationSupport
import Synchronization
import Testing

@testable import MLXRuntime

/// Runs beside each other: narrow ones wait for nobody, wide ones take turns, what one computes
/// is not computed twice, books add up.
@Suite("Runs") struct RunTests {
    /// An engine whose plans of more than a few steps are wide, whatever they compute.
    private func wideEngine(_ topology: Topology = .system()) -> Engine {
        var configuration = Engine.Configuration(topology: topology)
        for device in configuration.costs.rates.indices {
            configuration.costs.rates[device].startNanoseconds = Plan.narrowNanoseconds
        }
        return Engine(configuration)
    }

    private func chain(_ count: Int, from x: MLXArray, _ stream: StreamID = .unpinned) -> MLXArray {
        var y = x
        for _ in 0..<count {
            y = Ops.matmul(y, x, stream: stream)
        }
        return y
    }

    private func matrix(_ size: Int, _ engine: Engine) throws -> MLXArray {
        try Dense(shape: [size, size]) { $0[0] == $0[1] ? 1 : 0 }
            .array(from: engine.allocators[0])
    }

    @Test("small evaluations are narrow, large ones wide, and both are counted")
    func kinds() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let small = Ops.binary(.add, constant(1), constant(2))
        try engine.evaluateBlocking(.init(roots: [small]))
        var counts = engine.statistics.evaluations
        #expect(counts.narrowRuns == 1 && counts.wideRuns == 0)
        let large = chain(2, from: try matrix(600, engine))
        try engine.evaluateBlocking(.init(roots: [large]))
        counts = engine.statistics.evaluations
        #expect(counts.narrowRuns == 1 && counts.wideRuns == 1)
        #expect(engine.statistics.turns > 0)
        try engine.evaluateBlocking(.init(roots: [small, large]))
        #expect(engine.statistics.evaluations.narrowRuns == 1)
    }

    @Test("a narrow evaluation ends while wide ones go on")
    func besides() async throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let x = try matrix(500, engine)
        let isOver = Tally()
        let finished = Tally()
        try await withTimeout {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        // Without end, until the small ones are through: they must not wait.
                        while isOver.value == 0 {
                            try await engine.evaluate(.init(roots: [chain(3, from: x)]))
                        }
                    }
                }
                group.addTask {
                    for number in 0..<200 {
                        let y = Ops.binary(.add, constant(Float(number)), constant(1))
                        if number % 2 == 0 {
                            try engine.evaluateBlocking(.init(roots: [y]))
                        } else {
                            try await engine.evaluate(.init(roots: [y]))
                        }
                        finished.add(1)
                    }
                    isOver.add(1)
                }
                try await group.waitForAll()
            }
        }
        #expect(finished.value == 200)
    }

    @Test("what one evaluation computes another waits for")
    func once() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = wideEngine(topology)
            defer { engine.shutdown() }
            let x = try matrix(64, engine)
            let y = chain(6, from: x)
            let before = steps(engine)
            engine.evaluateInBackground(.init(roots: [y]))
            await withTimeout {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<10 {
                        group.addTask {
                            if number % 2 == 0 {
                                try? await engine.evaluate(.init(roots: [y]))
                            } else {
                                try? engine.evaluateBlocking(.init(roots: [y]))
                            }
                        }
                    }
                }
            }
            engine.synchronize()
            #expect(steps(engine) - before == 6)
            #expect(Dense(try #require(y.value)) == Dense(try #require(x.value)))
        }
    }

    private func steps(_ engine: Engine) -> UInt64 {
        DeviceKind.allCases.reduce(0) { $0 + engine.counters(of: $1).stepCount }
    }

    @Test("a failed evaluation leaves its array to the next")
    func failureIsNotKept() async throws {
        let engine = wideEngine()
        defer { engine.shutdown() }
        let y = chain(4, from: try matrix(16, engine))
        engine.allocators[0].failNext(1)
        engine.allocators[1].failNext(1)
        #expect(throws: ArrayError.self) { try engine.evaluateBlocking(.init(roots: [y])) }
        engine.allocators[0].failNext(0)
        engine.allocators[1].failNext(0)
        try await engine.evaluate(.init(roots: [y]))
        #expect(y.value != nil)
    }

    @Test("runs on one stream of the user's come in the order they were started")
    func streamOrder() async throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        engine.trace.setOn(true)
        let stream = StreamID(.gpu, lane: 7)
        let x = try matrix(8, engine)
        var roots: [MLXArray] = []
        // The number of products in a run tells the runs apart.
        for number in 0..<100 {
            let root = chain(1 + number % 5, from: x, stream)
            engine.evaluateInBackground(.init(roots: [root]))
            roots.append(root)
        }
        engine.synchronize()
        #expect(roots.allSatisfy { $0.value != nil })
        let events = engine.trace.events.filter { $0.kind == .step && $0.stream == 7 }
        #expect(events.count == (0..<100).reduce(0) { $0 + 1 + $1 % 5 })
        for (earlier, later) in zip(events, events.dropFirst()) {
            #expect(earlier.end <= later.begin)
        }
    }

    @Test("the devices' books add up to the plans' steps, under 16 tasks")
    func books() async throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let x = try matrix(24, engine)
        let large = try matrix(300, engine)
        let expected = Tally()
        try await withTimeout {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<16 {
                    group.addTask {
                        for round in 0..<20 {
                            let count = 1 + (task + round) % 4
                            let y = chain(count, from: round % 5 == 0 ? large : x)
                            try await engine.evaluate(.init(roots: [y]))
                            expected.add(count)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        #expect(steps(engine) == UInt64(expected.value))
        let lists = DeviceKind.allCases.reduce(0) { $0 + engine.counters(of: $1).listCount }
        #expect(lists == 16 * 20)
        #expect(engine.openListCount == 0)
    }

    @Test("wide runs of low priority go on beside endless urgent ones")
    func shares() async throws {
        let engine = wideEngine()
        defer { engine.shutdown() }
        let x = try matrix(200, engine)
        let isOver = Tally()
        let urgent = Tally()
        try await withTimeout {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        while isOver.value == 0 {
                            try await engine.evaluate(
                                .init(roots: [chain(2, from: x)], priority: .high))
                            urgent.add(1)
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<20 {
                        try await engine.evaluate(
                            .init(roots: [chain(2, from: x)], priority: .low))
                    }
                    isOver.add(1)
                }
                try await group.waitForAll()
            }
        }
        #expect(urgent.value > 0)
    }

    @Test("plans are let go of by bytes, and found again")
    func eviction() throws {
        let table = PlanTable(maximumBytes: 16 << 16, maximumPlans: 1 << 20)
        let x = Ops.full(try Shape(validating: [2]), 1, .float32)
        func plan(_ length: Int) throws -> (Plan, MLXArray) {
            var y = x
            for _ in 0..<length { y = Ops.unary(.negative, y) }
            let graph = Subgraph(roots: [y.handle])
            let key = PlanKey(graph, context: 0)
            return (table.add(try Planner().plan(graph, key), key), y)
        }
        for length in 1..<200 { _ = try plan(length) }
        table.checkInvariants()
        #expect(table.byteCount <= 16 << 16)
        #expect(table.count > 0 && table.missCount == 199)
        let (last, array) = try plan(199)
        let graph = Subgraph(roots: [array.handle])
        #expect(table.find(PlanKey(graph, context: 0)) === last)
        table.forgetAll()
        #expect(table.count == 0 && table.find(PlanKey(graph, context: 0)) == nil)
    }
}
