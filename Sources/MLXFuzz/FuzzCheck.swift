import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner

/// Runs a program in different ways and compares. Plain means one operation at a time on one
/// device; everything else must give the same bits there, and the other device must agree within
/// each row's bound when it is given the same inputs.
package struct FuzzCheck: Sendable {
    /// A way of running that did not agree with running plainly.
    package struct Mismatch: Sendable, CustomStringConvertible {
        package let variant: String
        /// The node whose value differs.
        package let node: Int
        package let details: String

        package var description: String { "\(variant): v\(node): \(details)" }
    }

    /// The row that is made wrong on purpose, to see that it is found: its result on the GPU.
    package var plantedRow: OpCode?

    package init(plantedRow: OpCode? = nil) { self.plantedRow = plantedRow }

    /// - Returns: the first mismatch, nil when all ways agree.
    package func run(_ program: FuzzProgram) -> Mismatch? {
        let leaves = program.leaves.map { $0.array() }
        let plain = self.plain(program, leaves, on: .allCPU)
        return fused(program, leaves, plain, .allCPU, "fused on the cpu")
            ?? compiled(program, leaves, plain) ?? mapped(program, leaves, plain)
            ?? devices(program, leaves, plain)
    }

    private func with<R>(_ policy: SingleDevicePolicy, _ body: () -> R) -> R {
        Defaults.with({ $0.policy = policy }, body)
    }

    /// Evaluates; an error makes the arrays nil, as it must in every way of running.
    private func evaluate(_ arrays: [MLXArray]) -> Bool {
        (try? checkedEval(arrays)) != nil
    }

    /// All values, computed one operation at a time; nil where an operation failed.
    private func plain(
        _ program: FuzzProgram, _ leaves: [MLXArray], on policy: SingleDevicePolicy
    ) -> [MLXArray?] {
        with(policy) {
            var rest = leaves[...]
            var values: [MLXArray?] = []
            for node in program.nodes {
                switch node {
                case .leaf:
                    let leaf = rest.removeFirst()
                    _ = evaluate([leaf])
                    values.append(leaf)
                case .step(let step):
                    let inputs = step.inputs.compactMap { values[$0] }
                    guard inputs.count == step.inputs.count else {
                        values.append(nil)
                        continue
                    }
                    let result = Ops.record(step.op, inputs, step.attributes)
                    values.append(evaluate([result]) ? result : nil)
                }
            }
            return values
        }
    }

    // MARK: - Ways of running

    private func fused(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ plain: [MLXArray?],
        _ policy: SingleDevicePolicy, _ name: String
    ) -> Mismatch? {
        with(policy) {
            let outputs = program.outputs.filter { plain[$0] != nil }
            let all = program.record(leaves)
            let results = outputs.map { all[$0] }
            return compare(evaluate(results) ? results : nil, plain, outputs, name)
        }
    }

    private func compiled(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ plain: [MLXArray?]
    ) -> Mismatch? {
        with(.allCPU) {
            let outputs = program.outputs.filter { plain[$0] != nil }
            let f = compile { (x: [MLXArray]) -> [MLXArray] in
                let all = program.record(x)
                return outputs.map { all[$0] }
            }
            for name in ["compiled", "compiled, second call"] {
                let results = f(leaves)
                let mismatch = compare(evaluate(results) ? results : nil, plain, outputs, name)
                if let mismatch { return mismatch }
            }
            return nil
        }
    }

    /// A batch of two: the program's own leaves, and others.
    private func mapped(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ plain: [MLXArray?]
    ) -> Mismatch? {
        let specs = program.leaves
        guard specs.contains(where: { $0.constant == nil }) else { return nil }
        return with(.allCPU) {
            let others = specs.map { $0.array(variant: $0.constant == nil ? 1 : 0) }
            let second = self.plain(program, others, on: .allCPU)
            let outputs = program.outputs.filter { plain[$0] != nil && second[$0] != nil }
            let f = vmap(
                { (x: [MLXArray]) -> [MLXArray] in
                    let all = program.record(x)
                    return outputs.map { all[$0] }
                }, inAxes: specs.map { $0.constant == nil ? 0 : nil })
            let batches = zip(specs, zip(leaves, others)).map { spec, pair in
                spec.constant == nil ? MLX.stacked([pair.0, pair.1]) : pair.0
            }
            let results = f(batches)
            // A row may have no batch rule for what it was asked; it says so.
            if results.contains(where: { NodeReference($0).isPoisoned }) {
                return unsupported(results) ? nil : compare(nil, plain, outputs, "mapped")
            }
            for (index, wanted) in [plain, second].enumerated() {
                let elements = results.map { $0[index] }
                let mismatch = compare(
                    evaluate(elements) ? elements : nil, wanted, outputs,
                    "mapped, element \(index)")
                if let mismatch { return mismatch }
            }
            return nil
        }
    }

    private func unsupported(_ arrays: [MLXArray]) -> Bool {
        do {
            try checkedEval(arrays)
            return false
        } catch {
            return (error as? ArrayError)?.kind == .unsupported
        }
    }

    /// Every operation on the GPU with the inputs the CPU had, and the whole program there.
    private func devices(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ plain: [MLXArray?]
    ) -> Mismatch? {
        with(.allGPU) {
            for (number, node) in program.nodes.enumerated() {
                guard case .step(let step) = node, let wanted = plain[number] else { continue }
                let inputs = step.inputs.compactMap { plain[$0] }
                var result = Ops.record(step.op, inputs, step.attributes)
                if step.op == plantedRow {
                    result =
                        result.dtype == .bool
                        ? logicalNot(result) : result + MLXArray(1).asType(result.dtype)
                }
                guard evaluate([result]) else {
                    return Mismatch(variant: "gpu", node: number, details: "failed")
                }
                let epsilons = OpTable[step.op].toleranceEpsilons
                let details = FuzzComparison.difference(
                    result, wanted, epsilons: epsilons, terms: FuzzComparison.terms(of: inputs),
                    mayOverflow: epsilons > 0 && inputs.contains(where: FuzzComparison.isHuge))
                if let details {
                    return Mismatch(variant: "gpu", node: number, details: details)
                }
            }
            let own = self.plain(program, leaves, on: .allGPU)
            return fused(program, leaves, own, .allGPU, "fused on the gpu")
        }
    }

    private func compare(
        _ results: [MLXArray]?, _ wanted: [MLXArray?], _ outputs: [Int], _ variant: String
    ) -> Mismatch? {
        guard let results else {
            return Mismatch(variant: variant, node: outputs.first ?? 0, details: "failed")
        }
        for (result, output) in zip(results, outputs) {
            guard let wanted = wanted[output] else { continue }
            if let details = FuzzComparison.difference(result, wanted, epsilons: 0) {
                return Mismatch(variant: variant, node: output, details: details)
            }
        }
        return nil
    }
}

