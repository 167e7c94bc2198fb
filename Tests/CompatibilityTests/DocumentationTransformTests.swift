import Foundation
import MLX
import MLXNN
import MLXOptimizers
import Testing

/// The code of the pages on transforms and on moving here from Python and PyTorch, and what the
/// page on differences says; see `DocumentationTests`.
@Suite("Documentation of transforms and conversions") struct DocumentationTransformTests {
    @Test("Derivatives and batches") func derivatives() {
        let f = { (x: MLXArray) in (x * x * x).sum() }
        let slope = grad(f)                                   // 3 x²
        let curvature = grad { (x: MLXArray) in grad(f)(x).sum() } // 6 x
        let at2 = curvature(MLXArray(2 as Float))             // 12
        #expect(slope(MLXArray(2 as Float)).item(Float.self) == 12)
        #expect(at2.item(Float.self) == 12)

        let (values, tangents) = jvp(
            { [sin($0[0])] }, primals: [MLXArray(0 as Float)], tangents: [MLXArray(1 as Float)])
        #expect(values[0].item(Float.self) == 0 && tangents[0].item(Float.self) == 1)

        let dot = { (a: MLXArray, b: MLXArray) in (a * b).sum() }
        let rows = vmap(dot, inAxes: (0, nil))(MLXArray.ones([5, 3]), MLXArray.ones([3]))    // (5)
        #expect(rows.asArray(Float.self) == [3, 3, 3, 3, 3])
    }

    @Test("Compiled, checkpointed, custom and exported functions") func functions() throws {
        let step = compile { (x: MLXArray) in tanh(x) * 2 + 1 }
        let y = step(MLXArray.zeros([4]))
        #expect(y.asArray(Float.self) == [1, 1, 1, 1])

        let block = checkpoint { (x: MLXArray) in sin(x) * x }
        let slopes = grad { (x: MLXArray) in block(x).sum() }(MLXArray([1, 2] as [Float]))
        #expect(abs(slopes[0].item(Float.self) - 1.3818) < 1e-3)

        let straightThrough = CustomFunction {
            Forward { [clip($0[0], min: -1, max: 1)] }
            VJP { _, cotangents in cotangents }
        }
        let slopeAt5 = grad { (x: MLXArray) in straightThrough([x])[0].sum() }(MLXArray(5 as Float))
        #expect(slopeAt5.item(Float.self) == 1)

        let x = MLXArray([3] as [Float])
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID().uuidString).mlxfn")
        defer { try? FileManager.default.removeItem(at: url) }
        try exportFunction(to: url) { [$0[0] * $0[1]] }(x, x)
        let product = try importFunction(from: url)
        let z = try product(x, x)[0]
        #expect(z.item(Float.self) == 9)
    }

    @Test("From Python") func python() {
        let a = MLXArray.zeros([2, 3], dtype: .float16)     // mx.zeros((2, 3), dtype=mx.float16)
        let b = a.reshaped(3, 2).T                          // a.reshape(3, 2).T
        let c = concatenated([a, a], axis: 1)               // mx.concatenate([a, a], axis=1)
        let d = which(c .> 0, c, 0)                         // mx.where(c > 0, c, 0)
        #expect(b.shape == [2, 3] && c.shape == [2, 6] && d.dtype == .float16)
    }

    @Test("From PyTorch") func pytorch() async throws {
        let model = Sequential {
            Linear(64, 32)                                      // nn.Linear(64, 32)
            ReLU()
            Linear(32, 10)
        }
        let optimizer = Adam(learningRate: 1e-3)
        let lossAndGradient = valueAndGrad(model: model) {
            (model: Sequential, x: MLXArray, y: MLXArray) in
            crossEntropy(logits: model(x), targets: y, reduction: .mean)
        }
        let (x, y) = (MLXArray.zeros([8, 64]), MLXArray.zeros([8], type: Int32.self))
        let (loss, gradients) = lossAndGradient(model, x, y)    // loss.backward()
        optimizer.update(model: model, gradients: gradients)    // optimizer.step()
        try await evaluate(loss, model, optimizer)
        #expect(loss.shape == [])

        let images = MLXArray.zeros([8, 3, 32, 32]).transposed(0, 2, 3, 1)     // NCHW to NHWC
        let weight = MLXArray.zeros([16, 3, 5, 5]).transposed(0, 2, 3, 1)      // OIHW to OHWI
        #expect(conv2d(images, weight).shape == [8, 28, 28, 16])
    }

    @Test("Differences") func differences() {
        #expect(floorDivide(MLXArray([-7, 7]), MLXArray([2, 0])).asArray(Int.self) == [-4, 0])
        #expect((MLXArray([7]) % MLXArray([0])).item(Int.self) == 7)
        let withNaN = MLXArray([1, .nan, 3] as [Float])
        #expect(argMax(withNaN).item(Int.self) == 1 && argMin(withNaN).item(Int.self) == 1)
        #expect(nanToNum(MLXArray([Float.infinity])).item(Float.self) == 0)
        #expect(step(MLXArray([0, 1] as [Float])).asArray(Int.self) == [0, 1])
        let kernel = MLXArray([1, 1, 1, 1] as [Float])
        #expect(convolve(MLXArray.ones([6]), kernel, mode: .same).shape == [6])
        #expect(transposed(MLXArray.zeros([2, 3, 4]), axis: 2).shape == [4, 3, 2])
        #expect(fromFP8(MLXArray([0x7F] as [UInt8])).item(Float.self) == 480)
        let large = MLXArray.full([4], values: MLXArray(60_000 as Float)).asType(.float16)
        #expect(large.mean().item(Float.self) == 60_000)
        #expect(StreamOrDevice.default.stream == Stream.defaultStream(.gpu))
    }
}
