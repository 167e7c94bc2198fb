import MLX

// Fourier transforms, matrix functions, norms and the draws that need them, by the names that
// Scripts/golden_cases_linalg.py has for them.
extension GoldenReplay {
    private typealias Along = @Sendable (MLXArray, Int?, Int, FFTNorm) -> MLXArray
    private typealias Over = @Sendable (MLXArray, [Int]?, [Int]?) -> MLXArray

    static let spectra: [String: Call] = {
        let along: [String: Along] = [
            "fft": { MLXFFT.fft($0, n: $1, axis: $2, norm: $3) },
            "ifft": { MLXFFT.ifft($0, n: $1, axis: $2, norm: $3) },
            "rfft": { MLXFFT.rfft($0, n: $1, axis: $2, norm: $3) },
            "irfft": { MLXFFT.irfft($0, n: $1, axis: $2, norm: $3) },
        ]
        let over: [String: Over] = [
            "fftn": { fftn($0, s: $1, axes: $2) }, "ifftn": { ifftn($0, s: $1, axes: $2) },
            "rfftn": { rfftn($0, s: $1, axes: $2) }, "irfftn": { irfftn($0, s: $1, axes: $2) },
        ]
        var calls: [String: Call] = [
            "fftshift": { i, g in [fftshift(a(i[0]), axes: g.args.axes)] },
            "ifftshift": { i, g in [ifftshift(a(i[0]), axes: g.args.axes)] },
            "fftfreq": { _, g in [MLXFFT.fftfreq(g.args.n!, d: g.args.step!)] },
            "rfftfreq": { _, g in [MLXFFT.rfftfreq(g.args.n!, d: g.args.step!)] },
        ]
        for (name, function) in along {
            calls[name] = { i, g in
                let norm = g.args.mode.flatMap(FFTNorm.init) ?? .backward
                return [function(a(i[0]), g.args.n, g.args.axis!, norm)]
            }
        }
        for (name, function) in over {
            calls[name] = { i, g in [function(a(i[0]), g.args.shape, g.args.axes)] }
        }
        return calls
    }()

    static let matrices: [String: Call] = [
        "inv": { i, _ in [inv(a(i[0]))] }, "pinv": { i, _ in [pinv(a(i[0]))] },
        "triInv": { i, _ in [triInv(a(i[0]))] },
        "triInv upper": { i, _ in [triInv(a(i[0]), upper: true)] },
        "choleskyInv": { i, _ in [choleskyInv(a(i[0]))] },
        "choleskyInv upper": { i, _ in [choleskyInv(a(i[0]), upper: true)] },
        "cholesky": { i, _ in [cholesky(a(i[0]))] },
        "cholesky upper": { i, _ in [cholesky(a(i[0]), upper: true)] },
        "eigvalsh": { i, _ in [eigvalsh(a(i[0]))] },
        "eigvalsh upper": { i, _ in [eigvalsh(a(i[0]), UPLO: "U")] },
        "lu": { i, _ in
            let (p, l, u) = lu(a(i[0]))
            return [p, l, u]
        },
        "lu_factor": { i, _ in
            let (factors, pivots) = lu_factor(a(i[0]))
            return [factors, pivots]
        },
        "qr": { i, _ in
            let (q, r) = qr(a(i[0]))
            return [q, r]
        },
        "det": { i, _ in [MLXLinalg.det(a(i[0]))] },
        "slogdet": { i, _ in
            let (sign, logarithm) = MLXLinalg.slogdet(a(i[0]))
            return [sign, logarithm]
        },
        "svd values": { i, _ in
            let s: MLXArray = MLXLinalg.svd(a(i[0]))
            return [s]
        },
        "solve": { i, _ in [solve(a(i[0]), a(i[1]))] },
        "solveTriangular": { i, _ in [solveTriangular(a(i[0]), a(i[1]))] },
        "solveTriangular upper": { i, _ in [solveTriangular(a(i[0]), a(i[1]), upper: true)] },
        "cross": { i, _ in [cross(a(i[0]), a(i[1]))] },
        "norm": { i, g in
            guard let mode = g.args.mode else { return [norm(a(i[0]))] }
            let (x, axes, keep) = (a(i[0]), g.args.axes!, g.args.keepDims ?? false)
            if let kind = MLXLinalg.NormKind(rawValue: mode) {
                return [norm(x, ord: kind, axes: axes, keepDims: keep)]
            }
            return [MLXLinalg.norm(x, ord: Double(mode)!, axes: axes, keepDims: keep)]
        },
        "multivariateNormal": { i, g in
            [
                multivariateNormal(
                    mean: a(i[1]), covariance: a(i[2]), shape: g.args.shape!, dtype: .float32,
                    key: a(i[0]))
            ]
        },
    ]
}
