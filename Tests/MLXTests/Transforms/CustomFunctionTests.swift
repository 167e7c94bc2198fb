import Foundation
import MLX
import Testing

/// Functions with rules of their own, checkpoints, and how transforms nest.
@Suite("Custom functions") struct CustomFunctionTests {
    private let x = MLXArray([-2, 0.5, 3] as [Float])

    @Test("a vjp replaces what was recorded") func vjpRule() {
        let f = CustomFunction {
            Forward { [clip($0[0], min: -1, max: 1), $0[0] * 2] }
            VJP { primals, cotangents in [cotangents[0] * 7 + cotangents[1] * primals[0]] }
        }
        let (outputs, gradients) = vjp(
            f, primals: [x], cotangents: [MLXArray.ones([3]), MLXArray.ones([3])])
        #expect(outputs[0].asArray(Float.self) == [-1, 0.5, 1])
        #expect(gradients[0].asArray(Float.self) == (7 + x).asArray(Float.self))
        // Only one of the results is used: the other's cotangent is zero.
        let slope = grad { (x: MLXArray) in f([x])[0].sum() }
        #expect(slope(x).asArray(Float.self) == [7, 7, 7])
    }

    @Test("jvp and vmap have rules of their own") func otherRules() {
        let f = CustomFunction {
            Forward { [$0[0] * $0[1]] }
            JVP { _, tangents in [tangents[0] * 100 + tangents[1]] }
            VMap { inputs, axes in ([inputs[0] * inputs[1] + 1000], [axes[0] ?? axes[1]]) }
        }
        let (_, tangents) = jvp(
            f, primals: [x, x], tangents: [MLXArray.ones([3]), MLXArray.ones([3])])
        #expect(tangents[0].asArray(Float.self) == [101, 101, 101])
        let mapped = vmap(f, inAxes: [0, nil])([x, MLXArray(2 as Float)])[0]
        #expect(mapped.asArray(Float.self) == (x * 2 + 1000).asArray(Float.self))
        // Without a vjp the derivative goes through the function.
        let slope = grad { (x: MLXArray) in f([x, x])[0].sum() }
        #expect(slope(x).asArray(Float.self) == (2 * x).asArray(Float.self))
    }

    @Test("a rule that returns the wrong shape is an error") func wrongShape() async {
        let f = CustomFunction {
            Forward { [$0[0] * 2] }
            VJP { _, _ in [MLXArray.ones([7])] }
        }
        let slope = grad { (x: MLXArray) in f([x])[0].sum() }
        await #expect(throws: ArrayError.self) { try await evaluate(slope(x)) }
    }

    @Test("checkpoints change no result and recompute") func checkpoints() {
        var runs = 0
        let body = { (x: MLXArray) -> MLXArray in
            runs += 1
            return sin(exp(x) * x)
        }
        let plain = grad { (x: MLXArray) in body(x).sum() }(x)
        runs = 0
        let saved = grad { (x: MLXArray) in checkpoint(body)(x).sum() }(x)
        #expect(runs == 2)
        #expect(saved.asArray(Float.self) == plain.asArray(Float.self))
    }

    @Test("checkpoints find what they capture") func capture() {
        let slope = grad { (weight: MLXArray) -> MLXArray in
            let block = checkpoint { (x: MLXArray) in tanh(x * weight) }
            return block(x).sum()
        }
        let plain = grad { (weight: MLXArray) in tanh(x * weight).sum() }
        let w = MLXArray(0.3 as Float)
        #expect(allClose(slope(w), plain(w)).item(Bool.self))
        // A second derivative, too.
        let second = grad { (w: MLXArray) in slope(w) }
        let plainSecond = grad { (w: MLXArray) in plain(w) }
        #expect(allClose(second(w), plainSecond(w)).item(Bool.self))
    }

    @Test("transforms nest in every order") func nested() {
        let f = { (x: MLXArray) in sin(x) * x }
        let slope = grad(f)
        let scalar = MLXArray(0.7 as Float)
        let curvature = grad(slope)(scalar)
        let forward = jvp(
            { [slope($0[0])] }, primals: [scalar], tangents: [MLXArray(1 as Float)]
        ).1[0]
        #expect(allClose(curvature, forward).item(Bool.self))
        let reverse = grad { (x: MLXArray) in
            jvp({ [f($0[0])] }, primals: [x], tangents: [MLXArray(1 as Float)]).1[0]
        }(scalar)
        #expect(allClose(curvature, reverse).item(Bool.self))
        // One gradient for each element: vmap of grad, and grad of vmap.
        let each = vmap(slope)(x)
        let whole = grad { (x: MLXArray) in vmap(f)(x).sum() }(x)
        #expect(allClose(each, whole).item(Bool.self))
        #expect(allClose(vmap(grad(slope))(x), -sin(x) * x + 2 * cos(x)).item(Bool.self))
        // The Hessian as a map of Hessian-vector products over a basis.
        let loss = { (x: MLXArray) in (x * x * x).sum() }
        let hessian = vmap { (v: MLXArray) in
            jvp({ [grad(loss)($0[0])] }, primals: [x], tangents: [v]).1[0]
        }(MLXArray.eye(3))
        #expect(allClose(hessian, diag(6 * x)).item(Bool.self))
    }
}
