import MLX
import Testing

/// Every function that returns an array returns a new one: assigning to the result leaves the
/// argument as it was, where the function has nothing to do too.
@Suite("Two arrays are two") struct DistinctArrayTests {
    private typealias Function = (String, @Sendable (MLXArray) -> [MLXArray])

    private static let shapes: [Function] = [
        ("asType", { [$0.asType($0.dtype), $0.asType(Float.self)] }),
        ("view", { [view($0, dtype: $0.dtype), $0.view(dtype: $0.dtype)] }),
        ("reshaped", { [reshaped($0, $0.shape), $0.reshaped($0.shape)] }),
        ("flattened", { [flattened($0), $0.flattened(), $0.flattened(start: 0, end: 0)] }),
        ("unflatten", { [$0.ndim == 1 ? unflatten($0, axis: 0, shape: [-1]) : $0 + 0] }),
        (
            "transposed",
            { x in
                let axes = Array(0..<x.ndim)
                return [
                    transposed(x, axes: axes), x.transposed(axes: axes), T(x), x.T, transposed(x),
                ]
            }
        ),
        ("swappedAxes", { $0.ndim == 0 ? [] : [swappedAxes($0, 0, 0), $0.swappedAxes(-1, -1)] }),
        ("movedAxis", { $0.ndim == 0 ? [] : [movedAxis($0, source: 0, destination: 0)] }),
        ("transposed(axis:)", { $0.ndim == 0 ? [] : [transposed($0, axis: 0)] }),
        ("squeezed", { [squeezed($0), $0.squeezed(), squeezed($0, axes: [Int]())] }),
        ("expandedDimensions", { [expandedDimensions($0, axes: [Int]())] }),
        ("broadcast", { [broadcast($0, to: $0.shape)] }),
        ("atLeast", { [atLeast1D($0), atLeast2D($0), atLeast3D($0)] }),
        ("contiguous", { [contiguous($0), $0.contiguous()] }),
        ("split", { $0.ndim == 0 ? [] : split($0, parts: 1) + split($0, indices: [Int]()) }),
        ("concatenated", { $0.ndim == 0 ? [] : [concatenated([$0])] }),
        (
            "padded",
            { x in
                [PadMode.constant, .edge, .reflect, .symmetric].flatMap {
                    [padded(x, width: 0, mode: $0)]
                }
            }
        ),
        ("repeated", { $0.ndim == 0 ? [] : [repeated($0, count: 1, axis: 0)] }),
        ("tiled", { [tiled($0, repetitions: [Int](repeating: 1, count: $0.ndim))] }),
        ("roll", { $0.ndim == 0 ? [] : [roll($0, shift: 0, axis: 0), roll($0, shift: 0)] }),
        ("flip", { [flip($0, axes: []), flip($0)] }),
        ("asStrided", { [asStrided($0, $0.shape)] }),
        ("meshGrid", { $0.ndim == 1 ? meshGrid([$0]) + meshGrid([$0], sparse: true) : [] }),
        ("subscripts", { $0.ndim == 0 ? [] : [$0[0...], $0[.ellipsis], $0[.ellipsis, 0...]] }),
    ]

