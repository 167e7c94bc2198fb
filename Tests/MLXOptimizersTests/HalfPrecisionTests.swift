import MLX
import MLXNN
import Testing

@testable import MLXOptimizers

/// Steps of float16 and bfloat16 parameters, against the same steps in float32: gradients of zero,
/// small ones whose squares are subnormal or zero in float16, and large ones whose squares are
/// infinite.
@Suite("Optimizers of half types") struct HalfPrecisionTests {
    private class Parameters: Module {
        let matrix: MLXArray
        let vector: MLXArray

        init(_ type: DType) {
            matrix = MLXArray([1, -2, 0.5, 3, 0.25, -1] as [Float], [3, 2]).asType(type)
            vector = MLXArray([1, -0.5, 2] as [Float]).asType(type)
        }
    }

    private static let optimizers: [(String, @Sendable () -> any Optimizer)] = [
        ("SGD", { SGD(learningRate: 0.1) }),
        ("SGD momentum", { SGD(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01) }),
        ("RMSprop", { RMSprop(learningRate: 0.1) }), ("AdaGrad", { AdaGrad(learningRate: 0.1) }),
        ("AdaDelta", { AdaDelta(learningRate: 0.1) }), ("Adam", { Adam(learningRate: 0.1) }),
        ("Adam corrected", { Adam(learningRate: 0.1, biasCorrection: true) }),
        ("AdamW", { AdamW(learningRate: 0.1) }), ("Adamax", { Adamax(learningRate: 0.1) }),
        ("Lion", { Lion(learningRate: 0.1) }), ("Adafactor", { Adafactor() }),
        ("Adafactor mean", { Adafactor(beta1: 0.9, weightDecay: 0.1) }),
        ("Muon", { Muon(learningRate: 0.1) }),
    ]

    private func gradients(_ model: Parameters, _ size: Float) -> ModuleParameters {
        model.parameters().mapValues { array in
            let signs = MLXArray((0..<array.size).map { Float($0 % 3) - 1 }, array.shape)
            return (signs * size).asType(array.dtype)
        }
    }

    @Test("a step is the one in float32, rounded", arguments: [DType.float16, .bfloat16])
    func steps(type: DType) {
        for (name, make) in Self.optimizers {
            for size in [0, 1e-6, 1e-4, 1, 300, 6e4] as [Float] {
                let (half, optimizer) = (Parameters(type), make())
                let gradients = gradients(half, size)
                let wide = Parameters(.float32)
                wide.update(parameters: half.parameters().mapValues { $0.asType(.float32) })
                make().update(
                    model: wide, gradients: gradients.mapValues { $0.asType(.float32) })
                optimizer.update(model: half, gradients: gradients)
                eval(half, optimizer)
                compare(half, wide, "\(name) \(type) \(size)")
                for _ in 0..<2 { optimizer.update(model: half, gradients: gradients) }
                #expect(
                    optimizer.innerState().allSatisfy { $0.dtype == .float32 }, "\(name) \(type)")
                for array in half.parameters().flattenedValues() {
                    #expect(array.dtype == type, "\(name)")
                    #expect(isFinite(array).all().item(), "\(name) \(type) \(size)")
                }
            }
        }
    }

    private func compare(_ half: Parameters, _ wide: Parameters, _ what: String) {
        let wanted = Dictionary(uniqueKeysWithValues: wide.parameters().flattened())
        for (path, array) in half.parameters().flattened() {
            let values = array.asType(.float32).asArray(Float.self)
            let rounded = wanted[path]!.asType(array.dtype).asType(.float32).asArray(Float.self)
            #expect(values == rounded, "\(what) \(path)")
        }
    }

    @Test("parameters without a gradient stay", arguments: [DType.float16, .bfloat16])
    func zeroGradients(type: DType) {
        for (name, make) in Self.optimizers
        where !["SGD momentum", "AdamW", "Muon", "Adafactor mean"].contains(name) {
            let (model, optimizer) = (Parameters(type), make())
            let before = model.vector.asType(.float32).asArray(Float.self)
            for _ in 0..<3 {
                optimizer.update(model: model, gradients: gradients(model, 0))
                eval(model, optimizer)
            }
            #expect(model.vector.asType(.float32).asArray(Float.self) == before, "\(name)")
        }
    }

    @Test("a state from a file of half types goes on in float32") func oldState() throws {
        let (model, optimizer) = (Parameters(.float16), Adam(learningRate: 0.1))
        optimizer.update(model: model, gradients: gradients(model, 1))
        let old = optimizer.namedState().mapValues {
            $0.dtype == .float32 ? $0.asType(.float16) : $0
        }
        let rate = MLXArray(0.1 as Float)
        try optimizer.setNamedState(old.merging(["learning_rate": rate]) { $1 })
        optimizer.update(model: model, gradients: gradients(model, 0))
        #expect(optimizer.innerState().allSatisfy { $0.dtype == .float32 })
        #expect(isFinite(model.matrix).all().item())
    }

    @Test("schedules and optimizers that do not fit end nothing") func misfits() {
        #expect(joinSchedules([], boundaries: [])(3) == 0)
        #expect(joinSchedules([{ _ in 1 }], boundaries: [2, 4])(9) == 1)
        #expect(joinSchedules([{ _ in 1 }, { _ in 2 }], boundaries: [])(9) == 1)
        let model = Parameters(.float32)
        for optimizer in [
            MultiOptimizer(optimizers: []),
            MultiOptimizer(optimizers: [SGD(learningRate: 0)], filters: [{ _, _ in true }]),
            MultiOptimizer(optimizers: [SGD(learningRate: 0), SGD(learningRate: 1)]),
        ] {
            optimizer.update(model: model, gradients: gradients(model, 1))
        }
        #expect(model.vector.asArray(Float.self) == [1, -0.5, 2])
    }
}
