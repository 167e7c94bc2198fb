import Foundation
import MLX
import MLXNN
import Testing

@testable import MLXOptimizers

/// Training that is stopped, stored, loaded and continued, against training in one go.
@Suite("Stored optimizers") struct StateTests {
    private static let names = [
        "SGD", "SGD momentum", "RMSprop", "AdaGrad", "AdaDelta", "Adam", "Adam corrected",
        "AdamW", "Adamax", "Lion", "Adafactor", "Adafactor mean", "Muon", "several",
    ]

    private static func make(_ name: String) -> any StoringOptimizer {
        switch name {
        case "SGD": SGD(learningRate: 0.1)
        case "SGD momentum": SGD(learningRate: 0.1, momentum: 0.9)
        case "RMSprop": RMSprop(learningRate: 0.01)
        case "AdaGrad": AdaGrad(learningRate: 0.1)
        case "AdaDelta": AdaDelta(learningRate: 0.1)
        case "Adam": Adam(learningRate: 0.01)
        case "Adam corrected": Adam(learningRate: 0.01, biasCorrection: true)
        case "AdamW": AdamW(learningRate: 0.01)
        case "Adamax": Adamax(learningRate: 0.01)
        case "Lion": Lion(learningRate: 0.01)
        case "Adafactor": Adafactor()
        case "Adafactor mean": Adafactor(beta1: 0.9, warmupInit: true)
        case "Muon": Muon(learningRate: 0.01)
        default:
            MultiOptimizer(
                optimizers: [Muon(learningRate: 0.01), Adam(learningRate: 0.01)],
                filters: [{ _, gradient in gradient.ndim == 2 }])
        }
    }

    private func model() -> Sequential {
        withRandomState(MLXRandom.RandomState(seed: 3)) {
            let model = Sequential(layers: Linear(3, 4), Tanh(), Linear(4, 2))
            eval(model)
            return model
        }
    }

    private func train(
        _ model: Sequential, _ optimizer: any Optimizer, _ steps: Range<Int>
    ) {
        let gradients = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in
            mseLoss(predictions: model(x), targets: y)
        }
        for step in steps {
            let x = sin(MLXArray(0..<15, [5, 3]).asType(.float32) + step)
            let (_, found) = gradients(model, x, x[0..., ..<2])
            optimizer.update(model: model, gradients: found)
            eval(model, optimizer)
        }
    }

    private func temporary() -> URL {
        FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).safetensors")
    }

    @Test("training goes on bit for bit", arguments: names) func resume(name: String) throws {
        let (whole, plain) = (model(), Self.make(name))
        train(whole, plain, 0..<6)
        let (weights, state) = (temporary(), temporary())
        defer { for url in [weights, state] { try? FileManager.default.removeItem(at: url) } }
        let (first, stopped) = (model(), Self.make(name))
        train(first, stopped, 0..<3)
        try first.saveWeights(to: weights)
        try stopped.saveState(to: state)
        let (second, resumed) = (model(), Self.make(name))
        try second.loadWeights(from: weights)
        try resumed.loadState(from: state)
        train(second, resumed, 3..<6)
        for ((key, expected), (_, found)) in zip(
            whole.parameters().flattened(), second.parameters().flattened())
        {
            let bits = (
                expected.asArray(Float.self).map(\.bitPattern),
                found.asArray(Float.self).map(\.bitPattern)
            )
            #expect(bits.0 == bits.1, "\(name) \(key)")
        }
    }

    @Test("names are paths, and the learning rate is stored") func naming() throws {
        let (model, adam) = (model(), Adam(learningRate: 0.01))
        train(model, adam, 0..<1)
        adam.learningRate = 0.5
        let state = adam.namedState()
        #expect(state.count == 9 && state["layers.0.weight.m"]?.shape == [4, 3])
        let other = Adam(learningRate: 0.01)
        try other.setNamedState(state)
        #expect(other.learningRate == 0.5 && other.innerState().count == 8)
        #expect(SGD(learningRate: 1).namedState().count == 1)
    }

    @Test("what does not fit is refused whole") func misfits() throws {
        let (model, adam, url) = (model(), Adam(learningRate: 0.01), temporary())
        defer { try? FileManager.default.removeItem(at: url) }
        train(model, adam, 0..<2)
        try adam.saveState(to: url)
        #expect(throws: OptimizerStateError.otherOptimizer(expected: "Lion", found: "Adam")) {
            try Lion(learningRate: 1).loadState(from: url)
        }
        let before = adam.namedState()
        var state = before
        state["layers.0.bias.v"] = nil
        state["nonsense"] = MLXArray(1 as Float)
        #expect(
            throws: OptimizerStateError.unexpectedNames(["layers.0.bias.m", "nonsense"])
        ) { try adam.setNamedState(state) }
        #expect(Set(adam.namedState().keys) == Set(before.keys))
        let several = MultiOptimizer(optimizers: [adam])
        #expect(throws: OptimizerStateError.unexpectedNames(["states.1.a.m"])) {
            try several.setNamedState(["states.1.a.m": MLXArray(1 as Float)])
        }
        #expect(throws: OptimizerStateError.self) {
            try several.setNamedState(["states.0.a.m": MLXArray(1 as Float)])
        }
        #expect(Set(adam.namedState().keys) == Set(before.keys))
    }
}
