import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// Derivatives of every row that takes complex64, in both modes, against differences of fourth
/// order along complex directions.
@Suite("Complex derivatives") struct ComplexGradientTests {
    /// Vectors of decompositions have a free phase; what rounds has tests of its own.
    private static let exempt: Set<String> = ["svd", "eigh", "astype", "qr", "lu"]

    static let rows = OpTable.rows.filter { row in
        guard case .rule = row.vjp, !exempt.contains(row.name) else { return false }
        return row.samples.samples().contains { ComplexPoint(row, $0) != nil }
    }.map(\.name)

    @Test("enough rows take complex numbers") func count() {
        #expect(Self.rows.count > 55, "\(Self.rows.count): \(Self.rows)")
    }

    @Test("cotangents and tangents match differences", arguments: rows)
    func differences(name: String) throws {
        let row = try #require(OpTable.find(name: name))
        var count = 0
        for sample in row.samples.samples() {
            guard let point = ComplexPoint(row, sample), !point.wanted.isEmpty else { continue }
            check(row, point)
            count += 1
        }
        #expect(count > 0)
    }

    private func check(_ row: OpRow, _ point: ComplexPoint) {
        let primals = point.wanted.map { point.arrays[$0] }
        let function = { (x: [MLXArray]) -> [MLXArray] in
            var inputs = point.arrays
            for (argument, array) in zip(point.wanted, x) { inputs[argument] = array }
            return [point.result(row, inputs)]
        }
        var draws = Draws(seed: 21)
        let tangents = primals.map {
            $0.dtype == .complex64
                ? ComplexPoint.draw($0.shape, -1...1, -1...1, &draws)
                : draws.tensor($0.shape, -1...1, .float32).array(.float32)
        }
        let (outputs, slopes) = jvp(function, primals: primals, tangents: tangents)
        guard outputs[0].size > 0 else { return }
        func moved(_ step: Float) -> MLXArray {
            function(zip(primals, tangents).map { $0 + $1 * step })[0]
        }
        let h: Float = 0.02
        let difference =
            ((moved(h) - moved(-h)) * Float(8) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
        let error = MLX.max(MLX.abs(slopes[0] - difference)).item(Float.self)
        let size = MLX.max(MLX.abs(outputs[0])).item(Float.self)
        let large = MLX.max(MLX.abs(difference)).item(Float.self)
        let bound = 2e-3 * Swift.max(1, large) + 1e-4 * size
        #expect(error <= bound, "\(row.name): tangents off by \(error) of \(large)")
        // ⟨c, J t⟩ = ⟨Jᴴ c, t⟩ in the real inner product.
        let weights =
            outputs[0].dtype == .complex64
            ? ComplexPoint.draw(outputs[0].shape, 0.5...1.5, -1...1, &draws)
            : draws.tensor(outputs[0].shape, 0.5...1.5, .float32).array(outputs[0].dtype)
        let (_, gradients) = vjp(function, primals: primals, cotangents: [weights])
        let forward = inner(weights, difference)
        let reverse = zip(gradients, tangents).reduce(0) { $0 + inner($1.0, $1.1) }
        let terms = Float(outputs[0].size)
        #expect(
            Swift.abs(forward - reverse) <= bound * Swift.max(1, terms.squareRoot()),
            "\(row.name): \(reverse), differences give \(forward)")
    }

    /// Re Σ conj(a) b
    private func inner(_ a: MLXArray, _ b: MLXArray) -> Float {
        (conjugate(a.asType(.complex64)) * b.asType(.complex64)).realPart().sum().item(Float.self)
    }
}

/// A place at which a row is differentiated: complex inputs of a sample.
private struct ComplexPoint {
    let arrays: [MLXArray]
    let wanted: [Int]
    private let attributes: Attributes

    init?(_ row: OpRow, _ sample: SampleRule.Sample) {
        if sample.shapes.contains(where: { $0.reduce(1, *) > 400 }) { return nil }
        // Differences see no order where many neighbours are closer than their step.
        let isOrder = row.name == "sort" || row.name == "partition"
        if isOrder && sample.shapes[0].reduce(1, *) > 20 { return nil }
        let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? DType.complex64 }
        var draws = Draws(seed: 20)
        let inputs = zip(sample.shapes, types).enumerated().map { index, input in
            let domain = index < sample.domains.count ? sample.domains[index] : -2...2
            return draws.tensor(input.0, domain, input.1)
        }
        let real = Matrices.prepared(row.name, inputs)
        var arrays: [MLXArray] = []
        for (tensor, type) in zip(real, types) {
            let array = tensor.array(type)
            guard type == .complex64 else {
                arrays.append(array)
                continue
            }
            let imaginary = ComplexPoint.draw(tensor.shape, 0...0, 0.2...0.8, &draws)
            arrays.append(array + imaginary)
        }
        if row.name.hasPrefix("max_pool2d_") { return nil }
        self.arrays = arrays
        attributes = sample.attributes
        wanted = types.indices.filter { types[$0] == .complex64 }
        if wanted.isEmpty { return nil }
        // Rows that take no complex numbers give invalid nodes.
        if NodeReference(Ops.record(row.code, arrays, attributes)).isPoisoned { return nil }
    }

    static func draw(
        _ shape: [Int], _ real: ClosedRange<Double>, _ imaginary: ClosedRange<Double>,
        _ draws: inout Draws
    ) -> MLXArray {
        let re = draws.tensor(shape, real, .float32).array(.complex64)
        let im = draws.tensor(shape, imaginary, .float32).array(.complex64)
        return re + im * MLXArray(real: 0, imaginary: 1)
    }

    func result(_ row: OpRow, _ inputs: [MLXArray]) -> MLXArray {
        var inputs = inputs
        if row.name == "eigvalsh" {
            inputs[0] = (inputs[0] + conjugate(swappedAxes(inputs[0], -1, -2))) / 2
        }
        let y = Ops.record(row.code, inputs, attributes)
        guard ["cummax", "cummin"].contains(row.name) else { return y }
        return which(isFinite(y), y, MLXArray(real: 0, imaginary: 0))
    }
}
