import CMLXKernels
import FoundationEssentials
import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner
import MLXRuntime

/// Measures what each device can do, once for a machine, and keeps it on disk: the default policy
/// places operations by these figures. They are part of the policy's value, so the same file gives
/// the same placement. A debug build measures nothing, because its figures would mislead.
package enum Calibration {
    /// Where the figures of this processor and instruction set are kept.
    package static func file(_ environment: Runtime.Environment) -> URL {
        if let path = environment.calibrationFile { return URL(fileURLWithPath: path) }
        let level = ["baseline", "avx2", "avx512"][Int(mlx_level())]
        let name = "calibration-\(processorName())-\(level).json"
        return Runtime.cacheDirectory.appendingPathComponent(name)
    }

    /// The figures on disk, else measured now and kept.
    package static func load(
        _ environment: Runtime.Environment, for engine: Engine
    ) -> CostModel {
        let file = file(environment)
        if let data = try? Data(contentsOf: file),
            let costs = try? JSONDecoder().decode(CostModel.self, from: data),
            costs.isUsable
        {
            return costs
        }
        #if DEBUG
            return .typical
        #else
            guard let costs = try? measure(engine) else { return .typical }
            store(costs, file)
            return costs
        #endif
    }

    private static func store(_ costs: CostModel, _ file: URL) {
        // Without a place to keep it, every process measures for itself.
        try? FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        if let data = try? encoder.encode(costs) { try? data.write(to: file, options: .atomic) }
    }

    private static func processorName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") } ?? "unknown"
        let name = line.split(separator: ":").last.map(String.init) ?? "unknown"
        let safe = name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }
        return String(safe).split(separator: "-").joined(separator: "-")
    }

    // MARK: - Measuring

    /// Takes about a third of a second.
    package static func measure(_ engine: Engine) throws -> CostModel {
        var rates = CostModel.typical.rates
        for kind in [DeviceKind.cpu, .gpu] {
            try measure(&rates[kind.index], Bench(engine: engine, kind: kind))
        }
        try measureNPU(&rates[DeviceKind.npu.index], Bench(engine: engine, kind: .npu))
        return CostModel(rates: rates)
    }

    private static func measure(_ rates: inout CostModel.Rates, _ bench: Bench) throws {
        let stream = bench.stream
        let tiny = try bench.array([4])
        rates.startNanoseconds = try bench.time { Ops.unary(.negative, tiny, stream: stream) }
        let a = try bench.array([256, 256])
        rates.matmul = 2 * 256 * 256 * 256 / (try bench.time { Ops.matmul(a, a, stream: stream) })
        let image = try bench.array([16, 16, 16, 16])
        let weight = try bench.array([32, 3, 3, 16])
        var geometry = ConvolutionGeometry()
        geometry.paddingLow = [1, 1]
        geometry.paddingHigh = [1, 1]
        let words = geometry.words
        let convolution = try bench.time {
            Ops.record(.conv2d, [image, weight], Attributes(words: words), stream: stream)
        }
        rates.convolution = 2 * 16 * 16 * 16 * 32 * 9 * 16 / convolution
        let cached = try bench.array([1 << 17])
        let exponentials = try bench.time { Ops.unary(.exp, cached, stream: stream) }
        rates.elementwise = 10 * Double(1 << 17) / exponentials
        let sums = try bench.time {
            Ops.reduce(.sum, cached, axes: [0], keepDims: false, stream: stream)
        }
        rates.reduction = Double(1 << 17) / sums
        let large = try bench.array([1 << 22])
        let copies = try bench.time(5) { Ops.unary(.negative, large, stream: stream) }
        rates.bandwidth = Double(8 << 22) / copies
    }

    private static func measureNPU(_ rates: inout CostModel.Rates, _ bench: Bench) throws {
        let x = try bench.array([64, 256])
        let weight = Ops.cast(try bench.array([256, 256]), to: .int8)
        let scales = try bench.array([256])
        try engineEvaluate(bench.engine, [weight])
        let time = try bench.time {
            Ops.record(.int8Matmul, [x, weight, scales], stream: bench.stream)
        }
        rates.int8 = 2 * 64 * 256 * 256 / time
    }

    private static func engineEvaluate(_ engine: Engine, _ arrays: [MLXArray]) throws {
        try engine.evaluateBlocking(.init(roots: arrays))
    }

    /// Times single operations on one device.
    private struct Bench {
        let engine: Engine
        let kind: DeviceKind
        var stream: StreamID { StreamID(kind, lane: 0) }

        func array(_ dims: [Int]) throws -> MLXArray {
            let shape = try Shape(validating: dims)
            let array = Ops.full(shape, 0.5, .float32)
            try engine.evaluateBlocking(.init(roots: [array]))
            return array
        }

        /// The device's own time for an operation, the least of several.
        func time(_ runs: Int = 15, _ record: () -> MLXArray) throws -> Double {
            var best = Double.infinity
            for _ in 0..<runs {
                let before = engine.counters(of: kind).busyNanoseconds
                try engine.evaluateBlocking(.init(roots: [record()]))
                let spent = engine.counters(of: kind).busyNanoseconds - before
                best = Swift.min(best, Double(Swift.max(spent, 1)))
            }
            return best
        }
    }
}

extension CostModel {
    /// Figures that a policy can divide by.
    fileprivate var isUsable: Bool {
        rates.count == DeviceKind.allCases.count
            && rates.allSatisfy {
                [$0.matmul, $0.convolution, $0.elementwise, $0.reduction, $0.int8, $0.other,
                    $0.bandwidth,
                ].allSatisfy { $0 > 0 && $0.isFinite } && $0.startNanoseconds.isFinite
            }
    }
}