    private static let values: [Function] = [
        ("stopGradient", { [stopGradient($0)] }),
        (
            "depends",
            { x in
                depends(inputs: [x], dependencies: [x]) + [depends(input: x, dependencies: [])]
            }
        ),
        ("trunc and rounding", { [trunc($0), floor($0), ceil($0), round($0), $0.round()] }),
        ("nanToNum", { [nanToNum($0)] }),
        ("clip", { [clip($0, min: -100), clip($0, max: 100), clip($0, min: -100, max: 100)] }),
        ("parts", { [$0.realPart(), conjugate($0), abs($0), sign($0)] }),
        ("arithmetic", { [$0 + 0, $0 * 1, $0 - 0, $0 / 1, pow($0, 1)] }),
        ("which", { [which(MLXArray(true), $0, $0), maximum($0, $0), minimum($0, $0)] }),
        (
            "reductions",
            { [sum($0, axes: [Int]()), max($0, axes: [Int]()), mean($0, axes: [Int]()), prod($0)] }
        ),
        ("diff", { $0.ndim == 0 ? [] : [diff($0, n: 0)] }),
        ("top", { $0.ndim == 0 ? [] : [top($0, k: $0.dim(-1))] }),
        ("sorted", { $0.ndim == 0 ? [] : [sorted($0), cumsum($0, axis: 0)] }),
        ("einsum", { $0.ndim == 1 ? [einsum("i->i", $0), einsum("i", $0)] : [] }),
        ("tril", { $0.ndim >= 2 ? [tril($0, k: 9), triu($0, k: -9)] : [] }),
        ("fft", { [MLXFFT.fftn($0.asType(.complex64), axes: [Int]())] }),
        (
            "transforms",
            { x in
                let id: (MLXArray) -> MLXArray = { $0 }
                let compiled = compile { (x: MLXArray) -> MLXArray in x }
                return [compiled(x), vmap0(x), checkpoint(id)(x)]
                    + vjp({ $0 }, primals: [x], cotangents: [x]).0
                    + vjp({ $0 }, primals: [x], cotangents: [x]).1
                    + jvp({ $0 }, primals: [x], tangents: [x]).0
                    + jvp({ $0 }, primals: [x], tangents: [x]).1
            }
        ),
    ]

    private static func prod(_ x: MLXArray) -> MLXArray { product(x, axes: [Int]()) }
    private static func vmap0(_ x: MLXArray) -> MLXArray {
        x.ndim == 0 ? x + 0 : vmap { (x: MLXArray) in x }(x)
    }

    static let names = (shapes + values).map(\.0)

    private static let arrays: [MLXArray] = [
        MLXArray(2 as Float), MLXArray([3] as [Float]), MLXArray([1, 2, 3] as [Float]),
        MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3]), MLXArray([7] as [Float], [1, 1, 1]),
        MLXArray([1, 2, 3] as [Int32]), MLXArray([Complex<Float>(1, 2), Complex(0, 1)]),
    ]

    @Test("results are arrays of their own", arguments: names) func results(name: String) throws {
        let function = try #require((Self.shapes + Self.values).first { $0.0 == name })
        var count = 0
        for argument in Self.arrays {
            // An array of this test's own: others use the same ones meanwhile.
            let x = argument + 0
            eval(x)
            let before = x.asType(.complex64).asArray(Complex<Float>.self)
            for (number, result) in function.1(x).enumerated() {
                #expect(result !== x, "\(name) \(number) of \(x.shape)")
                result._updateInternal(MLXArray(99))
                let after = x.asType(.complex64).asArray(Complex<Float>.self)
                #expect(after == before, "\(name) \(number) of \(x.shape)")
                count += 1
            }
        }
        #expect(count > 0)
    }

    @Test("assigning to a cast or a reshape leaves the array alone") func assignment() {
        let a = MLXArray([1, 2, 3] as [Float])
        let b = a.asType(.float32)
        b[0] = MLXArray(9 as Float)
        let c = a.reshaped(3)
        c[1] = MLXArray(8 as Float)
        #expect(a.asArray(Float.self) == [1, 2, 3])
        #expect(b.asArray(Float.self) == [9, 2, 3] && c.asArray(Float.self) == [1, 8, 3])
    }

    @Test("gradients are arrays of their own") func gradients() {
        let (x, y) = (MLXArray([1, 2] as [Float]), MLXArray([3, 4] as [Float]))
        let both = grad({ [($0[0] + $0[1]).sum()] }, argumentNumbers: [0, 1])([x, y])
        both[0][0] = MLXArray(9 as Float)
        #expect(both[1].asArray(Float.self) == [1, 1])
        let twice = compile { (x: [MLXArray]) in [x[0], x[0]] }([x])
        twice[0][0] = MLXArray(9 as Float)
        #expect(twice[1].asArray(Float.self) == [1, 2] && x.asArray(Float.self) == [1, 2])
    }
}