/// Compares two evaluated arrays. NaN equals NaN; otherwise bits, or a bound in units of the
/// dtype's epsilon relative to the largest number.
package enum FuzzComparison {
    /// Sums of such numbers may overflow on the way, in one order and not in another.
    static func isHuge(_ array: MLXArray) -> Bool {
        guard array.dtype.isFloatingPoint, array.size > 0 else { return false }
        let limit = array.dtype == .float64 ? 1e150 : 1e15
        return numbers(array, array.dtype).contains { !(Swift.abs($0) < limit) }
    }

    /// How large the terms of a sum of products of the inputs may be: sums that cancel are only as
    /// exact as their terms.
    static func terms(of inputs: [MLXArray]) -> Double {
        let sizes = inputs.filter { $0.dtype.isFloatingPoint }.map { input in
            numbers(input, input.dtype).reduce(1) { largest, number in
                number.isFinite ? Swift.max(largest, Swift.abs(number)) : largest
            }
        }
        return Swift.min(sizes.reduce(1, *), 1000)
    }

    /// - Parameters:
    ///   - terms: the bound is relative to the largest number, and at least to this.
    ///   - mayOverflow: numbers that are not finite on one side count as equal.
    package static func difference(
        _ got: MLXArray, _ wanted: MLXArray, epsilons: Double, terms: Double = 0,
        mayOverflow: Bool = false
    ) -> String? {
        guard got.shape == wanted.shape, got.dtype == wanted.dtype else {
            return "\(got.dtype)\(Shape.describe(got.shape)), not"
                + " \(wanted.dtype)\(Shape.describe(wanted.shape))"
        }
        let (a, b) = (got.asData().data, wanted.asData().data)
        if a == b { return nil }
        guard wanted.dtype.isFloatingPoint else { return first(got, wanted) }
        let type: DType = wanted.dtype == .float64 ? .float64 : .float32
        let (x, y) = (numbers(got, type), numbers(wanted, type))
        let largest = y.reduce(terms) { $1.isFinite ? Swift.max($0, Swift.abs($1)) : $0 }
        let unit = epsilon(wanted.dtype) * Swift.max(largest, smallest(wanted.dtype))
        for (index, pair) in zip(x, y).enumerated() where !same(pair.0, pair.1, epsilons > 0) {
            if mayOverflow && !(pair.0.isFinite && pair.1.isFinite) { continue }
            let error = Swift.abs(pair.0 - pair.1)
            if epsilons > 0, error <= epsilons * unit { continue }
            return "element \(index) is \(pair.0), not \(pair.1)"
        }
        return nil
    }

    private static func same(_ a: Double, _ b: Double, _ signsMayDiffer: Bool) -> Bool {
        if a.isNaN && b.isNaN { return true }
        return a == b && (signsMayDiffer || a.sign == b.sign)
    }

    private static func first(_ got: MLXArray, _ wanted: MLXArray) -> String? {
        let (x, y) = (
            got.asType(.int64).asArray(Int64.self), wanted.asType(.int64).asArray(Int64.self)
        )
        guard let index = x.indices.first(where: { x[$0] != y[$0] }) else { return nil }
        return "element \(index) is \(x[index]), not \(y[index])"
    }

    /// The numbers in float64, complex ones as two.
    private static func numbers(_ array: MLXArray, _ type: DType) -> [Double] {
        if array.dtype == .complex64 {
            return array.asArray(Complex<Float>.self).flatMap {
                [Double($0.real), Double($0.imaginary)]
            }
        }
        return array.asType(.float64).asArray(Double.self)
    }

    static func epsilon(_ dtype: DType) -> Double {
        switch dtype {
        case .float16: 0x1p-10
        case .bfloat16: 0x1p-7
        case .float64: 0x1p-52
        default: 0x1p-23
        }
    }

    private static func smallest(_ dtype: DType) -> Double {
        switch dtype {
        case .float16: 0x1p-14
        case .float64: 0x1p-1022
        default: 0x1p-126
        }
    }
}
