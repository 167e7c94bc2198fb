import Glibc
import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import MLXTransforms
import SimulationSupport
import Synchronization
import Testing

@testable import MLXRuntime

/// What an engine does when something fails: memory, kernels, a finaliser that evaluates. The
/// error is typed, nothing is left behind, other arrays stay usable, the next try is right.
@Suite("Faults") struct FaultTests {
    /// A step of training: a product, its loss, and the derivative by the weights.
    private func training(_ engine: Engine) throws -> [Tracked] {
        let x = Dense(shape: [4, 3]) { Float($0[0] - $0[1]) }
        let w = Dense(shape: [3, 2]) { Float($0[0] + 2 * $0[1] - 1) }
        let allocator = engine.allocators[0]
        let (inputs, weights) = (try x.array(from: allocator), try w.array(from: allocator))
        let (outputs, gradients) = Gradient.vjp(
            { arguments in
                let y = Ops.matmul(inputs, arguments[0], stream: pinned(.cpu))
                let square = Ops.unary(.square, y, stream: pinned(.gpu))
                return [Ops.record(.sum, [square], Attributes(word: 0b11))]
            }, primals: [weights], wanted: [0], cotangents: { _ in [constant(1)] })
        let y = x.times(w)
        let loss = Dense(shape: [], values: [y.values.reduce(0) { $0 + $1 * $1 }])
        let slope = x.transposed([1, 0]).times(y.map { 2 * $0 })
        return [Tracked(outputs[0], loss), Tracked(gradients[0], slope)]
    }

