import Foundation
import MLX
import MLXNN
import MLXOptimizers
import MLXRandom

// What a package of language models does with the library, from training to a quantized file. Ends
// with 1 when something is not as it should be.

func check(_ holds: Bool, _ what: String) {
    print(holds ? "ok   " : "WRONG", what)
    if !holds { exit(1) }
}

MLXRandom.seed(7)
let model = LanguageModel(Configuration())
let text = (0..<256).map { Int32($0 * $0 % 31 + $0 % 5) }
let batch = MLXArray(text, [8, 32])

// Training: the loss of predicting the next token falls.
let (inputs, targets) = (batch[0..., ..<(-1)], batch[0..., 1...])
func loss(_ model: LanguageModel, _ inputs: MLXArray, _ targets: MLXArray) -> MLXArray {
    crossEntropy(logits: model(inputs), targets: targets, reduction: .mean)
}
let optimizer = AdamW(learningRate: 3e-3)
let step = valueAndGrad(model: model, loss)
let first = loss(model, inputs, targets).item(Float.self)
for _ in 0..<30 {
    let (_, gradients) = step(model, inputs, targets)
    optimizer.update(model: model, gradients: gradients)
    eval(model, optimizer)
}
let last = loss(model, inputs, targets).item(Float.self)
check(last < first / 2, "30 steps of AdamW: loss \(first) to \(last)")

// Decoding with a cache gives the logits of reading all at once.
let caches = model.makeCaches()
var rows = [model(batch[..<1, ..<5], caches: caches)]
for place in 5..<32 { rows.append(model(batch[..<1, place..<(place + 1)], caches: caches)) }
let whole = model(batch[..<1])
let difference = abs(concatenated(rows, axis: 1) - whole).max().item(Float.self)
check(difference < 1e-3, "a cache of 32 tokens: logits differ by \(difference)")
let tokens = model.generate(Array(text[..<8]), count: 24)
check(tokens.count == 24 && tokens.allSatisfy { (0..<96).contains($0) }, "24 tokens: \(tokens)")

// Quantized in place, saved, and loaded into a new model.
quantize(model: model, groupSize: 32, bits: 8)
check(model.layers[0].mlp.gate is QuantizedLinear, "quantize(model:) replaced the layers")
let rounded = model(batch[..<1])
let error = (abs(rounded - whole).max() / abs(whole).max()).item(Float.self)
check(error < 0.05, "8 bits: logits differ by \(error) of the largest")
let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors")
defer { try? FileManager.default.removeItem(at: file) }
try save(arrays: Dictionary(uniqueKeysWithValues: model.parameters().flattened()), url: file)
let copy = LanguageModel(Configuration())
quantize(model: copy, groupSize: 32, bits: 8)
try copy.update(parameters: ModuleParameters.unflattened(loadArrays(url: file)), verify: [.all])
check(
    copy.generate(Array(text[..<8]), count: 24) == model.generate(Array(text[..<8]), count: 24),
    "a quantized model comes back from its file")
