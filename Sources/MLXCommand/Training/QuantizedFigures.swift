import Foundation
import MLX
import MLXData
import MLXNN
import MLXQuantization
import MLXTrain

/// What `mlx train --quantized` prints: the figures of the trained network on the validation data
/// with its weights in few bits, beside those in float32. Each form is measured on a copy.
struct QuantizedFigures<Model: Module & UnaryLayer> {
    /// Makes a trainer of a network whose parameters do not matter.
    let fresh: () -> Trainer<Model, Example>
    let training: DataLoader<Example>
    let validation: DataLoader<Example>

    /// How many batches of the training data calibrate.
    private static var batchCount: Int { 16 }

    private enum Form: String, CaseIterable {
        case float32
        case int8 = "int8, 8-bit inputs"
        case nearest = "int4, nearest"
        case gptq = "int4, GPTQ"
        case awq = "int4, AWQ + GPTQ"
    }

    /// Prints a line for each form.
    func print(of trained: Trainer<Model, Example>) async throws {
        let data = try await calibration()
        let weights = Dictionary(trained.model.parameters().flattened()) { first, _ in first }
        var losses: [Form: Double] = [:]
        Swift.print("form                 loss    perplexity  accuracy  perplexity, relative")
        for form in Form.allCases {
            let trainer = fresh()
            try trainer.model.setWeights(weights.mapValues { $0 + 0 })
            try quantize(trainer.model, form, data)
            // The NPU multiplies rounded inputs; affine weights meet inputs in floats.
            let figures =
                form == .int8
                ? try await Device.withDefaultDevice(.npu) {
                    try await trainer.validate(on: validation)
                } : try await trainer.validate(on: validation)
            func figure(_ name: String) -> Double {
                figures.first { $0.name == name }?.value ?? .nan
            }
            losses[form] = figure("loss")
            let change = exp(figure("loss") - (losses[.float32] ?? .nan)) - 1
            Swift.print(
                form.rawValue.padding(toLength: 19, withPad: " ", startingAt: 0)
                    + String(
                        format: "%8.4f  %10.4f  %8.4f  %+.2f %%", figure("loss"),
                        exp(figure("loss")), figure("accuracy"), 100 * change))
        }
    }

    private func calibration() async throws -> [MLXArray] {
        var inputs: [MLXArray] = []
        for try await (_, batch) in training.batches(epochs: 1) {
            inputs.append(batch.input)
            if inputs.count == QuantizedFigures.batchCount { break }
        }
        return inputs
    }

    /// Tables, which are few, get 8 bits, and so do convolutions, whose windows are no whole
    /// groups.
    private func quantize(_ model: Model, _ form: Form, _ data: [MLXArray]) throws {
        let method: WeightRounding
        switch form {
        case .float32: return
        case .int8: return quantizeInt8(model: model)
        case .nearest: method = .nearest
        case .gptq: method = .gptq()
        case .awq: method = .awq(AWQOptions(gptq: GPTQOptions()))
        }
        let four = try AffineFormat(groupSize: 32, bits: 4)
        let eight = try AffineFormat(groupSize: 32, bits: 8)
        try model.quantizeWeights(
            method, four, data: data, formats: { $1 is Embedding ? eight : four }
        ) { model($0) }
        quantizeInt8(model: model) { $1 is Conv2d }
    }
}