    @Test("every allocation may fail, once or for a while", arguments: [1, 1000])
    func allocations(count: Int) throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            for device in 0..<3 {
                var passing = 0
                while passing < 50 {
                    let wanted = try training(engine)
                    let before = engine.liveBufferCount
                    engine.allocators[device].failNext(count, after: passing)
                    defer { engine.allocators[device].failNext(0) }
                    do {
                        try engine.evaluateBlocking(.init(roots: wanted.map(\.array)))
                        break
                    } catch let error as ArrayError {
                        #expect(error.kind == .memory)
                        #expect(wanted.allSatisfy { $0.array.value == nil })
                        #expect(engine.settles(at: before))
                    }
                    engine.allocators[device].failNext(0)
                    try engine.evaluateBlocking(.init(roots: wanted.map(\.array)))
                    for tracked in wanted { #expect(tracked.difference == nil) }
                    passing += 1
                }
                #expect(passing < 50, "the failures never ended")
            }
            #expect(engine.settles(at: 0))
        }
    }

    @Test("a kernel that fails in the middle of a plan leaves the other arrays usable")
    func kernels() throws {
        for topology in [Topology.system(), splitTopology()] {
            let breaker = Breaker()
            let engine = try interposed(topology, breaker)
            defer { engine.shutdown() }
            let x = try Dense(shape: [3, 3]) { Float($0[0] * 3 + $0[1]) }
                .array(from: engine.allocators[0])
            let good = Ops.binary(.add, x, constant(1), stream: pinned(.cpu))
            let bad = Ops.matmul(good, x, stream: pinned(.gpu))
            let after = Ops.binary(.add, bad, constant(1), stream: pinned(.cpu))
            breaker.isOn.store(true, ordering: .releasing)
            let error = #expect(throws: ArrayError.self) {
                try engine.evaluateBlocking(.init(roots: [after]))
            }
            #expect(error?.kind == .kernel)
            #expect(after.value == nil && bad.value == nil)
            let sums: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
            #expect(try values(good, on: engine) == sums)
            breaker.isOn.store(false, ordering: .releasing)
            // The first row of (x + 1) times the first column of x, and one.
            let expected: Float = 25
            #expect(try values(after, on: engine)[0] == expected)
        }
    }

    private func interposed(_ topology: Topology, _ breaker: any StepInterposer) throws -> Engine {
        let placement = topology.placement(deviceCount: 3)
        let system = LinuxSystem(topology: topology)
        let teams = placement.teams.enumerated().map { number, place in
            Team(
                name: "test-\(number)", cpus: place.cpus, threadCount: place.threadCount,
                system: system)
        }
        return Engine(
            Engine.Configuration(topology: topology), teams: teams, placement: placement,
            system: system, refusals: system.refusals, clock: MonotonicClock(),
            interposer: breaker)
    }

    @Test("what a lost device had left is moved, and finishes with the same values")
    func losses() throws {
        for topology in [Topology.system(), splitTopology()] {
            for isAsync in [false, true] {
                let loser = Loser()
                let engine = try interposed(topology, loser)
                defer { engine.shutdown() }
                loser.lose = { [weak engine] in engine?.lose(.gpu) }
                var (array, expected) = try chain(engine)
                try evaluate(array, engine, isAsync)
                #expect(Tracked(array, expected).difference == nil)
                #expect(loser.stepsAfter.load(ordering: .acquiring) == 0)
                #expect(engine.statistics.movedRuns == 1)
                // What was pinned to it runs elsewhere until it is back.
                let before = engine.counters(of: .gpu).stepCount
                (array, expected) = try chain(engine)
                try evaluate(array, engine, isAsync)
                #expect(Tracked(array, expected).difference == nil)
                #expect(engine.counters(of: .gpu).stepCount == before)
                engine.regain(.gpu)
                loser.isOver.store(true, ordering: .releasing)
                (array, expected) = try chain(engine)
                try evaluate(array, engine, isAsync)
                #expect(Tracked(array, expected).difference == nil)
                #expect(engine.counters(of: .gpu).stepCount > before)
                #expect(engine.statistics.movedRuns == 1)
            }
        }
    }

    @Test("with every device lost that could run it, an operation is a typed error")
    func allLost() throws {
        let engine = makeEngine(Topology.system())
        defer { engine.shutdown() }
        for kind in DeviceKind.general { engine.lose(kind) }
        let (array, expected) = try chain(engine)
        let error = #expect(throws: ArrayError.self) {
            try engine.evaluateBlocking(.init(roots: [array]))
        }
        #expect(error?.kind == .unsupported)
        engine.regain(.cpu)
        try engine.evaluateBlocking(.init(roots: [array]))
        #expect(Tracked(array, expected).difference == nil)
    }

    /// Sums and products in turn, pinned to the cpu and the gpu, dear enough to be a wide run.
    private func chain(_ engine: Engine) throws -> (MLXArray, Dense) {
        let start = Dense(shape: [200, 200]) { Float(($0[0] + 2 * $0[1]) % 3) }
        let eye = Dense(shape: [200, 200]) { $0[0] == $0[1] ? 1 : 0 }
        var array = try start.array(from: engine.allocators[0])
        let unit = try eye.array(from: engine.allocators[0])
        for _ in 0..<12 {
            array = Ops.binary(
                .add, Ops.matmul(array, unit, stream: pinned(.gpu)), constant(1),
                stream: pinned(.cpu))
        }
        return (array, start.map { $0 + 12 })
    }

    private func evaluate(_ array: MLXArray, _ engine: Engine, _ isAsync: Bool) throws {
        guard isAsync else { return try engine.evaluateBlocking(.init(roots: [array])) }
        engine.evaluateInBackground(.init(roots: [array]))
        engine.synchronize()
        if let error = engine.takeBackgroundError() { throw error }
    }

    /// Has a device lost in the middle of a run, and counts what is asked of it afterwards.
    private final class Loser: StepInterposer, @unchecked Sendable {
        // SAFETY: `lose` is set before the first run; the rest is atomic.
        var lose: (@Sendable () -> Void)?
        let steps = Atomic<Int>(0)
        let stepsAfter = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)

        func fate(of step: String, on device: DeviceKind) -> StepFate {
            if isOver.load(ordering: .acquiring) || device != .gpu { return .run }
            let number = steps.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue
            // Between two steps of a list, as a driver of hardware would say it.
            if number == 4 { lose?() }
            if number > 4 { stepsAfter.wrappingAdd(1, ordering: .acquiringAndReleasing) }
            return .run
        }
    }

    @Test("evaluating from a finaliser inside the engine is a typed error")
    func reentrancy() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            let seen = Locked<[ArrayError.Kind?]>([])
            for isAsync in [false, true] {
                let y = Ops.binary(.add, adopted(seen, engine), constant(1))
                if isAsync {
                    try await engine.evaluate(.init(roots: [y]))
                } else {
                    try engine.evaluateBlocking(.init(roots: [y]))
                }
                #expect(Tracked(y, Dense(shape: [], values: [8])).difference == nil)
            }
            for _ in 0..<400 where seen.withLock({ $0.count }) < 2 { usleep(5000) }
            // The run's end drops the last reference to the adopted memory: inside the engine,
            // or on whichever thread let go of the run last, where evaluating is allowed.
            let kinds = seen.withLock { $0 }
            #expect(kinds.count == 2)
            #expect(kinds.allSatisfy { $0 == .reentrant } || !engine.isShared)
        }
    }

    /// An array of foreign memory whose finaliser evaluates and notes what comes of it.
    private func adopted(_ seen: Locked<[ArrayError.Kind?]>, _ engine: Engine) -> MLXArray {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        memory.storeBytes(of: 7, as: Float.self)
        nonisolated(unsafe) let pointer = memory
        let buffer = Buffer(adopting: memory, byteCount: 4) {
            var kind: ArrayError.Kind?
            do {
                let x = Ops.binary(.add, constant(1), constant(2))
                try engine.evaluateBlocking(.init(roots: [x]))
            } catch { kind = (error as? ArrayError)?.kind }
            seen.withLock { $0.append(kind) }
            pointer.deallocate()
        }
        return MLXArray(Value(buffer: buffer, dtype: .float32, shape: .scalar))
    }

    @Test("on many nodes every buffer and thread is bound where the placement says")
    func nodes() throws {
        let topology = Topology.fake(nodes: 2, cpusPerNode: 2)
        let system = RecordedSystem()
        let placement = topology.placement(deviceCount: 3)
        let teams = placement.teams.enumerated().map { number, place in
            Team(
                name: "node-\(number)", cpus: place.cpus, threadCount: place.threadCount,
                system: system)
        }
        let engine = Engine(
            Engine.Configuration(topology: topology), teams: teams, placement: placement,
            system: system, refusals: system.refusals, clock: MonotonicClock(), interposer: nil)
        for kind in DeviceKind.allCases {
            let x = Ops.full(try Shape(validating: [2000]), 2, .float32)
            let y = Ops.binary(.add, x, constant(1), stream: pinned(kind))
            try engine.evaluateBlocking(.init(roots: [y]))
            let value = try #require(y.value)
            let device = OpTable[.add].isElementwise && kind == .npu ? nil : kind.index
            if let device {
                let node = placement.teams[placement.teamOfDevice[device]].node
                #expect(Int(value.buffer.node) == node)
                #expect(system.node(of: value.pointer) == node)
            }
        }
        engine.shutdown()
        for (number, team) in placement.teams.enumerated() {
            let own = system.pinnings.filter { $0.name.hasPrefix("node-\(number)") }
            // The runner, the driver, and a worker for every further thread.
            #expect(own.count == team.threadCount + 1)
            #expect(own.allSatisfy { $0.cpus == team.cpus })
        }
        #expect(system.faults == [])
    }
}

/// Fails every matrix product while it is on.
private final class Breaker: StepInterposer {
    let isOn = Atomic<Bool>(false)

    func fate(of step: String, on device: DeviceKind) -> StepFate {
        guard isOn.load(ordering: .acquiring), step == "matmul" else { return .run }
        return .fail(ArrayError(.kernel, step, "was made to fail"))
    }
}
