import Foundation
import MLX
import MLXNN

/// Expressions as long as programs write them in one line. They are here to be compiled:
/// `Scripts/type-check-speed` fails when the type checker needs 100 ms for any of them.
enum LongExpressions {
    static func geluTanh(_ x: MLXArray) -> MLXArray {
        0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x * x * x)))
    }

    static func geluErf(_ x: MLXArray) -> MLXArray {
        x * (1 + erf(x / 2.0.squareRoot())) / 2
    }

    static func attention(_ q: MLXArray, _ k: MLXArray, _ v: MLXArray, mask: MLXArray)
        -> MLXArray
    {
        let scale = 1 / Float(q.dim(-1)).squareRoot()
        return matmul(softmax(matmul(q * scale, k.swappedAxes(-1, -2)) + mask, axis: -1), v)
    }

    static func heads(_ x: MLXArray, weight: MLXArray, heads: Int) -> MLXArray {
        matmul(x, weight.T).reshaped(x.dim(0), x.dim(1), heads, -1).transposed(0, 2, 1, 3)
            * (1 / Float(x.dim(-1) / heads).squareRoot()) + 0
    }

    static func layerNorm(_ x: MLXArray, weight: MLXArray, bias: MLXArray) -> MLXArray {
        (x - x.mean(axis: -1, keepDims: true))
            * rsqrt(x.variance(axis: -1, keepDims: true) + 1e-5) * weight + bias
    }

    static func rotary(_ x: MLXArray, _ cosine: MLXArray, _ sine: MLXArray) -> MLXArray {
        let half = x.dim(-1) / 2
        let (a, b) = (x[.ellipsis, ..<half], x[.ellipsis, half...])
        return concatenated(
            [a * cosine - b * sine, b * cosine + a * sine], axis: -1)
    }

    static func focal(_ logits: MLXArray, _ targets: MLXArray) -> MLXArray {
        let p = sigmoid(logits)
        let pt = p * targets + (1 - p) * (1 - targets)
        return -(0.25 * targets + 0.75 * (1 - targets)) * (1 - pt) ** 2 * log(pt + 1e-8)
    }

    static func gaussian(_ x: MLXArray, mean: MLXArray, logVariance: MLXArray) -> MLXArray {
        0.5 * (log(2 * Float.pi) + logVariance + (x - mean) ** 2 / exp(logVariance)).sum(axis: -1)
    }

    static func divergence(_ mean: MLXArray, _ logVariance: MLXArray) -> MLXArray {
        -0.5 * sum(1 + logVariance - mean.square() - exp(logVariance), axis: -1).mean() * 2 + 0.0
    }

    static func adam(
        _ p: MLXArray, _ m: MLXArray, _ v: MLXArray, _ g: MLXArray, step: Int
    ) -> MLXArray {
        let first = 1 - pow(0.9, Float(step))
        let second = 1 - pow(0.999, Float(step))
        return p - 1e-3 * ((0.9 * m + 0.1 * g) / first)
            / (sqrt((0.999 * v + 0.001 * g * g) / second) + 1e-8)
    }

    static func lstm(_ gates: [MLXArray], _ c: MLXArray) -> (MLXArray, MLXArray) {
        let next = sigmoid(gates[0]) * c + sigmoid(gates[1]) * tanh(gates[2])
        return (next, sigmoid(gates[3]) * tanh(next))
    }

    static func intersection(_ a: MLXArray, _ b: MLXArray) -> MLXArray {
        let top = maximum(a[0..., .newAxis, 0 ..< 2], b[.newAxis, 0..., 0 ..< 2])
        let bottom = minimum(a[0..., .newAxis, 2 ..< 4], b[.newAxis, 0..., 2 ..< 4])
        let size = maximum(bottom - top, 0)
        let areas = (a[0..., 2] - a[0..., 0]) * (a[0..., 3] - a[0..., 1])
        let others = (b[0..., 2] - b[0..., 0]) * (b[0..., 3] - b[0..., 1])
        let both = size[.ellipsis, 0] * size[.ellipsis, 1]
        return both / (areas[0..., .newAxis] + others[.newAxis, 0...] - both + 1e-9)
    }

    static func mandelbrot(_ zr: MLXArray, _ zi: MLXArray, _ cr: MLXArray, _ ci: MLXArray)
        -> (MLXArray, MLXArray, MLXArray)
    {
        (zr * zr - zi * zi + cr, 2 * zr * zi + ci, (zr * zr + zi * zi) .< 4 .&& (zr .> -2))
    }

    static func polynomial(_ x: MLXArray) -> MLXArray {
        1 + x * (1.5 + x * (2 + x * (2.5 + x * (3 + x * (3.5 + x * (4 - 0.5 * x))))))
    }

    static func swish(_ x: MLXArray, _ gate: Linear, _ up: Linear, _ down: Linear) -> MLXArray {
        down(silu(gate(x)) * up(x)) + x * 0.5 - (1 - sigmoid(x)) * 0.25 * x
    }

    static func huber(_ x: MLXArray, _ y: MLXArray, delta: Float) -> MLXArray {
        which(
            abs(x - y) .< delta, 0.5 * (x - y) ** 2, delta * (abs(x - y) - 0.5 * delta)
        ).mean() + 1e-4 * (x * x).sum() / Float(x.size)
    }

    static func masked(_ scores: MLXArray, length: Int) -> MLXArray {
        let rows = MLXArray(0 ..< length)[0..., .newAxis]
        let columns = MLXArray(0 ..< length)[.newAxis]
        return scores + ((rows .< columns) .|| (rows - columns .> 128)) * -1e9
    }
}
