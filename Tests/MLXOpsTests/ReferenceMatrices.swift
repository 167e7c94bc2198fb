import Foundation
import MLX
import MLXBase
import MLXGraph
import MLXOps

/// The naive reference of matrix functions: elimination and substitution in double precision, and
/// sample matrices that these functions are smooth at. Decompositions that are not unique are
/// checked by what they multiply to, in tests of their own.
enum Matrices {
    /// Samples made well conditioned, positive definite, or with eigenvalues apart.
    static func prepared(_ name: String, _ inputs: [Tensor]) -> [Tensor] {
        guard let x = inputs.first, x.shape.count >= 2, let n = x.shape.last else { return inputs }
        let shift: Double
        switch name {
        case "cholesky", "eigh", "eigvalsh", "solve", "solve_triangular", "inv", "tri_inv", "det",
            "slogdet", "cofactors":
            shift = 4
        default: return inputs
        }
        let isSymmetric = name == "cholesky" || name.hasPrefix("eig")
        let result = Tensor(x.shape) { position in
            let index = Tensor.index(position, x.shape)
            let (i, j) = (index[index.count - 2], index[index.count - 1])
            let mirrored = index.dropLast(2) + [j, i]
            let value = isSymmetric ? (x[index] + x[Array(mirrored)]) / 4 : x[index] / 2
            return Double(Float(value + (i == j ? shift * Double(n + i) / 2 : 0)))
        }
        return [result] + inputs.dropFirst()
    }

    /// Symmetric functions of a perturbed matrix see the symmetric part of the perturbation.
    static func record(
        _ row: OpRow, _ inputs: [MLXArray], _ attributes: Attributes
    ) -> MLXArray {
        var inputs = inputs
        if ["cholesky", "eigh", "eigvalsh"].contains(row.name) {
            inputs[0] = (inputs[0] + swappedAxes(inputs[0], -1, -2)) / 2
        }
        return Ops.record(row.code, inputs, attributes)
    }

    typealias Matrix = [[Double]]

    static func evaluate(
        _ name: String, _ inputs: [Tensor], _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        let word = attributes.word
        let function: (Matrix, Matrix) -> [Double]
        switch name {
        case "inv": function = { a, _ in solve(a, identity(a.count)).flatMap { $0 } }
        case "solve": function = { a, b in solve(a, b).flatMap { $0 } }
        case "tri_inv":
            function = { a, _ in
                solve(triangle(a, upper: word == 1), identity(a.count)).flatMap { $0 }
            }
        case "solve_triangular":
            function = { a, b in
                let t = triangle(a, upper: word & 1 == 1)
                return solve(word & 2 == 2 ? transposed(t) : t, b).flatMap { $0 }
            }
        case "cholesky":
            function = { a, _ in
                let l = cholesky(a)
                return (word == 1 ? transposed(l) : l).flatMap { $0 }
            }
        case "det": function = { a, _ in [determinant(a)] }
        case "cofactors":
            function = { a, _ in
                a.indices.flatMap { i in a.indices.map { j in cofactor(a, i, j) } }
            }
        case "slogdet":
            function = { a, _ in
                let value = determinant(a)
                return [value < 0 ? -1 : value > 0 ? 1 : 0, log(abs(value))]
            }
        case "pinv":
            function = { a, _ in
                // Of full rank: (aᵀ a)⁻¹ aᵀ, or aᵀ (a aᵀ)⁻¹.
                let t = transposed(a)
                return a.count >= t.count
                    ? solve(product(t, a), t).flatMap { $0 }
                    : transposed(solve(product(a, t), a)).flatMap { $0 }
            }
        default: return nil
        }
        let (a, b) = (matrices(inputs[0]), inputs.count > 1 ? matrices(inputs[1]) : [])
        return Tensor(shape, a.indices.flatMap { function(a[$0], b.isEmpty ? [] : b[$0]) })
    }

    private static func matrices(_ x: Tensor) -> [Matrix] {
        let (m, n) = (x.shape[x.shape.count - 2], x.shape[x.shape.count - 1])
        return (0..<x.values.count / Swift.max(m * n, 1)).map { item in
            (0..<m).map { i in (0..<n).map { x.values[(item * m + i) * n + $0] } }
        }
    }

    private static func identity(_ n: Int) -> Matrix {
        (0..<n).map { i in (0..<n).map { $0 == i ? 1 : 0 } }
    }

    private static func transposed(_ a: Matrix) -> Matrix {
        (0..<(a.first?.count ?? 0)).map { j in a.map { $0[j] } }
    }

    private static func product(_ a: Matrix, _ b: Matrix) -> Matrix {
        let columns = transposed(b)
        return a.map { row in columns.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
    }

    private static func triangle(_ a: Matrix, upper: Bool) -> Matrix {
        a.indices.map { i in a.indices.map { upper == ($0 >= i) || $0 == i ? a[i][$0] : 0 } }
    }

    /// Gauss and Jordan, with interchanges.
    /// The signed determinant without a row and a column.
    private static func cofactor(_ a: Matrix, _ row: Int, _ column: Int) -> Double {
        var minor = a
        minor.remove(at: row)
        for i in minor.indices { minor[i].remove(at: column) }
        return ((row + column) % 2 == 0 ? 1 : -1) * determinant(minor)
    }

    private static func solve(_ a: Matrix, _ b: Matrix) -> Matrix {
        var (a, b) = (a, b)
        for i in a.indices {
            let pivot = (i..<a.count).max { abs(a[$0][i]) < abs(a[$1][i]) }!
            a.swapAt(i, pivot)
            b.swapAt(i, pivot)
            for k in a.indices where k != i {
                let factor = a[k][i] / a[i][i]
                for j in a.indices { a[k][j] -= factor * a[i][j] }
                for j in b[i].indices { b[k][j] -= factor * b[i][j] }
            }
        }
        return b.indices.map { i in b[i].map { $0 / a[i][i] } }
    }

    /// By cofactors of the first row.
    private static func determinant(_ a: Matrix) -> Double {
        if a.isEmpty { return 1 }
        return a.indices.reduce(0.0) { sum, j in
            let minor = a.dropFirst().map { row in
                row.indices.filter { $0 != j }.map { row[$0] }
            }
            return sum + (j % 2 == 0 ? 1 : -1) * a[0][j] * determinant(Array(minor))
        }
    }

    private static func cholesky(_ a: Matrix) -> Matrix {
        var l = a.map { $0.map { _ in 0.0 } }
        for i in a.indices {
            for j in 0...i {
                let rest = a[i][j] - (0..<j).reduce(0.0) { $0 + l[i][$1] * l[j][$1] }
                l[i][j] = i == j ? rest.squareRoot() : rest / l[j][j]
            }
        }
        return l
    }
}
