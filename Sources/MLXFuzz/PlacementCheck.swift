import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner
import MLXRuntime

/// Checks that an expression has the same bits wherever it stands: each output of a program by
/// itself gives the reference, and the same output in other surroundings must agree with it bit
/// for bit. It evaluates on an engine of its own, with costs of its own and the default policy on
/// shared cores, so that steps run on different devices from one calibration to the next.
package struct PlacementCheck: Sendable {
    package let costs: CostModel
    /// Also with inputs whose values are the same and whose strides are not. This asks more than
    /// placement promises: a kernel may add in another order along another stride.
    package var checksLayouts = false
    private let engine: Engine

    /// - Parameter policy: one that looks at neighbours is found out, which shows that the check
    ///   can fail.
    package init(costs: CostModel, policy: any SchedulingPolicy = CostPolicy()) {
        self.costs = costs
        var configuration = Engine.Configuration(topology: .system())
        configuration.costs = costs
        configuration.policy = policy
        engine = Engine(configuration)
    }

    /// Ends the engine's threads.
    package func shutdown() {
        for team in engine.teams { (team as? Team)?.shutdown() }
    }

    /// - Parameter other: a program to evaluate beside.
    /// - Returns: the first output whose bits depend on where it stands.
    package func run(
        _ program: FuzzProgram, beside other: FuzzProgram
    ) -> FuzzCheck.Mismatch? {
        let leaves = program.leaves.map { $0.array() }
        guard evaluate(leaves) else { return nil }
        let stepwise = self.stepwise(program, leaves)
        let outputs = program.outputs.filter { stepwise[$0] != nil }
        if outputs.isEmpty { return nil }
        var alone: [MLXArray] = []
        for output in outputs {
            let result = program.record(leaves)[output]
            guard evaluate([result]) else {
                return .init(variant: "alone", node: output, details: "failed")
            }
            alone.append(result)
        }
        let surroundings: [(String, () -> [MLXArray]?)] = [
            ("one step at a time", { outputs.map { stepwise[$0]! } }),
            ("all outputs together", { self.together(program.record(leaves), outputs) }),
            ("beside others", { self.beside(other, program.record(leaves), outputs) }),
            ("inside a larger graph", { self.inside(program.record(leaves), outputs) }),
            ("with computed inputs", { self.computed(program, leaves, outputs) }),
            ("with constant inputs", { self.constant(program, leaves, outputs) }),
            ("in another order", { self.reordered(program, leaves, outputs) }),
            ("compiled", { self.compiled(program, leaves, outputs) }),
            (
                "with inputs of another layout",
                {
                    checksLayouts ? self.relaid(program, leaves, outputs) : alone
                }
            ),
        ]
        for (name, values) in surroundings {
            guard let values = values() else {
                return .init(variant: name, node: outputs[0], details: "failed")
            }
            for (number, output) in outputs.enumerated() {
                let details = FuzzComparison.difference(
                    values[number], alone[number], epsilons: 0)
                if let details { return .init(variant: name, node: output, details: details) }
            }
        }
        return nil
    }

    // MARK: - Evaluating

    private func evaluate(_ arrays: [MLXArray]) -> Bool {
        (try? engine.evaluateBlocking(.init(roots: arrays))) != nil
    }

    private func evaluated(_ arrays: [MLXArray]) -> [MLXArray]? {
        evaluate(arrays) ? arrays : nil
    }

    /// Every value from inputs that are there; nil where an operation fails.
    private func stepwise(_ program: FuzzProgram, _ leaves: [MLXArray]) -> [MLXArray?] {
        var rest = leaves[...]
        var values: [MLXArray?] = []
        for node in program.nodes {
            switch node {
            case .leaf: values.append(rest.removeFirst())
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

    // MARK: - Surroundings

    private func together(_ values: [MLXArray], _ outputs: [Int]) -> [MLXArray]? {
        evaluated(outputs.map { values[$0] })
    }

    private func beside(
        _ other: FuzzProgram, _ values: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        let wanted = outputs.map { values[$0] }
        let neighbours = other.record(other.leaves.map { $0.array() })
        if evaluate(other.outputs.map { neighbours[$0] } + wanted) { return wanted }
        // Something beside fails by its values, and the evaluation with it.
        return evaluated(wanted)
    }

    /// The outputs feed further operations, and nobody holds them: what comes back has been copied
    /// by a concatenation.
    private func inside(_ values: [MLXArray], _ outputs: [Int]) -> [MLXArray]? {
        var roots: [MLXArray] = []
        for output in outputs {
            let value = values[output]
            let sum = Ops.reduce(
                .sum, Ops.cast(value, to: .float32), axes: nil, keepDims: false)
            roots.append(copied(value))
            roots.append(Ops.unary(.tanh, Ops.binary(.multiply, sum, sum)))
        }
        guard evaluate(roots) else { return nil }
        return outputs.indices.map { roots[2 * $0] }
    }

    /// The value through a copy that changes no bit.
    private func copied(_ value: MLXArray) -> MLXArray {
        let flat = Ops.reshape(value, [value.size])
        let two = Ops.concatenate([flat, flat], axis: 0)
        return Ops.reshape(Ops.slice(two, axis: 0, 0, value.size), value.shape)
    }

    private func computed(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        let values = program.record(leaves.map(copied))
        return evaluated(outputs.map { values[$0] })
    }

    /// Numbers and constant arrays as the constants of a plan.
    private func constant(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        let constants = zip(program.leaves, leaves).map { leaf, array -> MLXArray in
            guard array.size > 0, array.size == 1 || leaf.constant != nil,
                array.dtype != .complex64, let value = array.value
            else { return array }
            var bits: UInt64 = 0
            withUnsafeMutableBytes(of: &bits) {
                $0.copyMemory(
                    from: UnsafeRawBufferPointer(
                        start: value.pointer, count: array.dtype.size))
            }
            let number = Ops.scalar(bits: bits, array.dtype)
            return array.shape.isEmpty
                ? number : Ops.record(.full, [number], Attributes(outputShape: array.nodeShape))
        }
        let values = program.record(constants)
        return evaluated(outputs.map { values[$0] })
    }

    /// The last output first, and inputs from the last to the first.
    private func reordered(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        var values: [Int: MLXArray] = [:]
        var rest = leaves[...]
        for (number, node) in program.nodes.enumerated() {
            if case .leaf = node { values[number] = rest.removeFirst() }
        }
        func record(_ number: Int) -> MLXArray {
            if let known = values[number] { return known }
            let step = program.step(number)!
            for input in step.inputs.reversed() { _ = record(input) }
            let value = Ops.record(step.op, step.inputs.map { values[$0]! }, step.attributes)
            values[number] = value
            return value
        }
        for output in outputs.reversed() { _ = record(output) }
        let wanted = outputs.map { values[$0]! }
        return evaluate(wanted.reversed()) ? wanted : nil
    }

    private func compiled(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        let f = compile { (x: [MLXArray]) -> [MLXArray] in
            let all = program.record(x)
            return outputs.map { all[$0] }
        }
        guard evaluate(f(leaves)) else { return nil }
        return evaluated(f(leaves))
    }

    /// Inputs that are windows onto a transposed copy.
    private func relaid(
        _ program: FuzzProgram, _ leaves: [MLXArray], _ outputs: [Int]
    ) -> [MLXArray]? {
        let turned = leaves.map { leaf -> MLXArray in
            let axes = Array((0..<leaf.ndim).reversed())
            let back = Ops.transpose(copied(Ops.transpose(leaf, axes)), axes)
            return evaluate([back]) ? back : leaf
        }
        let values = program.record(turned)
        return evaluated(outputs.map { values[$0] })
    }
}
