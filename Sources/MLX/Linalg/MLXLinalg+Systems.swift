import MLXBase
import MLXGraph
import MLXOps

// Systems of equations, inverses, triangular factors, determinants and cross products.
extension MLXLinalg {
    /// The solution of a x = b for each square matrix, by LU with interchanges; b is (…, n, k) or
    /// one vector (n). Other axes broadcast.
    ///
    /// ```swift
    /// let a = MLXArray([2, 0, 0, 4] as [Float], [2, 2])
    /// MLXLinalg.solve(a, MLXArray([2, 2] as [Float]))  // 1, 0.5
    /// ```
    /// - Note: a singular matrix is an error when evaluated.
    public static func solve(
        _ a: MLXArray, _ b: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return system(.solve, a, b, 0, stream)
    }

    /// The solution of t x = b, where t is the lower (or upper) triangle of a; b as for `solve`.
    ///
    /// ```swift
    /// let a = MLXArray([2, 0, 1, 1] as [Float], [2, 2])
    /// MLXLinalg.solveTriangular(a, MLXArray([2, 3] as [Float]))  // 1, 2
    /// ```
    /// - Note: a zero on the diagonal is an error when evaluated.
    public static func solveTriangular(
        _ a: MLXArray, _ b: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return system(.solveTriangular, a, b, upper ? 1 : 0, stream)
    }

    /// The inverse of each matrix (…, n, n).
    ///
    /// ```swift
    /// MLXLinalg.inv(MLXArray([2, 0, 0, 4] as [Float], [2, 2]))  // 0.5, 0, 0, 0.25
    /// ```
    /// - Note: a singular matrix is an error when evaluated.
    public static func inv(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return Ops.record(.inverse, [array], stream: stream.id)
    }

    /// The inverse of the lower (or upper) triangle of each matrix (…, n, n); the other triangle is
    /// not read.
    ///
    /// ```swift
    /// MLXLinalg.triInv(MLXArray([2, 0, 1, 1] as [Float], [2, 2]))  // 0.5, 0, -0.5, 1
    /// ```
    /// - Note: a zero on the diagonal is an error when evaluated.
    public static func triInv(
        _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return Ops.record(
            .triangularInverse, [array], Attributes(word: upper ? 1 : 0), stream: stream.id)
    }

    /// The triangular factor l of each symmetric positive definite matrix, x = l lᵀ, or with
    /// `upper` its transpose. Reads the lower triangle.
    ///
    /// ```swift
    /// MLXLinalg.cholesky(MLXArray([4, 2, 2, 5] as [Float], [2, 2]))  // 2, 0, 1, 2
    /// ```
    /// - Note: a matrix that is not positive definite is an error when evaluated.
    public static func cholesky(
        _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return Ops.record(.cholesky, [array], Attributes(word: upper ? 1 : 0), stream: stream.id)
    }

    /// The inverse of the matrix that a factor of `cholesky` is of: (l lᵀ)⁻¹, or (uᵀ u)⁻¹.
    ///
    /// ```swift
    /// MLXLinalg.choleskyInv(cholesky(a))  // inv(a)
    /// ```
    /// - Note: a zero on the diagonal is an error when evaluated.
    public static func choleskyInv(
        _ array: MLXArray, upper: Bool = false, stream: StreamOrDevice = .default
    ) -> MLXArray {
        let inverse = triInv(array, upper: upper, stream: stream)
        guard inverse.ndim >= 2 else { return inverse }
        let transposed = Ops.swapLast(inverse)
        return upper
            ? matmul(inverse, transposed, stream: stream)
            : matmul(transposed, inverse, stream: stream)
    }

    /// The factors p, l, u of each matrix (…, m, n) with rows interchanged: row i of x is row p[i]
    /// of l u. l (…, m, k) has ones on its diagonal, u is (…, k, n), p uint32 (…, m).
    ///
    /// ```swift
    /// let (p, l, u) = MLXLinalg.lu(x)
    /// let same = takeAlong(matmul(l, u), p[.ellipsis, .newAxis], axis: -2)
    /// ```
    public static func lu(
        _ a: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray, MLXArray) {
        let (m, n) = extents(a)
        let k = Swift.min(m, n)
        let packed = Ops.record(.lu, [a], stream: stream.id)
        let factors = part(packed, 0, [m, n], stream)
        let rows = part(packed, m * n + k, [m], stream)
        let (left, right) = (
            leading(factors, rows: m, columns: k, stream),
            leading(factors, rows: k, columns: n, stream)
        )
        let lower = tril(left, k: -1, stream: stream) + eye(m, m: k, dtype: factors.dtype)
        return (rows.asType(.uint32, stream: stream), lower, triu(right, stream: stream))
    }

    /// The factors of `lu` in one array (…, m, n), l without its diagonal of ones, and the pivots:
    /// row i was interchanged with row pivots[i], one after the other; uint32.
    ///
    /// ```swift
    /// let (factors, pivots) = MLXLinalg.lu_factor(x)
    /// ```
    public static func lu_factor(
        _ a: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let (m, n) = extents(a)
        let packed = Ops.record(.lu, [a], stream: stream.id)
        let pivots = part(packed, m * n, [Swift.min(m, n)], stream)
        return (part(packed, 0, [m, n], stream), pivots.asType(.uint32, stream: stream))
    }

