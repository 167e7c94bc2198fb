import MLXBase
import MLXGraph
import MLXKernels
import MLXOps
import MLXPlanner
import MLXRuntime

/// Measures what each device of an engine can do: for every class of work one operation, large
/// enough to use the device's threads and small enough for the cache. Nothing here may ask for the
/// process's engine, which is not there yet when this runs first.
extension Calibration {
    /// Takes about half a second.
    package static func measure(_ engine: Engine) throws -> CostModel {
        var costs = CostModel.typical
        for kind in DeviceKind.allCases {
            let bench = Bench(engine: engine, kind: kind)
            var rates = costs.rates[kind.index]
            if kind != .npu {
                try measureFrame(&rates, bench)
            } else {
                // It runs nothing that only moves memory, and reads as the others do.
                let general = DeviceKind.general.map { costs.rates[$0.index] }
                rates.startNanoseconds = general.map(\.startNanoseconds).min() ?? 500
                rates.bandwidth = general.map(\.bandwidth).max() ?? 20
            }
            for sample in try samples(bench) where OpTable[sample.op].runs(on: kind) {
                let time = try bench.time(sample.record)
                let (flops, bytes) = bench.work(of: sample.record)
                let spent = max(time - rates.startNanoseconds, time / 4)
                rates[sample.work] = (sample.work == .memory ? bytes : flops) / spent
            }
            costs.rates[kind.index] = rates
        }
        // The general devices run the npu's kernels for int8 products. Which of them is measured
        // faster by a percent is chance: they get the npu's rate, less what makes it the choice
        // where they share cores.
        for kind in DeviceKind.general {
            costs.rates[kind.index][.int8] = 0.9 * costs.rates[DeviceKind.npu.index][.int8]
        }
        return costs
    }

    /// What a step costs that does nothing, and one that only moves memory.
    private static func measureFrame(
        _ rates: inout CostModel.Rates, _ bench: Bench
    ) throws {
        let tiny = try bench.array([4])
        let negated = { Ops.unary(.negative, tiny, stream: bench.stream) }
        rates.startNanoseconds = try bench.time(negated)
        let large = try bench.array([1 << 22])
        let copied = { Ops.unary(.negative, large, stream: bench.stream) }
        rates.bandwidth = bench.work(of: copied).bytes / (try bench.time(copied))
    }

    /// An operation that stands for its class.
    private struct Sample {
        let op: OpCode
        let record: () -> MLXArray
        var work: WorkClass { OpTable[op].work.workClass }
    }

    /// One of every class.
    private static func samples(_ bench: Bench) throws -> [Sample] {
        let x = try bench.array([1 << 17])
        let matrix = try bench.array([256, 256])
        return [
            bench.sample(.matmul, [matrix, matrix]),
            try convolution(bench),
            bench.sample(.exp, [x]),
            bench.sample(.sum, [x], Attributes(word: AxisMask([0], keepDims: false).word)),
            try int8(bench, matrix),
            try quantized(bench),
            bench.sample(
                .attention, Array(repeating: try bench.array([1, 4, 128, 64]), count: 3),
                AttentionRow.words(
                    scale: 0.125, isCausal: true, hasMask: false, hasSinks: false)),
            bench.sample(
                .maxPool, [try bench.array([4, 32, 32, 16])],
                Attributes(words: [2, 2, 2, 2, 0, 0, 0, 0])),
            bench.sample(.sort, [try bench.waves([16, 1 << 11])]),
            bench.sample(.cumulativeSum, [matrix], Attributes(words: [0, 0, 0])),
            try gather(bench, matrix),
            try fourier(bench),
            bench.sample(.lu, [try bench.dominant(96)]),
            bench.sample(.concatenate, [x, x]),
            try random(bench),
            bench.sample(
                .hadamard, [try bench.waves([64, 256])],
                Attributes(words: Ops.hadamardWords(scale: 0.5))),
        ]
    }

    private static func convolution(_ bench: Bench) throws -> Sample {
        let image = try bench.array([16, 16, 16, 16])
        let weight = try bench.array([32, 3, 3, 16])
        var geometry = ConvolutionGeometry()
        geometry.paddingLow = [1, 1]
        geometry.paddingHigh = [1, 1]
        return bench.sample(.conv2d, [image, weight], Attributes(words: geometry.words))
    }

    private static func int8(_ bench: Bench, _ matrix: MLXArray) throws -> Sample {
        let x = try bench.array([16, 256])
        let weight = try bench.evaluated(Ops.cast(matrix, to: .int8))
        return bench.sample(.int8Matmul, [x, weight, try bench.array([256])])
    }

