import MLX
import MLXNN
import Testing

/// Layers with int8 weights: how weights are quantized, error bounds, replacing, freezing.
@Suite("Int8 layers") struct Int8Tests {
    @Test("weights are signed bytes with a scale for each output") func quantized() {
        let w = MLXArray([1.27, -0.5, 0, 0, 0.254, -0.001] as [Float], [3, 2])
        let (q, scales) = int8Quantized(w)
        #expect(q.dtype == .int8 && scales.dtype == .float32)
        #expect(q.asArray(Int8.self) == [127, -50, 0, 0, 127, 0])
        let expected: [Float] = [0.01, 0, 0.002]
        #expect(zip(scales.asArray(Float.self), expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test(
        "half weights have half scales and lose at most a step, however small they are",
        arguments: [DType.float16, .bfloat16], [1e3, 1, 1e-2, 1e-4, 1e-5, 2e-6] as [Float])
    func halves(dtype: DType, size: Float) {
        let w = (seeded { MLXRandom.uniform(low: -1, high: 1, [40, 50]) } * size).asType(dtype)
        let (q, scales) = int8Quantized(w)
        #expect(q.dtype == .int8 && scales.dtype == dtype)
        let wide = scales.asType(.float32).reshaped(40, 1)
        let error = abs(q.asType(.float32) * wide - w.asType(.float32))
        // Half a step, and what the largest code lacks where the scale was rounded down.
        #expect(all(error .<= wide * 1.01 + Float(1e-12)).item())
        let x = seeded { MLXRandom.normal([3, 50]) }.asType(dtype)
        let y = int8Matmul(x, q, scales: scales)
        #expect(y.dtype == dtype)
        let exact = int8Matmul(x.asType(.float32), q, scales: scales.asType(.float32))
        #expect((y .== exact.asType(dtype)).all().item())
    }

    @Test("a linear layer stays within the quantization error") func linear() {
        let linear = seeded { Linear(64, 32) }
        let x = seeded { MLXRandom.normal([10, 64]) }
        let int8 = Int8Linear(linear)
        #expect(int8.shape == (32, 64) && int8.groupSize == 64 && int8.mode == .int8)
        let error = max(abs(int8(x) - linear(x))).item(Float.self)
        #expect(error < 0.02 * max(abs(linear(x))).item(Float.self))
        #expect(int8.description == linear.description.replacing("Linear", with: "Int8Linear"))
    }

    @Test("a convolution stays within the quantization error") func convolution() {
        let conv = seeded {
            Conv2d(inputChannels: 8, outputChannels: 6, kernelSize: 3, stride: 2, padding: 1)
        }
        let x = seeded { MLXRandom.normal([2, 9, 8, 8]) }
        let int8 = Int8Conv2d(conv)
        let expected = conv(x)
        #expect(int8(x).shape == expected.shape)
        let error = max(abs(int8(x) - expected)).item(Float.self)
        #expect(error < 0.02 * max(abs(expected)).item(Float.self))
    }

    @Test("a model's layers are replaced once, and stay frozen") func model() {
        let model = Sequential {
            Conv2d(inputChannels: 2, outputChannels: 4, kernelSize: 3)
            ReLU()
            Linear(4, 3)
            Linear(3, 1)
        }
        quantizeInt8(model: model) { path, _ in path != "layers.3" }
        #expect(model.layers[0] is Int8Conv2d && model.layers[2] is Int8Linear)
        #expect(model.layers[1] is ReLU && !(model.layers[3] is Int8Linear))
        let first = model.layers[0]
        quantizeInt8(model: model)
        #expect(model.layers[0] === first && model.layers[3] is Int8Linear)
        model.unfreeze()
        #expect(model.trainableParameters().isEmpty)
        #expect(model.parameters().flattened().contains { $0.0 == "layers.2.scales" })
        let y = model(MLXArray.ones([1, 4, 4, 2]))
        #expect(y.shape == [1, 2, 2, 1] && all(isFinite(y)).item())
    }

    @Test("gradients pass through to what comes before") func gradient() {
        let linear = seeded { Linear(5, 3) }
        let int8 = Int8Linear(linear)
        let x = seeded { MLXRandom.normal([2, 5]) }
        let gradient = grad { (x: MLXArray) in int8(x).sum() }(x)
        let exact = grad { (x: MLXArray) in linear(x).sum() }(x)
        #expect(allClose(gradient, exact, rtol: 0.05, atol: 0.02).item())
    }
}
