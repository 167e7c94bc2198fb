import MLX
import MLXBase
import MLXGraph
import MLXOps

/// A call of one row of the op table that a function file could ask for: a sample of the row with
/// some of its inputs, shapes, dtypes and attributes made wrong. Whatever they are, recording gives
/// an array that can be computed, differentiated and mapped, or an invalid one.
package struct HostileCall {
    /// What became of a call.
    package enum Outcome: Sendable { case refused, large, computed, failed }

    private let row: OpRow
    private var attributes: Attributes
    private let inputs: [MLXArray]
    private let device: SingleDevicePolicy
    /// Which transform is applied, of those there are.
    private let transform: Int

    /// Results with more elements are recorded and not computed.
    private static let computedElements = 1 << 12
    private static let rows = OpTable.rows
    private static let samples = rows.map { $0.samples.samples() }

    package init(_ bytes: inout FuzzBytes) {
        let number = bytes.below(Self.rows.count)
        row = Self.rows[number]
        let samples = Self.samples[number]
        let sample = samples.isEmpty ? .init([]) : samples[bytes.below(samples.count)]
        device = [.allCPU, .allGPU, .allCPU, .allCPU][bytes.below(4)]
        transform = bytes.below(6)
        attributes = Self.attributes(sample.attributes, &bytes)
        inputs = Self.inputs(sample, &bytes)
    }

    /// Records and computes. Errors are what is hoped for; anything else ends the process.
    package func run() -> Outcome {
        Defaults.with({ $0.policy = device }) {
            let outcome = compute { Ops.record(row.code, $0, attributes) }
            if outcome == .computed { transformed() }
            return outcome
        }
    }

    private func compute(_ function: ([MLXArray]) -> MLXArray) -> Outcome {
        outcome([function(inputs)])
    }

    private func outcome(_ results: [MLXArray]) -> Outcome {
        if results.contains(where: { NodeReference($0).isPoisoned }) { return .refused }
        guard results.allSatisfy({ $0.size <= Self.computedElements }) else { return .large }
        return (try? checkedEval(results)) == nil ? .failed : .computed
    }

    private func transformed() {
        let function = { (x: [MLXArray]) in [Ops.record(row.code, x, attributes)] }
        switch transform {
        case 1 where !inputs.isEmpty:
            let floats = inputs.indices.filter { inputs[$0].dtype.isFloatingPoint }
            guard !floats.isEmpty else { return }
            let slopes = grad(
                { (x: [MLXArray]) in
                    [
                        Ops.reduce(
                            .sum, Ops.cast(function(x)[0], to: .float32), axes: nil,
                            keepDims: false)
                    ]
                }, argumentNumbers: floats)(inputs)
            _ = outcome(slopes)
        case 2 where !inputs.isEmpty:
            let batches = inputs.map { MLX.stacked([$0, $0]) }
            _ = outcome(vmap(function, inAxes: inputs.map { _ in 0 })(batches))
        case 3:
            _ = outcome(compile(function)(inputs))
        case 4:
            _ = outcome(compile(shapeless: true, function)(inputs))
        default: break
        }
    }

    // MARK: - What is tried

    private static func attributes(
        _ sample: Attributes, _ bytes: inout FuzzBytes
    ) -> Attributes {
        var result = sample
        if bytes.once(in: 3) { result.word = UInt64(bitPattern: Int64(bytes.number())) }
        for index in result.words.indices where bytes.once(in: 3) {
            result.words[index] = bytes.number()
        }
        if bytes.once(in: 12) { result.words.append(bytes.number()) }
        if bytes.once(in: 12), !result.words.isEmpty { result.words.removeLast() }
        if bytes.once(in: 5) {
            var dims = result.outputShape?.array ?? []
            if bytes.once(in: 2) || dims.isEmpty {
                dims = (0..<bytes.below(6)).map { _ in
                    bytes.once(in: 12) ? bytes.number() : bytes.below(9)
                }
            } else {
                let axis = bytes.below(dims.count)
                dims[axis] = bytes.once(in: 4) ? bytes.number() : bytes.below(9)
            }
            result.outputShape = try? Shape(validating: dims, operation: "fuzz")
        }
        if bytes.once(in: 6) { result.outputDType = dtype(&bytes) }
        return result
    }

    private static func dtype(_ bytes: inout FuzzBytes) -> DType {
        DType.allCases[bytes.below(DType.allCases.count)]
    }

    private static func inputs(
        _ sample: SampleRule.Sample, _ bytes: inout FuzzBytes
    ) -> [MLXArray] {
        let main = bytes.once(in: 3) ? dtype(&bytes) : .float32
        var shapes = sample.shapes.filter { $0.reduce(1, *) <= computedElements }
        if bytes.once(in: 10), !shapes.isEmpty { shapes.remove(at: bytes.below(shapes.count)) }
        if bytes.once(in: 10), let last = shapes.last { shapes.append(last) }
        return shapes.enumerated().map { number, shape in
            var dims = shape
            if bytes.once(in: 6), !dims.isEmpty { dims[bytes.below(dims.count)] = bytes.below(9) }
            if bytes.once(in: 8) { dims = (0..<bytes.below(5)).map { _ in bytes.below(6) } }
            let own =
                bytes.once(in: 10) ? dtype(&bytes) : sample.fixedDTypes[number] ?? main
            return array(dims, own, &bytes)
        }
    }

    /// An array of that shape: dense, or a window of another (turned, repeated, shifted).
    private static func array(
        _ dims: [Int], _ dtype: DType, _ bytes: inout FuzzBytes
    ) -> MLXArray {
        let rank = dims.count
        switch bytes.below(6) {
        case 0 where rank > 1:
            return Ops.transpose(
                dense(dims.reversed(), dtype, &bytes), Array((0..<rank).reversed()))
        case 1:
            return Ops.broadcast(
                dense([Int](repeating: 1, count: rank), dtype, &bytes), to: dims)
        case 2 where rank > 0:
            let wide = dims.map { $0 + 1 }
            return Ops.slice(
                dense(wide, dtype, &bytes), starts: dims.map { $0 > 0 ? 1 : 0 },
                steps: dims.map { _ in 1 }, sizes: dims)
        case 3 where rank > 0 && !dims.contains(0):
            return Ops.slice(
                dense(dims, dtype, &bytes), starts: dims.map { $0 - 1 },
                steps: dims.map { _ in -1 }, sizes: dims)
        default: return dense(dims, dtype, &bytes)
        }
    }

    /// A few numbers over and over, small ones for the most part: they may be indices.
    private static func dense(
        _ dims: [Int], _ dtype: DType, _ bytes: inout FuzzBytes
    ) -> MLXArray {
        let count = dims.reduce(1, *)
        let period = 1 + bytes.below(5)
        let numbers = (0..<period).map { _ -> Double in
            switch bytes.below(8) {
            case 0: Double(bytes.number())
            case 1: [Double.nan, .infinity, -.infinity, 1e300, -0.0][bytes.below(5)]
            default: Double(bytes.below(16)) - 4
            }
        }
        let values = (0..<count).map { Float(numbers[$0 % period]) }
        return Ops.cast(MLXArray(values, dims), to: dtype)
    }
}
