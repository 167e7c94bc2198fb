import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// Derivatives of every row against central differences in float64, to second order.
@Suite("Derivatives") struct GradientTests {
    static let differentiable = OpTable.rows.filter {
        if case .rule = $0.vjp { true } else { false }
    }.map(\.name)

    @Test("first and second derivatives match differences", arguments: differentiable)
    func differences(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        var draws = Draws(seed: 11)
        for sample in row.samples.samples() {
            guard let point = RowPoint(row, sample) else { continue }
            for argument in point.wanted {
                try check(row, sample, point.arrays, argument, &draws)
            }
        }
    }

    @Test("tangents match differences and cotangents", arguments: differentiable)
    func tangents(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        for sample in row.samples.samples() {
            guard let point = RowPoint(row, sample), !point.wanted.isEmpty else { continue }
            var draws = Draws(seed: 12)
            let primals = point.wanted.map { point.arrays[$0] }
            let tangents = primals.map {
                draws.tensor($0.shape, 0.5...1.5, .float64).array(.float64)
            }
            let function = { (x: [MLXArray]) -> [MLXArray] in
                var inputs = point.arrays
                for (argument, array) in zip(point.wanted, x) { inputs[argument] = array }
                return [GradientTests.result(row, inputs, sample)]
            }
            let (outputs, slopes) = jvp(function, primals: primals, tangents: tangents)
            guard outputs[0].size > 0 else { continue }
            let step = 1e-6
            let above = function(zip(primals, tangents).map { $0 + $1 * step })[0]
            let below = function(zip(primals, tangents).map { $0 - $1 * step })[0]
            let difference = (above - below) / (2 * step)
            let error = MLX.max(MLX.abs(slopes[0] - difference)).item(Double.self)
            let size = MLX.max(MLX.abs(difference)).item(Double.self)
            #expect(error <= 2e-4 * Swift.max(1, size), "\(name): off by \(error) of \(size)")
            // <c, J t> = <Jᵀ c, t>
            let weights = draws.tensor(outputs[0].shape, 0.5...1.5, .float64).array(.float64)
            let (_, gradients) = vjp(function, primals: primals, cotangents: [weights])
            let forward = (weights * slopes[0]).sum().item(Double.self)
            let reverse = zip(gradients, tangents).reduce(0) {
                $0 + ($1.0 * $1.1).sum().item(Double.self)
            }
            let bound = 1e-9 * Swift.max(1, Swift.abs(reverse))
            #expect(Swift.abs(forward - reverse) <= bound, "\(name): \(forward), not \(reverse)")
        }
    }

    /// The row's result. A fold of nothing may be infinite: it counts as zero.
    private static func result(
        _ row: OpRow, _ inputs: [MLXArray], _ sample: SampleRule.Sample
    ) -> MLXArray {
        let y = Matrices.record(row, inputs, sample.attributes)
        guard ["cummax", "cummin", "logcumsumexp"].contains(row.name) else { return y }
        return which(isFinite(y), y, MLXArray(float64: 0))
    }

    private func check(
        _ row: OpRow, _ sample: SampleRule.Sample, _ arrays: [MLXArray], _ argument: Int,
        _ draws: inout Draws
    ) throws {
        let shape = Ops.record(row.code, arrays, sample.attributes).shape
        let weights = draws.tensor(shape, 0.5...1.5, .float64).array(.float64)
        let function = { (x: MLXArray) -> MLXArray in
            var inputs = arrays
            inputs[argument] = x
            return (GradientTests.result(row, inputs, sample) * weights).sum()
        }
        try compare(function, at: arrays[argument], "\(row.name) by input \(argument)", &draws)
        let direction = draws.tensor(arrays[argument].shape, 0.5...1.5, .float64).array(.float64)
        let slope = { (x: MLXArray) -> MLXArray in (grad(function)(x) * direction).sum() }
        try compare(
            slope, at: arrays[argument], "second derivative of \(row.name) by \(argument)", &draws)
    }

    /// The derivative in a random direction against a central difference.
    private func compare(
        _ function: @escaping (MLXArray) -> MLXArray, at x: MLXArray, _ what: String,
        _ draws: inout Draws
    ) throws {
        let direction = draws.tensor(x.shape, 0.5...1.5, .float64).array(.float64)
        let step = 1e-6
        let got = (grad(function)(x) * direction).sum().item(Double.self)
        let above = function(x + direction * step).item(Double.self)
        let below = function(x - direction * step).item(Double.self)
        let wanted = (above - below) / (2 * step)
        let bound = 2e-4 * Swift.max(1, Swift.abs(wanted))
        #expect(Swift.abs(got - wanted) <= bound, "\(what): \(got), differences give \(wanted)")
    }

    @Test("rows without a derivative say so") func notDifferentiable() async throws {
        let x = MLXArray([1, 2, 3] as [Float])
        let indices = MLXArray([0, 1] as [Int32])
        let gradient = grad { (x: MLXArray) in
            x.at[indices].multiply(MLXArray([5, 6] as [Float])).sum()
        }
        let error = await #expect(throws: ArrayError.self) { try await evaluate(gradient(x)) }
        #expect(error?.kind == .notDifferentiable)
    }
}

/// A place at which a row is differentiated: float64 inputs of a sample.
private struct RowPoint {
    let arrays: [MLXArray]
    /// The inputs to differentiate by.
    let wanted: [Int]

    /// nil for samples that differences cannot judge: rounded results, and large ones.
    init?(_ row: OpRow, _ sample: SampleRule.Sample) {
        // Fourier transforms compute in single precision; their adjoints have tests of their own.
        if row.errorBound != nil || row.name == "astype" || row.name.hasSuffix("fft") {
            return nil
        }
        if sample.shapes.contains(where: { $0.reduce(1, *) > 400 }) { return nil }
        // Vectors without singular values may turn freely; only square factors have a derivative.
        let apart = sample.shapes.first.map { abs(($0.last ?? 0) - ($0.dropLast().last ?? 0)) } ?? 0
        if row.name == "svd" && apart > 1 || row.name == "lu" && apart > 0 { return nil }
        var draws = Draws(seed: 11)
        let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? DType.float64 }
        var inputs = zip(sample.shapes, types).enumerated().map { index, input in
            let domain = index < sample.domains.count ? sample.domains[index] : -2...2
            return draws.tensor(input.0, domain, input.1)
        }
        if row.name.hasPrefix("max_pool2d_") {
            // The second input is the pool's output.
            let y = Ops.record(
                .maxPool, [inputs[0].array(.float64)], Attributes(words: sample.attributes.words))
            inputs[1] = Tensor(y)
        }
        arrays = zip(Matrices.prepared(row.name, inputs), types).map { $0.array($1) }
        wanted = types.indices.filter {
            types[$0] == .float64 && !(row.name.hasPrefix("max_pool2d_") && $0 < 2)
        }
    }
}
