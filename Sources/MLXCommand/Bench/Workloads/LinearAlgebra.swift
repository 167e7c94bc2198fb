import MLX

/// A singular value decomposition, a Cholesky factorization, a system of equations.
extension PeerWorkloads {
    static let linearAlgebra: [PeerWorkload] = [svd, cholesky, solve]

    private static let svd: PeerWorkload = {
        let n = 512
        return PeerWorkload(
            name: "svd_512", metric: .milliseconds, work: 1, flops: 22 * Double(n * n * n),
            bytes: 12 * Double(n * n), note: "22 n^3 operations, with both sets of vectors"
        ) { _ in
            let a = try Inputs.normal(n, n)
            return {
                let (u, s, v): (MLXArray, MLXArray, MLXArray) = MLXLinalg.svd(a)
                try checkedEval(u, s, v)
            }
        }
    }()

    private static let cholesky: PeerWorkload = {
        let n = 1024
        return PeerWorkload(
            name: "cholesky_1024", metric: .milliseconds, work: 1,
            flops: Double(n * n * n) / 3, bytes: 8 * Double(n * n)
        ) { _ in
            let b = try Inputs.normal(n, n)
            let a = matmul(b, b.T) + Float(n) * MLXArray.eye(n)
            try checkedEval(a)
            return { try checkedEval(MLXLinalg.cholesky(a)) }
        }
    }()

    private static let solve: PeerWorkload = {
        let n = 1024
        return PeerWorkload(
            name: "solve_1024", metric: .milliseconds, work: 1,
            flops: 2 * Double(n * n * n) / 3, bytes: 4 * Double(n * n)
        ) { _ in
            let (a, b) = (try Inputs.normal(n, n), try Inputs.normal(n, 1))
            return { try checkedEval(MLXLinalg.solve(a, b)) }
        }
    }()
}
