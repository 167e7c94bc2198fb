import MLX
import Testing

/// Gradients of functions that leave a side out where it, or its slope, is infinite: what was left
/// out has no part in them. Reverse and forward mode and second derivatives, in every float dtype.
@Suite("Gradients next to infinity") struct MaskedGradientTests {
    private struct Masked: Sendable {
        let name: String
        let function: @Sendable (MLXArray) -> MLXArray
        /// Where the function is the identity, and its other side is not to be looked at.
        let points: [Float]
    }

    private static let cases: [Masked] = [
        Masked(name: "exp", function: { which($0 .> 0, $0, exp($0) - 1) }, points: [12, 89, 1e4]),
        Masked(name: "expm1", function: { which($0 .> 0, $0, expm1($0)) }, points: [12, 89, 1e4]),
        Masked(
            name: "x exp", function: { which($0 .> 0, $0, $0 * exp($0)) }, points: [12, 89, 1e4]),
        Masked(
            name: "exp squared", function: { which($0 .> 0, $0, exp(square($0))) },
            points: [5, 100, 250]),
        Masked(name: "cosh", function: { which($0 .> 0, $0, cosh($0)) }, points: [12, 90, 1e4]),
        Masked(name: "sinh", function: { which($0 .> 0, $0, sinh($0)) }, points: [12, 90, 1e4]),
        Masked(name: "log", function: { which($0 .> 0, log($0), $0) }, points: [0, -1]),
        Masked(name: "log2", function: { which($0 .> 0, log2($0), $0) }, points: [0, -1]),
        Masked(name: "log10", function: { which($0 .> 0, log10($0), $0) }, points: [0, -1]),
        Masked(name: "log1p", function: { which($0 .> -1, log1p($0), $0) }, points: [-1, -2]),
        Masked(name: "sqrt", function: { which($0 .> 0, sqrt($0), $0) }, points: [0, -1]),
        Masked(name: "rsqrt", function: { which($0 .> 0, rsqrt($0), $0) }, points: [0, -1]),
        Masked(name: "reciprocal", function: { which($0 .!= 0, reciprocal($0), $0) }, points: [0]),
        Masked(name: "quotient", function: { which($0 .!= 0, 1 / $0, $0) }, points: [0]),
        Masked(name: "x / x", function: { which($0 .!= 0, $0 / $0, $0) }, points: [0]),
        Masked(name: "power", function: { which($0 .> 0, pow($0, 0.5), $0) }, points: [0, -1]),
        Masked(
            name: "exponent", function: { which($0 .> 0, $0, pow(2, exp($0))) },
            points: [12, 89, 1e4]),
        Masked(
            name: "power above", function: { which($0 .> 0, $0, pow(3, $0)) }, points: [12, 1e4]),
        Masked(name: "asin", function: { which(abs($0) .< 1, asin($0), $0) }, points: [1, -1, 2]),
        Masked(name: "acos", function: { which(abs($0) .< 1, acos($0), $0) }, points: [1, -1, 2]),
        Masked(name: "atanh", function: { which(abs($0) .< 1, atanh($0), $0) }, points: [1, -1]),
        Masked(name: "acosh", function: { which($0 .> 1, acosh($0), $0) }, points: [1, 0]),
        Masked(
            name: "erfinv", function: { which(abs($0) .< 1, erfInverse($0), $0) }, points: [1, -1]),
        Masked(
            name: "maximum", function: { which($0 .> 0, $0, maximum(exp($0), 1 / $0)) },
            points: [12, 89, 1e4]),
        Masked(
            name: "atan2", function: { which($0 .!= 0, atan2($0, $0), $0) }, points: [0]),
    ]

    private static let types: [DType] = [.float16, .bfloat16, .float32, .float64]

    @Test("what `which` leaves out", arguments: types) func masks(type: DType) {
        for masked in Self.cases {
            let x = MLXArray(masked.points).asType(type)
            let ones = [Float](repeating: 1, count: masked.points.count)
            let what = "\(masked.name) \(type)"
            let reverse = grad { (x: MLXArray) in masked.function(x).sum() }(x)
            #expect(
                reverse.dtype == type && reverse.asType(.float32).asArray(Float.self) == ones,
                "\(what): \(reverse)")
            let forward = jvp(
                { [masked.function($0[0])] }, primals: [x],
                tangents: [
                    MLXArray.ones([masked.points.count], dtype: type)
                ]
            ).1[0]
            #expect(forward.asType(.float32).asArray(Float.self) == ones, "\(what): \(forward)")
            let twice = grad { (x: MLXArray) in
                square(grad { (x: MLXArray) in masked.function(x).sum() }(x)).sum()
            }(x)
            #expect(
                twice.asType(.float32).asArray(Float.self).allSatisfy { $0 == 0 },
                "\(what): \(twice)")
        }
    }

    @Test("norms and deviations of nothing, and maxima beside infinity") func limits() {
        let zeros = MLXArray.zeros([3])
        #expect(grad { (x: MLXArray) in norm(x) }(zeros).asArray(Float.self) == [0, 0, 0])
        #expect(grad { (x: MLXArray) in std(x) }(zeros + 2).asArray(Float.self) == [0, 0, 0])
        // Infinite cotangents stay on their side.
        let x = MLXArray([0, 1] as [Float])
        let gradient = grad { (x: MLXArray) in sqrt(maximum(x, 0)).sum() }(x)
        #expect(gradient.asArray(Float.self) == [0, 0.5])
        let largest = grad { (x: MLXArray) in sqrt(x.max()) }(MLXArray([0, -1] as [Float]))
        #expect(largest.asArray(Float.self) == [.infinity, 0])
    }

    @Test("gradients of log-sum-exp near large numbers", arguments: types)
    func logSums(type: DType) {
        for size in [0, 1e4, -1e4, Float(type == .float16 ? 65504 : 3e38)] as [Float] {
            let x = (MLXArray.zeros([2, 4]) + MLXArray(size)).asType(type)
            for axis in [0, 1] {
                let gradient = grad { (x: MLXArray) in logSumExp(x, axis: axis).sum() }(x)
                let wanted = Float(axis == 0 ? 0.5 : 0.25)
                #expect(
                    gradient.asType(.float32).asArray(Float.self).allSatisfy { $0 == wanted },
                    "\(type) \(size) \(axis): \(gradient)")
            }
        }
    }

    @Test("small slopes of logAddExp keep their digits") func slopes() {
        let x = MLXArray([-20, -50, -80] as [Float])
        let gradient = grad { (x: MLXArray) in logAddExp(0, x).sum() }(x)
        let wanted = exp(x)
        #expect(allClose(gradient, wanted, rtol: 1e-5, atol: 0).item())
    }
}
