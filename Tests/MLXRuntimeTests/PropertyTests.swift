import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import MLXPlanner
import SimulationSupport
import Testing

@testable import MLXRuntime

/// Laws that hold for every graph: evaluated at once it has the bits it has node by node; every
/// device and every policy gives the reference's result; neither threads nor runs change a bit.
@Suite("Properties") struct PropertyTests {
    private static let rounds = isFullRun ? 600 : 60

    /// Functions whose results are not small integers, so that bits tell something.
    private static let unaries: [OpCode] = [.exp, .sin, .tanh, .sigmoid, .square, .negative, .abs]
    private static let binaries: [OpCode] = [.add, .subtract, .multiply, .maximum, .minimum]
    private static let dtypes: [DType] = [.float32, .float16, .bfloat16]
    private static let epsilons: [(DType, Float)] = [
        (.float32, 0x1p-23), (.float16, 0x1p-10), (.bfloat16, 0x1p-7),
    ]

    /// Records a graph from a seed: equal seeds record equal graphs.
    private func record(
        _ seed: UInt64, _ leaves: [MLXArray], on kind: DeviceKind? = nil
    ) -> [MLXArray] {
        var random = SplitMix64(seed: seed)
        var pool = leaves
        let stream = pinned(kind)
        for _ in 0..<random.within(3...40) {
            let x = pool[random.below(pool.count)]
            switch random.below(10) {
            case 0...3:
                let y = pool[random.below(pool.count)]
                pool.append(
                    Ops.binary(
                        Self.binaries[random.below(Self.binaries.count)], x, y, stream: stream))
            case 4...6:
                pool.append(
                    Ops.unary(
                        Self.unaries[random.below(Self.unaries.count)], x, stream: stream))
            case 7:
                pool.append(
                    Ops.cast(x, to: Self.dtypes[random.below(Self.dtypes.count)], stream: stream))
            case 8: pool.append(Ops.transpose(x, [1, 0], stream: stream))
            default:
                let mask = AxisMask([random.below(2)], keepDims: true).word
                pool.append(Ops.record(.sum, [x], Attributes(word: mask), stream: stream))
            }
            // Sums stay near one.
            pool[pool.count - 1] = Ops.unary(.tanh, pool[pool.count - 1], stream: stream)
        }
        return pool
    }

    private func leaves(_ random: inout SplitMix64, _ engine: Engine) throws -> [MLXArray] {
        let count = random.oneIn(4) ? random.within(2...90) : random.within(1...6)
        return try (0..<3).map { _ in
            let contents = Dense(shape: [count, count]) { _ in
                Float(random.within(-1000...1000)) / 500
            }
            return try contents.array(from: engine.allocators[0])
        }
    }

    /// The bits of an evaluated array, in row-major order.
    private func bits(_ array: MLXArray, _ engine: Engine) throws -> [UInt32] {
        let wide = Ops.cast(array, to: .float32)
        try engine.evaluateBlocking(.init(roots: [wide]))
        return Dense(try #require(wide.value)).values.map { $0.isNaN ? 0x7FC0_0000 : $0.bitPattern }
    }

    @Test("at once or node by node: the same bits") func fusedEqualsUnfused() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        for round in 0..<UInt64(Self.rounds) {
            var random = SplitMix64(seed: testSeed &+ round)
            let inputs = try leaves(&random, engine)
            for kind in [nil, DeviceKind.cpu, .gpu] {
                let fused = record(testSeed &+ round, inputs, on: kind)
                let single = record(testSeed &+ round, inputs, on: kind)
                try engine.evaluateBlocking(.init(roots: [fused.last!]))
                for node in single { try engine.evaluateBlocking(.init(roots: [node])) }
                #expect(
                    try bits(fused.last!, engine) == bits(single.last!, engine),
                    replay(testSeed &+ round))
            }
        }
    }

    @Test("one thread or two, shared or split, this run or another: the same bits")
    func determinism() throws {
        let engines = [
            makeEngine(threads: 1), makeEngine(threads: 2), makeEngine(splitTopology()),
        ]
        defer { for engine in engines { engine.shutdown() } }
        for round in 0..<UInt64(Self.rounds) {
            let seed = testSeed &+ round
            var results: [[UInt32]] = []
            for engine in engines + [engines[1]] {
                var random = SplitMix64(seed: seed)
                let inputs = try leaves(&random, engine)
                let roots = Array(record(seed, inputs).suffix(3))
                try engine.evaluateBlocking(
                    .init(roots: roots, policy: RandomPolicy(seed: seed)))
                results.append(try roots.flatMap { try bits($0, engine) })
            }
            for result in results.dropFirst() { #expect(result == results[0], replay(seed)) }
        }
    }

    /// Only products differ by device, and there are none here: the same functions run in chunks
    /// of other sizes, and the order of a sum follows from its shape.
    @Test("without products, every device gives the same bits") func devicesAgree() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        for round in 0..<UInt64(Self.rounds) {
            var random = SplitMix64(seed: testSeed &+ round)
            let inputs = try leaves(&random, engine)
            let results = try DeviceKind.general.map { kind in
                try record(testSeed &+ round, inputs, on: kind).map { try bits($0, engine) }
            }
            for result in results.dropFirst() {
                let differing = zip(result, results[0]).enumerated().first { $1.0 != $1.1 }?.offset
                #expect(differing == nil, replay(testSeed &+ round))
            }
        }
    }

    /// With products, each operation is within its row's bound of the other device's when both
    /// are given the same inputs.
    @Test("products of all devices agree within their bound") func productsAgree() throws {
        let engine = makeEngine()
        defer { engine.shutdown() }
        let row = OpTable[.matmul]
        for round in 0..<UInt64(Self.rounds) {
            var random = SplitMix64(seed: testSeed &+ round)
            let inputs = try leaves(&random, engine)
            let (dtype, epsilon) = Self.epsilons[random.below(Self.epsilons.count)]
            let results = try DeviceKind.general.map { kind in
                let factors = inputs.prefix(2).map { Ops.cast($0, to: dtype) }
                let product = Ops.record(.matmul, factors, stream: pinned(kind))
                let wide = Ops.cast(product, to: .float32)
                try engine.evaluateBlocking(.init(roots: [wide]))
                return Dense(try #require(wide.value)).values
            }
            let largest = results[0].reduce(Float(1)) { max($0, abs($1)) }
            let bound = Float(row.toleranceEpsilons) * epsilon * largest
            for result in results.dropFirst() {
                let areClose = zip(result, results[0]).allSatisfy { abs($0 - $1) <= bound }
                #expect(areClose, replay(testSeed &+ round))
            }
        }
    }

    @Test("exact graphs equal the reference under every policy and topology")
    func policies() throws {
        let policies: [any SchedulingPolicy] = [
            CostPolicy(), RoundRobinPolicy(), RandomPolicy(seed: 1), RandomPolicy(seed: 2),
            SingleDevicePolicy.allCPU, SingleDevicePolicy.allGPU,
        ]
        for topology in [Topology.system(), splitTopology()] {
            let engine = makeEngine(topology)
            for round in 0..<UInt64(Self.rounds) {
                var random = SplitMix64(seed: testSeed &+ round)
                for policy in policies {
                    let generator = try randomGraph(&random, on: engine, steps: 15)
                    let wanted = Array(generator.pool.suffix(4))
                    try engine.evaluateBlocking(
                        .init(roots: wanted.map(\.array), policy: policy))
                    for tracked in wanted {
                        #expect(tracked.difference == nil, replay(testSeed &+ round))
                    }
                }
            }
            #expect(engine.settles(at: 0))
            engine.shutdown()
        }
    }
}
