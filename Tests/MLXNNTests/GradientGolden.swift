import Foundation
import MLX
import MLXNN
import Testing

/// Outputs and gradients that MLX computes, from Fixtures/gradients.json, which the script beside
/// it writes. The loss is the sum of the outputs times evenly spaced numbers from 0.5 to 2.
struct GradientGolden {
    let cases: [String: [String: Golden.Entry]]

    init() throws {
        let url = try #require(
            Bundle.module.url(
                forResource: "gradients", withExtension: "json", subdirectory: "Fixtures"))
        cases = try JSONDecoder().decode(
            [String: [String: Golden.Entry]].self, from: Data(contentsOf: url))
    }

    /// The numbers that every fixture is made of: 1.5 sin(0.7 i + 0.3).
    static func wave(_ shape: Int...) -> MLXArray {
        let values = (0..<shape.reduce(1, *)).map { Float(1.5 * sin(0.7 * Double($0) + 0.3)) }
        return MLXArray(values, shape)
    }

    private static func loss(_ outputs: [MLXArray]) -> MLXArray {
        outputs.map { y in
            let step = 1.5 / Double(max(y.size - 1, 1))
            let weights = (0..<y.size).map { Float(0.5 + step * Double($0)) }
            return sum(y * MLXArray(weights, y.shape))
        }.reduce(MLXArray(0 as Float)) { $0 + $1 }
    }

    /// Expects a model, made with random numbers from seed 0, to have the outputs of a case and
    /// its gradients by the trainable parameters and by inputs of floats.
    func check<Model: Module>(
        _ name: String, train: Bool = true, tolerance: Float = 5e-5, _ make: () -> Model,
        _ inputs: [MLXArray], _ call: @escaping (Model, [MLXArray]) -> [MLXArray]
    ) throws {
        let entries = try #require(cases[name], "\(name) is not in the file")
        var left = Set(entries.keys)
        func compare(_ key: String, _ array: MLXArray) throws {
            left.remove(key)
            let entry = try #require(entries[key], "\(name) has no \(key)")
            #expect(array.shape == entry.shape, "\(name) \(key)")
            let values = array.asType(.float32).asArray(Float.self)
            // NUMERICS: sums go in another order; an entry is judged by its largest number.
            let size = 1 + (entry.values.map(abs).max() ?? 0)
            let isClose =
                values.count == entry.values.count
                && zip(values, entry.values).allSatisfy { abs($0 - $1) <= tolerance * size }
            #expect(isClose, "\(name) \(key): \(values) \(entry.values)")
        }
        let model = seeded(make)
        model.train(train)
        for (index, output) in call(model, inputs).enumerated() {
            try compare(index == 0 ? "out" : "out\(index)", output)
        }
        let byParameters = valueAndGrad(model: model) { (model: Model, inputs: [MLXArray]) in
            [Self.loss(call(model, inputs))]
        }
        if !model.trainableParameters().isEmpty {
            for (key, gradient) in byParameters(model, inputs).1.flattened() {
                try compare("d \(key)", gradient)
            }
        }
        for (index, input) in inputs.enumerated() where input.dtype.isFloatingPoint {
            let byInput = grad { (x: MLXArray) in
                var values = inputs
                values[index] = x
                return Self.loss(call(model, values))
            }
            try compare(index == 0 ? "dx" : "dx\(index)", byInput(input))
        }
        #expect(left.isEmpty, "\(name): \(left) not computed")
    }

    /// The same for a layer of one array.
    func check<Model: UnaryLayer>(
        _ name: String, train: Bool = true, _ make: @autoclosure () -> Model, _ input: MLXArray
    ) throws {
        try check(name, train: train, make, [input]) { [$0($1[0])] }
    }

    /// The same for a function without parameters.
    func check(
        _ name: String, _ inputs: [MLXArray], _ function: @escaping ([MLXArray]) -> MLXArray
    ) throws {
        try check(name, { Identity() }, inputs) { [function($1)] }
    }

    /// Expects an array to be the output of a case.
    func check(_ name: String, _ array: MLXArray) throws {
        let entries = try #require(cases[name])
        try expect(array, "out", entries)
    }
}
