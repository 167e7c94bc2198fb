import MLX
import MLXBase
import MLXOps

/// Scenarios from the op table: a row computes its first sample that it takes in float32, is
/// differentiated, and is mapped over a batch.
extension Scenario {
    /// What a row is given.
    private struct Call: Sendable {
        let row: OpRow
        let sample: SampleRule.Sample

        /// - Returns: the inputs, made anew.
        func inputs() -> [MLXArray] {
            sample.shapes.indices.map { index in
                let domain = index < sample.domains.count ? sample.domains[index] : -2...2
                let array = numbers(sample.shapes[index], in: domain, seed: UInt64(index + 1))
                return sample.fixedDTypes[index].map { array.asType($0) } ?? array
            }
        }

        func result(_ inputs: [MLXArray]) -> MLXArray {
            Ops.record(row.code, inputs, sample.attributes)
        }
    }

    private static let calls: [Call] = OpTable.rows.compactMap { (row: OpRow) -> Call? in
        let sample = row.samples.samples().first(where: { isTaken($0, by: row) })
        return sample.map { Call(row: row, sample: $0) }
    }

    /// Whether a row takes a sample in float32.
    private static func isTaken(_ sample: SampleRule.Sample, by row: OpRow) -> Bool {
        guard let shapes = try? sample.shapes.map({ try Shape(validating: $0) }) else {
            return false
        }
        let types = sample.shapes.indices.map { sample.fixedDTypes[$0] ?? .float32 }
        let context = RuleContext(
            code: row.code, shapes: shapes, dtypes: types, attributes: sample.attributes)
        return (try? row.dtype.apply(context)) != nil && (try? row.shape.apply(context)) != nil
    }

    static var operations: [Scenario] {
        calls.map { call in
            Scenario(name: "op:\(call.row.name)") { [call.result(call.inputs())] }
        }
    }

    /// Of those rows that have a derivative and a real floating-point input.
    static var gradients: [Scenario] {
        calls.compactMap { call in
            let floats = call.sample.shapes.indices.filter {
                (call.sample.fixedDTypes[$0] ?? .float32).isFloatingPoint
            }
            if case .none = call.row.vjp { return nil }
            guard !floats.isEmpty else { return nil }
            return Scenario(name: "gradient:\(call.row.name)") {
                let slopes = grad(
                    { (x: [MLXArray]) in [abs(call.result(x)).asType(.float32).sum()] },
                    argumentNumbers: floats)
                return slopes(call.inputs())
            }
        }
    }

    static var batches: [Scenario] {
        calls.compactMap { call in
            guard !call.sample.shapes.isEmpty else { return nil }
            return Scenario(name: "batch:\(call.row.name)") {
                let axes = call.sample.shapes.map { _ in Int?.some(0) }
                let mapped = vmap({ [call.result($0)] }, inAxes: axes)
                return mapped(call.inputs().map { stacked([$0, $0]) })
            }
        }
    }
}
