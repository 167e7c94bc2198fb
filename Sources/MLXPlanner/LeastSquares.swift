/// A line through what was measured, over two sizes: `c0 + c1 a + c2 b`, which is least in squares
/// of relative differences, so that what is small counts as much as what is large.
struct LeastSquares: Hashable, Sendable {
    private(set) var coefficients: [Double]

    struct Point {
        var a: Double
        var b: Double
        /// Above zero.
        var value: Double
        /// How often it was measured.
        var weight: Double
    }

    /// Of a pivot, beside the square it began with: less is what rounding leaves of nothing.
    private static let smallestPivot = 1e-9

    /// A column that follows from the ones before it (two sizes that grow alike) gets the
    /// coefficient 0.
    /// - Returns: nil for fewer than two points.
    init?(_ points: [Point]) {
        guard points.count >= 2 else { return nil }
        // Sizes are brought to one scale first: squares of bytes beside those of ones are not
        // solved for in 53 bits.
        let scales = [
            1, max(points.map(\.a).max() ?? 1, 1), max(points.map(\.b).max() ?? 1, 1),
        ]
        var matrix = [[Double]](repeating: [0, 0, 0, 0], count: 3)
        for point in points {
            let row = zip([1, point.a, point.b], scales).map { $0 / $1 / point.value } + [1]
            for i in 0..<3 { for j in 0..<4 { matrix[i][j] += point.weight * row[i] * row[j] } }
        }
        coefficients = zip(LeastSquares.solve(matrix), scales).map { $0 / $1 }
        guard coefficients.allSatisfy(\.isFinite) else { return nil }
    }

    /// Gauss-Jordan elimination on a symmetric matrix with its right side.
    private static func solve(_ matrix: [[Double]]) -> [Double] {
        var matrix = matrix
        let squares = (0..<3).map { matrix[$0][$0] }
        var isUsed = [false, false, false]
        for column in 0..<3 where matrix[column][column] > smallestPivot * squares[column] {
            isUsed[column] = true
            let pivot = matrix[column][column]
            for place in 0..<4 { matrix[column][place] /= pivot }
            for row in 0..<3 where row != column {
                let factor = matrix[row][column]
                for place in 0..<4 { matrix[row][place] -= factor * matrix[column][place] }
            }
        }
        return (0..<3).map { isUsed[$0] ? matrix[$0][3] : 0 }
    }

    func callAsFunction(_ a: Double, _ b: Double) -> Double {
        coefficients[0] + coefficients[1] * a + coefficients[2] * b
    }
}
