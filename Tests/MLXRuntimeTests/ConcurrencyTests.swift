import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import SimulationSupport
import Testing

@testable import MLXRuntime

/// Evaluations from everywhere at once: tasks of the global pool, of the team, of the main actor,
/// plain threads; on shared and on split devices. Meant to be run under the thread sanitizer too.
@Suite("Concurrency") struct ConcurrencyTests {
    @Test("blocking evaluations in more tasks than threads, on the team and on the main actor")
    func everywhere() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            let done = Tally()
            await withTimeout {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<64 {
                        group.addTask { done.add(evaluations(20, Float(number), on: engine)) }
                    }
                    for team in engine.teams {
                        group.addTask(executorPreference: team) {
                            done.add(evaluations(20, 3, on: engine))
                        }
                    }
                    group.addTask { @MainActor in done.add(evaluations(20, 5, on: engine)) }
                }
            }
            #expect(done.value == 20 * (65 + engine.teams.count))
        }
    }

    @Test("eight tasks, 10,000 evaluations over shared arrays") func sharedArrays() async throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let x = try Dense(shape: [64], values: .init(repeating: 2, count: 64))
            .array(from: engine.allocators[0])
        let y = Ops.binary(.multiply, x, constant(3))
        let wrong = Tally()
        await withTimeout() {
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        for round in 0..<1250 {
                            let factor = Float(number + round % 5)
                            let z = Ops.binary(.add, y, constant(factor))
                            do {
                                if round % 2 == 0 {
                                    try engine.evaluateBlocking(.init(roots: [z]))
                                } else {
                                    try await engine.evaluate(.init(roots: [z]))
                                }
                            } catch { wrong.add(1) }
                            let expected = Dense(shape: [64]) { _ in 6 + factor }
                            if Tracked(z, expected).difference != nil { wrong.add(1) }
                        }
                    }
                }
            }
        }
        #expect(wrong.value == 0)
    }

    @Test("readers and in-place updates of one array", arguments: [32, 4096])
    func inPlace(count: Int) async throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let x = try Dense(shape: [count], values: .init(repeating: 1, count: count))
            .array(from: engine.allocators[0])
        let torn = Tally()
        await withTimeout {
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        for round in 0..<200 {
                            if (number + round) % 3 == 0 {
                                x.replace(with: Ops.binary(.add, x, constant(1)))
                                try? engine.evaluateBlocking(.init(roots: [x]))
                            }
                            let y = Ops.binary(.multiply, x, constant(2))
                            try? engine.evaluateBlocking(.init(roots: [y]))
                            guard let value = y.value.map({ Dense($0) }),
                                value.values.allSatisfy({ $0 == value.values[0] })
                            else {
                                torn.add(1)
                                continue
                            }
                        }
                    }
                }
            }
        }
        #expect(torn.value == 0)
    }

    @Test("overlapping random graphs from several kinds of thread")
    func randomGraphs() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            var random = SplitMix64(seed: testSeed)
            let shared = try randomGraph(&random, on: engine, steps: 10)
            let faults = Locked<[String]>([])
            await withTimeout {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<6 {
                        var generator = shared
                        generator.random = random.split()
                        group.addTask { [generator] in
                            var generator = generator
                            for round in 0..<15 {
                                for _ in 0..<6 { generator.step() }
                                let wanted = generator.pool.suffix(3)
                                let request = Scheduler.Request(roots: wanted.map(\.array))
                                if round % 3 == 0 { engine.evaluateInBackground(request) }
                                do {
                                    if round % 2 == 0 {
                                        try await engine.evaluate(request)
                                    } else {
                                        try engine.evaluateBlocking(request)
                                    }
                                } catch { faults.withLock { $0.append("\(error)") } }
                                let differences = wanted.compactMap(\.difference)
                                faults.withLock { $0 += differences }
                            }
                        }
                    }
                }
            }
            #expect(faults.withLock { $0 } == [], replay(testSeed))
        }
    }

    @Test("plain threads evaluate, and wait for what was started before")
    func plainThreads() async {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            let done = Tally()
            await withTimeout {
                let threads = (0..<4).map { number in
                    plainThread {
                        done.add(evaluations(50, Float(number), on: engine))
                        let x = Ops.binary(.add, constant(1), constant(2))
                        engine.evaluateInBackground(.init(roots: [x]))
                        engine.synchronize()
                        if Tracked(x, Dense(shape: [], values: [3])).difference == nil {
                            done.add(1)
                        }
                    }
                }
                for thread in threads { thread.join() }
            }
            #expect(done.value == 4 * 51)
        }
    }

    @Test("a cancelled task stops, leaves nothing behind, and the next evaluation is right")
    func cancellation() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            await withTimeout {
                for round in 0..<40 {
                    var x = Ops.binary(.add, constant(0), constant(1))
                    for step in 0..<200 {
                        x = Ops.binary(
                            .add, x, constant(1),
                            stream: pinned(step % 8 < 4 ? .cpu : .gpu))
                    }
                    let root = x
                    let task = Task { try await engine.evaluate(.init(roots: [root])) }
                    if round % 2 == 0 { await Task.yield() }
                    task.cancel()
                    if case .failure(let error) = await task.result {
                        #expect(error is CancellationError)
                        #expect(x.value == nil)
                    }
                    #expect(throws: Never.self) {
                        try engine.evaluateBlocking(.init(roots: [x]))
                    }
                    #expect(Tracked(x, Dense(shape: [], values: [201])).difference == nil)
                }
            }
            #expect(engine.settles(at: 0))
        }
    }
}

/// Evaluates `count` small graphs, blocking.
/// - Returns: how many gave the right result.
private func evaluations(_ count: Int, _ number: Float, on engine: Engine) -> Int {
    var right = 0
    for round in 0..<count {
        let a = Ops.full(try! Shape(validating: [8, 8]), Double(number), .float32)
        let b = Ops.binary(.add, a, constant(Float(round)), stream: pinned(.cpu))
        let c = Ops.matmul(b, a, stream: pinned(.gpu))
        guard (try? engine.evaluateBlocking(.init(roots: [c]))) != nil else { continue }
        let expected = Dense(shape: [8, 8]) { _ in 8 * (number + Float(round)) * number }
        if Tracked(c, expected).difference == nil { right += 1 }
    }
    return right
}
