import Foundation
import MLX
import MLXNN
import MLXRuntime
import Testing

@testable import MLXOptimizers

/// Optimizers against the parameters that MLX's have after each of three steps, from
/// Fixtures/optimizers.json, which the script beside it writes; state, clipping, schedules.
@Suite("Optimizers") struct OptimizerTests {
    private class Parameters: Module {
        let vector = MLXArray([1, -2, 3] as [Float])
        let matrix = MLXArray([1, 2, 3, 4, -1, 0.5] as [Float], [3, 2])
    }

    private let gradients: [[String: [Float]]] = [
        ["vector": [0.5, -0.25, 2], "matrix": [0.1, -0.2, 0.3, 0.4, -0.5, 1]],
        ["vector": [-0.1, -0.5, 1], "matrix": [0.2, 0.2, -0.3, 0.1, 0.5, 0.7]],
        ["vector": [0.3, 0, -1], "matrix": [-0.4, 0.6, 0, -0.1, 0.2, -0.3]],
    ]

    private func tree(_ values: [String: [Float]]) -> ModuleParameters {
        ModuleParameters(
            values: values.mapValues { .value(MLXArray($0, $0.count == 3 ? [3] : [3, 2])) })
    }

    private static func make(_ name: String) -> any Optimizer {
        switch name {
        case "SGD": SGD(learningRate: 0.1)
        case "SGD momentum": SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.05)
        case "SGD nesterov": SGD(learningRate: 0.1, momentum: 0.9, nesterov: true)
        case "SGD dampening": SGD(learningRate: 0.1, momentum: 0.9, dampening: 0.2)
        case "RMSprop": RMSprop(learningRate: 0.1)
        case "AdaGrad": AdaGrad(learningRate: 0.1)
        case "AdaDelta": AdaDelta(learningRate: 0.1)
        case "Adam": Adam(learningRate: 0.1)
        case "Adam corrected": Adam(learningRate: 0.1, biasCorrection: true)
        case "AdamW": AdamW(learningRate: 0.1, weightDecay: 0.1)
        case "AdamW corrected": AdamW(learningRate: 0.1, biasCorrection: true)
        case "Adamax": Adamax(learningRate: 0.1)
        case "Lion": Lion(learningRate: 0.1, weightDecay: 0.1)
        case "Adafactor": Adafactor()
        case "Adafactor mean": Adafactor(beta1: 0.9, weightDecay: 0.1, warmupInit: true)
        case "Adafactor fixed":
            Adafactor(learningRate: 0.05, scaleParameter: false, relativeStep: false)
        case "Muon": Muon(learningRate: 0.1)
        default: Muon(learningRate: 0.1, momentum: 0.8, weightDecay: 0, nesterov: false)
        }
    }

    @Test("three steps give MLX's parameters") func knownAnswers() throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "optimizers", withExtension: "json", subdirectory: "Fixtures"))
        let golden = try JSONDecoder().decode(
            [String: [[String: [Float]]]].self, from: Data(contentsOf: url))
        #expect(golden.count == 18)
        for (name, steps) in golden {
            let (model, optimizer) = (Parameters(), Self.make(name))
            for (gradient, expected) in zip(gradients, steps) {
                optimizer.update(model: model, gradients: tree(gradient))
                eval(model, optimizer)
                for (key, array) in model.parameters().flattened() {
                    let values = array.asArray(Float.self)
                    let isClose = zip(values, expected[key] ?? []).allSatisfy {
                        abs($0 - $1) <= 1e-5 * (1 + abs($1))
                    }
                    #expect(isClose, "\(name) \(key): \(values) \(expected[key] ?? [])")
                }
            }
        }
    }

    @Test("two steps of the same gradient") func twoSteps() {
        let answers: [(any Optimizer, [Float])] = [
            (SGD(learningRate: 0.1, momentum: 0.9), [0.971, 2.058, 2.913, 3.884]),
            (Adam(learningRate: 0.1), [0.25881502, 2.7411859, 2.2588136, 3.2588136]),
            (Lion(learningRate: 0.1), [0.8, 2.2, 2.8, 3.8]),
            (RMSprop(learningRate: 0.1), [-0.70887983, 3.7088804, 1.2911192, 2.2911191]),
            (AdaDelta(learningRate: 0.1), [0.99935967, 2.0006406, 2.9993594, 3.9993594]),
            (Adafactor(), [0.95768166, 2.0598471, 2.9432240, 3.9464713]),
            (Muon(learningRate: 0.1), [0.82837284, 2.1430762, 2.8878260, 3.8963573]),
        ]
        for (optimizer, expected) in answers {
            let model = Linear(weight: MLXArray([1, 2, 3, 4] as [Float], [2, 2]))
            let gradient = MLXArray([0.1, -0.2, 0.3, 0.4] as [Float], [2, 2])
            for _ in 0..<2 {
                optimizer.update(
                    model: model,
                    gradients: ModuleParameters(values: ["weight": .value(gradient)]))
            }
            let values = model.weight.asArray(Float.self)
            #expect(
                zip(values, expected).allSatisfy { abs($0 - $1) < 1e-4 }, "\(values) \(expected)")
        }
    }

    @Test("parameters without a gradient stay, and keep their state") func missing() {
        let (model, optimizer) = (Parameters(), Adam(learningRate: 0.1))
        optimizer.update(model: model, gradients: tree(gradients[0]))
        eval(model, optimizer)
        #expect(optimizer.innerState().count == 4)
        let vector = model.vector.asArray(Float.self)
        optimizer.update(model: model, gradients: tree(["matrix": gradients[1]["matrix"]!]))
        #expect(model.vector.asArray(Float.self) == vector)
        #expect(optimizer.innerState().count == 4)
        let applied = optimizer.apply(
            gradients: tree(gradients[0]), modelParameters: model.parameters())
        #expect(applied.mapValues { $0.shape } == model.parameters().mapValues { $0.shape })
    }

    @Test("parameters keep their dtype") func dtypes() {
        for name in ["SGD momentum", "Adam corrected", "AdamW", "Adafactor", "Muon", "Lion"] {
            let model = Linear(
                weight: MLXArray.ones([4, 2], dtype: .bfloat16),
                bias: MLXArray.ones([4], dtype: .bfloat16))
            let gradients = model.parameters().mapValues { $0 * 0.5 }
            Self.make(name).update(model: model, gradients: gradients)
            #expect(
                model.parameters().flattenedValues().allSatisfy { $0.dtype == .bfloat16 },
                "\(name)")
        }
    }

    @Test("a schedule changes no graph: one plan serves all steps") func plans() throws {
        let engine = Engine(.init(topology: .system(kind: .shared, threadCount: 1)))
        for name in ["SGD momentum", "Adam", "AdamW corrected", "Lion", "Adafactor mean"] {
            let (model, optimizer) = (Parameters(), Self.make(name))
            var misses: [UInt64] = []
            for step in 0..<6 {
                (optimizer as? SGD)?.learningRate = 0.1 / Float(step + 1)
                (optimizer as? Adam)?.learningRate = 0.1 / Float(step + 1)
                (optimizer as? Lion)?.learningRate = 0.1 / Float(step + 1)
                optimizer.update(model: model, gradients: tree(gradients[step % 3]))
                try engine.evaluateBlocking(
                    .init(roots: model.innerState() + optimizer.innerState()))
                misses.append(engine.statistics.planMisses)
            }
            // The first step reads fresh zeros; from the second on the graph is the same.
            #expect(misses[1] == misses[5], "\(name): \(misses)")
        }
    }

    @Test("several optimizers share a model") func multiple() {
        let (sgd, adam) = (SGD(learningRate: 1), Adam(learningRate: 0.1))
        let optimizer = MultiOptimizer(
            optimizers: [sgd, adam], filters: [{ path, _ in path == "layers.1.bias" }])
        let model = Sequential(layers: Linear(1, 1), Linear(1, 1))
        let before = model.parameters().mapValues { $0.item(Float.self) }
        optimizer.update(model: model, gradients: model.parameters().mapValues { ones(like: $0) })
        let moved = model.parameters().mapValues(before) { $1! - $0.item(Float.self) }
        #expect(adam.innerState().count == 6)
        let distances = Dictionary(uniqueKeysWithValues: moved.flattened())
        #expect(abs(distances["layers.1.bias"]! - 1) < 1e-5)
        #expect(abs(distances["layers.0.weight"]! - 0.316) < 1e-2)
    }

    @Test("gradients are clipped together") func clipping() {
        let gradients = [MLXArray([3] as [Float]), MLXArray([0, 4] as [Float])]
        let (clipped, norm) = clipGradNorm(gradients: gradients, maxNorm: 1)
        #expect(norm.item(Float.self) == 5)
        #expect(abs(clipped[0].item(Float.self) - 0.6) < 1e-5)
        #expect(abs(clipped[1].asArray(Float.self)[1] - 0.8) < 1e-5)
        let (same, _) = clipGradNorm(gradients: gradients, maxNorm: 6)
        #expect(same[1].asArray(Float.self) == [0, 4])
        let (tree, treeNorm) = clipGradNorm(
            gradients: ModuleParameters(values: ["a": .value(gradients[1])]), maxNorm: 2)
        #expect(treeNorm.item(Float.self) == 4 && tree.count == 1)
    }

    @Test("schedules") func schedules() {
        #expect(exponentialDecay(0.1, decayRate: 0.5)(2) == 0.025)
        #expect(stepDecay(0.1, decayRate: 0.5, stepSize: 10)(19) == 0.05)
        let cosine = cosineDecay(1, decaySteps: 10, end: 0.5)
        #expect(cosine(0) == 1 && abs(cosine(5) - 0.75) < 1e-6 && cosine(20) == 0.5)
        let linear = linearSchedule(0, end: 1, steps: 4)
        #expect((0..<6).map(linear) == [0, 0.25, 0.5, 0.75, 1, 1])
        let joined = joinSchedules([linear, cosine], boundaries: [4])
        #expect(joined(2) == 0.5 && joined(4) == 1 && abs(joined(9) - 0.75) < 1e-6)
    }
}