    /// The determinant of each square matrix, by LU.
    ///
    /// ```swift
    /// MLXLinalg.det(MLXArray([1, 2, 3, 4] as [Float], [2, 2]))  // -2
    /// ```
    /// - Note: without rows it is 1. The gradient is the adjugate's transpose, at singular matrices
    ///   too. Complex64 is taken as well.
    public static func det(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> MLXArray {
        let wide = widened(array, stream)
        let result = Ops.record(.determinant, [wide], stream: stream.id)
        return narrowed(result, from: array, stream)
    }

    /// The sign of the determinant of each square matrix and the logarithm of its absolute value,
    /// which does not overflow; 0 and -∞ for singular ones.
    ///
    /// ```swift
    /// let a = MLXArray([1, 2, 3, 4] as [Float], [2, 2])
    /// let (sign, logarithm) = MLXLinalg.slogdet(a)  // -1, 0.69
    /// ```
    public static func slogdet(
        _ array: MLXArray, stream: StreamOrDevice = .default
    ) -> (MLXArray, MLXArray) {
        let packed = Ops.record(
            .logDeterminant, [widened(array, stream)], Attributes(word: 1), stream: stream.id)
        guard packed.ndim > 0 else { return (packed, packed) }
        let size = part(packed, 1, [], stream)
        let logarithm = size.dtype == .complex64 ? Ops.unary(.real, size, stream: stream.id) : size
        return (
            narrowed(part(packed, 0, [], stream), from: array, stream),
            narrowed(logarithm, from: array, stream)
        )
    }

    /// What a determinant is computed of: float32 for integers, booleans and halves.
    private static func widened(_ array: MLXArray, _ stream: StreamOrDevice) -> MLXArray {
        array.dtype.isFloatingPoint && array.dtype.size >= 4
            ? array : Ops.cast(array, to: .float32, stream: stream.id)
    }

    /// A result of `widened`; of halves a half again.
    private static func narrowed(
        _ result: MLXArray, from array: MLXArray, _ stream: StreamOrDevice
    ) -> MLXArray {
        array.dtype.isFloatingPoint && array.dtype.size < 4
            ? Ops.cast(result, to: array.dtype, stream: stream.id) : result
    }

    /// The cross product of the vectors of two or three numbers along an axis, the others
    /// broadcast; vectors of two lie in the plane. The axis of the result has length three.
    ///
    /// ```swift
    /// MLXLinalg.cross(MLXArray([1, 0, 0]), MLXArray([0, 1, 0]))  // 0, 0, 1
    /// ```
    public static func cross(
        _ a: MLXArray, _ b: MLXArray, axis: Int = -1, stream: StreamOrDevice = .default
    ) -> MLXArray {
        return crossProduct(a, b, axis, stream)
    }

    /// Records a system after broadcasting; vectors get an axis and lose it again.
    private static func system(
        _ code: OpCode, _ a: MLXArray, _ b: MLXArray, _ word: UInt64, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([a, b]) { () throws(ArrayError) in
            let name = OpTable.name(code)
            guard a.ndim >= 2, b.ndim >= 1 else {
                throw ArrayError(
                    .shape, name, "needs a matrix and a vector or matrix",
                    shapes: [a.shape, b.shape])
            }
            let isVector = b.ndim == 1
            let right = isVector ? expandedDimensions(b, axis: -1, stream: stream) : b
            guard right.ndim >= 2, right.dim(-2) == a.dim(-1) else {
                throw ArrayError(
                    .shape, name, "\(a.shape) and \(b.shape) do not fit",
                    shapes: [a.shape, b.shape])
            }
            let batch = try Broadcasting.shape(
                [
                    try Shape(validating: a.shape.dropLast(2), operation: name),
                    try Shape(validating: right.shape.dropLast(2), operation: name),
                ], operation: name
            ).array
            let solution = Ops.record(
                code,
                [
                    Ops.broadcast(a, to: batch + a.shape.suffix(2), stream: stream.id),
                    Ops.broadcast(right, to: batch + right.shape.suffix(2), stream: stream.id),
                ], Attributes(word: word), stream: stream.id)
            return isVector && !NodeReference(solution).isPoisoned
                ? squeezed(solution, axis: -1, stream: stream) : solution
        }
    }

    /// The first rows and columns.
    private static func leading(
        _ x: MLXArray, rows: Int, columns: Int, _ stream: StreamOrDevice
    ) -> MLXArray {
        let rank = x.ndim
        if rank < 2 { return x.aliased() }
        let wide = Ops.slice(x, axis: rank - 2, 0, rows, stream: stream.id)
        return Ops.slice(wide, axis: rank - 1, 0, columns, stream: stream.id)
    }

    private static func crossProduct(
        _ a: MLXArray, _ b: MLXArray, _ axis: Int, _ stream: StreamOrDevice
    ) -> MLXArray {
        recording([a, b]) { () throws(ArrayError) in
            let name = "cross"
            let places = [
                try Axes.normalize(axis, rank: a.ndim, operation: name),
                try Axes.normalize(axis, rank: b.ndim, operation: name),
            ]
            let operands = try zip([a, b], places).map { (x, place) throws(ArrayError) in
                guard x.dim(place) == 2 || x.dim(place) == 3 else {
                    throw ArrayError(
                        .shape, name, "needs vectors of two or three numbers",
                        shapes: [a.shape, b.shape])
                }
                var widths = Array(repeating: IntOrPair((0, 0)), count: x.ndim)
                widths[place] = IntOrPair((0, 3 - x.dim(place)))
                return x.dim(place) == 3 ? x : padded(x, widths: widths, stream: stream)
            }
            func component(_ x: Int, _ index: Int) -> MLXArray {
                Ops.slice(operands[x], axis: places[x], index, 1, stream: stream.id)
            }
            let parts = (0..<3).map { i in
                let (j, k) = ((i + 1) % 3, (i + 2) % 3)
                return subtract(
                    multiply(component(0, j), component(1, k), stream: stream),
                    multiply(component(0, k), component(1, j), stream: stream), stream: stream)
            }
            return concatenated(parts, axis: axis, stream: stream)
        }
    }
}
