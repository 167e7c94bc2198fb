import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import SimulationSupport
import Testing

@testable import MLXRuntime

/// Which requests share a plan, and plans with unusual ends: windows only, constants only, places
/// that are taken over by values of another width.
@Suite("Plans") struct PlanTests {
    private func misses(_ engine: Engine) -> UInt64 {
        engine.statistics.planMisses
    }

    @Test("new contents and scalars make no plan, new shapes do") func keys() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        func evaluate(_ count: Int, _ factor: Float) throws {
            let x = try Dense(shape: [count]) { Float($0[0]) }.array(from: engine.allocators[0])
            let y = Ops.binary(.multiply, x, constant(factor))
            try engine.evaluateBlocking(.init(roots: [y]))
            #expect(Tracked(y, Dense(shape: [count]) { Float($0[0]) * factor }).difference == nil)
        }
        try evaluate(8, 1)
        let before = misses(engine)
        for factor in 2..<10 { try evaluate(8, Float(factor)) }
        #expect(misses(engine) == before)
        // From the third on, the sizes are seen to follow a line.
        for count in 9..<14 { try evaluate(count, 2) }
        #expect(misses(engine) == before + 2)
        #expect(engine.statistics.evaluations.plansAdapted == 3)
        for count in 9..<14 { try evaluate(count, 3) }
        #expect(misses(engine) == before + 2)
    }

    @Test("a cache that grows by one needs a few plans and gives what plans of its own would")
    func growingCache() throws {
        for policy: (any SchedulingPolicy)? in [nil, RoundRobinPolicy(), RandomPolicy(seed: 5)] {
            let engine = makeEngine()
            defer { engine.shutdown() }
            var sums: [Float] = []
            var cache = try Dense(shape: [1, 4]) { Float($0[1]) }.array(from: engine.allocators[0])
            for step in 1..<100 {
                let row = try Dense(shape: [1, 4]) { Float($0[1] * step % 7) }
                    .array(from: engine.allocators[0])
                cache = Ops.concatenate([cache, row], axis: 0)
                let y = Ops.binary(.multiply, cache, constant(2))
                let total = Ops.record(.sum, [y], Attributes(word: 0b11))
                try engine.evaluateBlocking(.init(roots: [cache, total], policy: policy))
                sums.append(total.value!.pointer.load(as: Float.self))
            }
            var expected = Float(0 + 1 + 2 + 3) * 2
            for step in 1..<100 {
                for column in 0..<4 { expected += Float(column * step % 7) * 2 }
                #expect(sums[step - 1] == expected, "at \(step)")
            }
            #expect(misses(engine) <= 8)
            #expect(engine.statistics.evaluations.plansAdapted >= 90)
        }
    }

    @Test("another dtype, device or set of wanted arrays is another plan") func structure() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let x = try Dense(shape: [4]) { Float($0[0]) }.array(from: engine.allocators[0])
        func evaluate(_ stream: StreamID, keepsInner: Bool) throws {
            let inner = Ops.unary(.negative, x, stream: stream)
            let outer = Ops.unary(.abs, inner, stream: stream)
            let roots = keepsInner ? [outer, inner] : [outer]
            try withExtendedLifetime(keepsInner ? inner : x) {
                try engine.evaluateBlocking(.init(roots: roots))
            }
            #expect(Tracked(outer, Dense(shape: [4]) { Float($0[0]) }).difference == nil)
        }
        try evaluate(.unpinned, keepsInner: true)
        let before = misses(engine)
        try evaluate(pinned(.cpu), keepsInner: true)
        try evaluate(pinned(.gpu), keepsInner: true)
        #expect(misses(engine) == before + 2)
    }

    @Test("windows of evaluated arrays need no step, on any topology") func windows() async throws {
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            defer { engine.shutdown() }
            let contents = Dense(shape: [3, 4]) { Float($0[0] * 4 + $0[1]) }
            let x = try contents.array(from: engine.allocators[0])
            let blocking = Ops.transpose(x, [1, 0])
            let async = Ops.slice(x, axis: 1, 1, 2)
            let background = Ops.reshape(x, [12])
            try await withTimeout {
                try engine.evaluateBlocking(.init(roots: [blocking]))
                try await engine.evaluate(.init(roots: [async]))
                engine.evaluateInBackground(.init(roots: [background]))
                engine.synchronize()
            }
            #expect(Tracked(blocking, contents.transposed([1, 0])).difference == nil)
            #expect(
                Tracked(async, contents.sliced(starts: [0, 1], steps: [1, 1], sizes: [3, 2]))
                    .difference == nil)
            #expect(
                Tracked(background, Dense(shape: [12], values: contents.values)).difference == nil)
        }
    }

    @Test("a constant can be evaluated and used afterwards") func constants() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let two = constant(2)
        try engine.evaluateBlocking(.init(roots: [two]))
        let six = Ops.binary(.multiply, two, constant(3))
        try engine.evaluateBlocking(.init(roots: [six]))
        #expect(Tracked(two, Dense(shape: [], values: [2])).difference == nil)
        #expect(Tracked(six, Dense(shape: [], values: [6])).difference == nil)
    }

    @Test("a value is not written over one of another width") func widths() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        for kind in [DeviceKind.cpu, .gpu] {
            let contents = Dense(shape: [2, 13]) { Float($0[0] * 13 + $0[1]) }
            let x = try contents.array(from: engine.allocators[0])
            let narrow = Ops.cast(x, to: .int8, stream: pinned(kind))
            // A reduction cannot be fused: its result has a place in scratch, which dies in the
            // cast, whose result in turn dies in the next reduction.
            let least = Ops.record(
                .max, [narrow], Attributes(word: AxisMask([0], keepDims: false).word),
                stream: pinned(kind))
            let wide = Ops.cast(least, to: .float32, stream: pinned(kind))
            let reversed = Ops.slice(wide, starts: [12], steps: [-1], sizes: [13])
            let rows = Ops.matmul(
                Ops.reshape(wide, [13, 1]), Ops.reshape(reversed, [1, 13]), stream: pinned(kind))
            try engine.evaluateBlocking(.init(roots: [rows]))
            let expected = Dense(shape: [13, 13]) { Float((13 + $0[0]) * (25 - $0[1])) }
            #expect(Tracked(rows, expected).difference == nil)
        }
    }
}
