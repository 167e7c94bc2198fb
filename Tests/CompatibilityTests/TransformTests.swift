import MLX
import MLXNN
import Testing

/// Derivatives in every form of closure that mlx-swift takes.
@Suite("Transforms") struct TransformTests {
    static func square(_ x: MLXArray) -> MLXArray { x * x }

    @Test("grad of functions, closures and methods") func gradients() {
        let x = MLXArray(3.0 as Float)
        #expect(grad(Self.square)(x).item(Float.self) == 6)
        #expect(grad { $0 * $0 * $0 }(x).item(Float.self) == 27)
        #expect(grad(grad { (x: MLXArray) in x * x * x })(x).item(Float.self) == 18)
        func nested(_ x: MLXArray) -> MLXArray { (sin(x) * 2).sum() }
        #expect(grad(nested)(MLXArray.zeros([2])).asArray(Float.self) == [2, 2])
        let list: ([MLXArray]) -> [MLXArray] = { [$0[0] * $0[1]] }
        let both = grad(list, argumentNumbers: [0, 1])([x, MLXArray(4.0 as Float)])
        #expect(both.map { $0.item(Float.self) } == [4, 3])
        let second = grad({ (arrays: [MLXArray]) -> [MLXArray] in [arrays[0] * arrays[1]] },
            argumentNumbers: [1])
        #expect(second([x, x])[0].item(Float.self) == 3)
    }

    @Test("valueAndGrad of arrays") func values() {
        let f = valueAndGrad { (arrays: [MLXArray]) -> [MLXArray] in
            [(arrays[0] * arrays[1]).sum()]
        }
        let (value, gradient) = f([MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float])])
        #expect(value[0].item(Float.self) == 11)
        #expect(gradient[0].asArray(Float.self) == [3, 4])
    }

    @Test("vjp") func products() {
        let (values, gradients) = vjp(
            { [$0[0] * $0[1], $0[0]] },
            primals: [MLXArray(2.0 as Float), MLXArray(5.0 as Float)],
            cotangents: [MLXArray(1.0 as Float), MLXArray(10.0 as Float)])
        #expect(values.map { $0.item(Float.self) } == [10, 2])
        #expect(gradients.map { $0.item(Float.self) } == [15, 2])
    }

    @Test("linear regression") func regression() {
        MLXRandom.seed(0)
        let steps = 120
        let rate: Float = 0.1
        let wanted = MLXArray(converting: [2.0, -3.0, 0.5])
        let inputs = MLXRandom.normal([64, 3])
        let targets = matmul(inputs, wanted) + 1e-3 * MLXRandom.normal([64])
        func loss(_ w: MLXArray) -> MLXArray {
            let error = matmul(inputs, w) - targets
            return 0.5 * mean(error.square())
        }
        var w = 1e-2 * MLXRandom.normal([3])
        let slope = grad(loss)
        for _ in 0 ..< steps {
            w = w - rate * slope(w)
            eval(w)
        }
        #expect(sqrt(sum((w - wanted).square())).item(Float.self) < 0.05)
    }

    @Test("gradients by a dictionary of parameters") func model() throws {
        let linear = Linear(3, 1)
        let x = MLXArray.ones([4, 3])
        let y = MLXArray.zeros([4, 1])
        func loss(model: Linear, x: MLXArray, y: MLXArray) -> MLXArray {
            mseLoss(predictions: model(x), targets: y, reduction: .mean)
        }
        let lossAndGradient = valueAndGrad(model: linear, loss)
        let (value, gradients) = lossAndGradient(linear, x, y)
        #expect(value.shape == [])
        #expect(Set(gradients.flattened().map(\.0)) == ["weight", "bias"])
        let many = valueAndGrad(model: linear) { (model: Linear, arrays: [MLXArray]) in
            [loss(model: model, x: arrays[0], y: arrays[1])]
        }
        let (values, _) = many(linear, [x, y])
        #expect(values[0].allClose(value).item())
    }

    @Test("checks by stopGradient and by piecewise functions") func pieces() {
        let f = { (x: MLXArray) -> MLXArray in
            which(x .> 0, x, 0.1 * x).sum() + stopGradient(x * 100).sum()
        }
        let slope = grad(f)(MLXArray([-1, 2] as [Float]))
        #expect(slope.allClose(MLXArray([0.1, 1] as [Float])).item(Bool.self))
        let relu = grad { MLX.maximum($0, 0).sum() }
        #expect(relu(MLXArray([-1, 2] as [Float])).asArray(Float.self) == [0, 1])
    }
}