    /// Four bits, groups of 64.
    private static func quantized(_ bench: Bench) throws -> Sample {
        let codes = try bench.evaluated(
            Ops.full(try Shape(validating: [256, 32]), 0x1234_5678, .uint32))
        let scales = try bench.array([256, 4])
        return bench.sample(
            .quantizedMatmul, [try bench.array([32, 256]), codes, scales, scales],
            Attributes(words: [64, 4, 0, 1]))
    }

    private static func gather(_ bench: Bench, _ matrix: MLXArray) throws -> Sample {
        let waves = Ops.binary(.multiply, try bench.waves([1 << 11]), Ops.scalar(100, .float32))
        let rows = Ops.cast(Ops.unary(.abs, waves), to: .int32)
        return bench.sample(
            .gather, [matrix, try bench.evaluated(rows)], Attributes(words: [0b01, 1, 256]))
    }

    private static func fourier(_ bench: Bench) throws -> Sample {
        let x = try bench.waves([64, 1024])
        return Sample(op: .rfft) {
            Ops.fourier(
                .rfft, x, axis: 1, n: 1024, length: 513, isInverse: false, scale: .one,
                stream: bench.stream)
        }
    }

    private static func random(_ bench: Bench) throws -> Sample {
        let key = try bench.evaluated(Ops.full(try Shape(validating: [2]), 7, .uint32))
        return bench.sample(
            .randomBits, [key],
            Attributes(
                word: 4, outputShape: try Shape(validating: [1 << 16]), outputDType: .uint32))
    }

    /// Times single operations on one device.
    private struct Bench {
        let engine: Engine
        let kind: DeviceKind
        var stream: StreamID { StreamID(kind, lane: 0) }

        func sample(
            _ op: OpCode, _ inputs: [MLXArray], _ attributes: Attributes = .none
        ) -> Sample {
            Sample(op: op) { [stream] in Ops.record(op, inputs, attributes, stream: stream) }
        }

        func evaluated(_ array: MLXArray) throws -> MLXArray {
            try engine.evaluateBlocking(.init(roots: [array]))
            return array
        }

        func array(_ dims: [Int]) throws -> MLXArray {
            try evaluated(Ops.full(try Shape(validating: dims), 0.5, .float32))
        }

        /// 0, 0.7, 1.4, ...
        private func line(_ count: Int) throws -> MLXArray {
            Ops.record(
                .arange, [],
                Attributes(
                    words: Ops.arangeWords(start: 0, increment: 0.7, .float32),
                    outputShape: try Shape(validating: [count]), outputDType: .float32))
        }

        /// Numbers between -1 and 1 that are neither sorted nor equal.
        func waves(_ dims: [Int]) throws -> MLXArray {
            try evaluated(Ops.reshape(Ops.unary(.sin, line(dims.reduce(1, *))), dims))
        }

        /// A matrix with a large diagonal, which every solver takes.
        func dominant(_ size: Int) throws -> MLXArray {
            let line = try line(size)
            let diagonal = Ops.cast(
                Ops.binary(.equal, Ops.reshape(line, [size, 1]), line), to: .float32)
            let large = Ops.binary(.multiply, diagonal, Ops.scalar(Double(size), .float32))
            return try evaluated(Ops.binary(.add, waves([size, size]), large))
        }

        /// The device's own time for an operation, the least of several: a shorter one would be
        /// lost in the noise, a longer one need not be repeated often.
        func time(_ record: () -> MLXArray) throws -> Double {
            var best = Double.infinity
            var total = 0.0
            for round in 0..<30 where round < 3 || total < 15_000_000 {
                let before = engine.counters(of: kind).busyNanoseconds
                try engine.evaluateBlocking(.init(roots: [record()]))
                let spent = Double(max(engine.counters(of: kind).busyNanoseconds - before, 1))
                best = min(best, spent)
                total += spent
            }
            return best
        }

        /// What the planner counts for it.
        func work(of record: () -> MLXArray) -> (flops: Double, bytes: Double) {
            let root = record().acquire()
            defer { GraphStore.shared.release(root.id) }
            let graph = Subgraph(roots: [root])
            guard let plan = try? Planner().plan(graph, PlanKey(graph, context: 0)) else {
                return (1, 1)
            }
            return plan.steps.reduce((0, 0)) { ($0.0 + $1.flops, $0.1 + $1.bytes) }
        }
    }
}

extension OpRow {
    /// Whether the device computes it, as a kernel or in a tape.
    fileprivate func runs(on kind: DeviceKind) -> Bool {
        kernel(for: kind) != nil || (isElementwise && kind != .npu)
    }
}
