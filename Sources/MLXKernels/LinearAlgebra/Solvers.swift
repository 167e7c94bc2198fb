import CMLXKernels
import COpenBLAS
import MLXBase

/// Linear systems, inverses, determinants and triangular factors of each matrix of a batch. A large
/// matrix is factored by the whole team (`BlockedFactorization`), small ones side by side.
///
/// - solve: A (n, n), B (n, k) → A⁻¹ B by LU with pivoting; inverse: A → A⁻¹.
/// - solveTriangular: the same for a triangle; the word has bit 0 for the upper one, bit 1 for Aᵀ;
///   the other triangle is not read. triangularInverse likewise.
/// - cholesky: the lower triangle of A is read; bit 0 of the word asks for the upper factor.
/// - lu: (m, n) packed factors, then min(m, n) pivots and m row numbers, in the matrices' dtype,
///   which holds such integers exactly up to 2²⁴.
/// - determinant: sign and logarithm of the absolute value.
enum Solvers {
    private static func singular(_ info: Int32) -> String { "is singular (pivot \(info) is zero)" }

    /// One large matrix is given the whole team, of many each gets one thread.
    private static func team(_ call: borrowing KernelCall, _ count: Int) -> any FanOut {
        count < 4 ? call.fanOut : SerialFanOut()
    }

    static func solve<T: LAPACKScalar>(
        _ call: borrowing KernelCall, inverse: Bool, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (n, k) = (a.columns, out.columns)
        if out.shape.size == 0 { return }
        let b = inverse ? nil : call.contiguous(call.inputs[1])
        let team = team(call, a.matrixCount)
        let size = MemoryLayout<T>.stride
        try MatrixBatch(
            inverse ? "inv" : "solve", count: a.matrixCount, operations: n * n * (n + k),
            oneByOne: a.matrixCount < 4
        ).run(
            call, scratch: ScratchPieces.bytes(n * n * size, 4 * n), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let factors: UnsafeMutablePointer<T> = pieces.take(n * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            factors.update(from: a.values(T.self) + item * n * n, count: n * n)
            let x: UnsafeMutablePointer<T> = out.values(T.self) + item * n * k
            if let b {
                x.update(from: b.values(T.self) + item * n * k, count: n * k)
            } else {
                setIdentity(x, n)
            }
            let info = BlockedFactorization.lu(factors, n, pivots, team)
            if info == 0 { finish(factors, pivots, x, n, k, team) }
            return info
        }
    }

    static func setIdentity<T: LAPACKScalar>(_ x: UnsafeMutablePointer<T>, _ n: Int) {
        x.update(repeating: 0, count: n * n)
        for i in 0..<n { x[i * (n + 1)] = 1 }
    }

    /// X = P L⁻ᵀ U⁻ᵀ B in place, with the factors of the transpose; bands of columns side by side.
    static func finish<T: LAPACKScalar>(
        _ factors: UnsafeMutablePointer<T>, _ pivots: UnsafeMutablePointer<Int32>,
        _ x: UnsafeMutablePointer<T>, _ n: Int, _ k: Int, _ team: any FanOut
    ) {
        let band = max(64, (k + 15) / 16)
        // SAFETY: chunks write columns of their own.
        nonisolated(unsafe) let factors = factors
        nonisolated(unsafe) let pivots = pivots
        nonisolated(unsafe) let x = x
        team.forRanges((k + band - 1) / band, size: 1, picosecondsPerItem: n * n * band * 50) {
            for index in $0 {
                let column = index * band
                let count = min(band, k - column)
                let part = x + column
                T.solveTriangle(
                    CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, n, count, factors, n, part,
                    k)
                T.solveTriangle(
                    CblasLeft, CblasUpper, CblasNoTrans, CblasUnit, n, count, factors, n, part, k)
                for i in (0..<n).reversed() {
                    let other = Int(pivots[i]) - 1
                    if other == i { continue }
                    for c in 0..<count {
                        (part[i * k + c], part[other * k + c]) =
                            (part[other * k + c], part[i * k + c])
                    }
                }
            }
        }
    }

    static func solveTriangular<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let b = call.contiguous(call.inputs[1])
        let out = call.outputs[0]
        let (n, k) = (a.columns, out.columns)
        if out.shape.size == 0 { return }
        let (upper, transposed) = (call.attributes[0] & 1 != 0, call.attributes[0] & 2 != 0)
        let team = team(call, a.matrixCount)
        try MatrixBatch(
            "solve_triangular", count: a.matrixCount, operations: n * n * k / 2,
            oneByOne: a.matrixCount < 4
        ).run(
            call, scratch: 64, failure: singular
        ) { item, _ in
            let triangle: UnsafeMutablePointer<T> = a.values(T.self) + item * n * n
            for i in 0..<n where triangle[i * (n + 1)] == 0 { return Int32(i + 1) }
            nonisolated(unsafe) let t = triangle
            nonisolated(unsafe) let x: UnsafeMutablePointer<T> = out.values(T.self) + item * n * k
            x.update(from: b.values(T.self) + item * n * k, count: n * k)
            let band = max(64, (k + 15) / 16)
            team.forRanges((k + band - 1) / band, size: 1, picosecondsPerItem: n * n * band * 25) {
                for index in $0 {
                    T.solveTriangle(
                        CblasLeft, upper ? CblasUpper : CblasLower,
                        transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, n,
                        min(band, k - index * band), t, n, x + index * band, k)
                }
            }
            return 0
        }
    }

    static func triangularInverse<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let upper = call.attributes[0] & 1 != 0
        let numbers = LAPACKNumbers(call, n)
        try MatrixBatch(
            "tri_inv", count: a.matrixCount, operations: n * n * n / 3
        ).run(
            call, scratch: 64, failure: singular
        ) { item, _ in
            let x: UnsafeMutablePointer<T> = out.values(T.self) + item * n * n
            x.update(from: a.values(T.self) + item * n * n, count: n * n)
            clearTriangle(x, n, upper: !upper)
            var info: Int32 = 0
            T.trtri(
                upper ? LAPACKLetter.lower : LAPACKLetter.upper, LAPACKLetter.none, numbers[0], x,
                numbers[0], &info, 1, 1)
            return info
        }
    }

    static func cholesky<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let upper = call.attributes[0] & 1 != 0
        let team = team(call, a.matrixCount)
        let size = upper ? n * n * MemoryLayout<T>.stride : 64
        try MatrixBatch(
            "cholesky", count: a.matrixCount, operations: n * n * n / 3,
            oneByOne: a.matrixCount < 4
        ).run(
            call, scratch: size, failure: { "is not positive definite (minor \($0))" }
        ) { item, scratch in
            let from: UnsafeMutablePointer<T> = a.values(T.self) + item * n * n
            let to: UnsafeMutablePointer<T> = out.values(T.self) + item * n * n
            let x = upper ? scratch.bindMemory(to: T.self, capacity: n * n) : to
            x.update(from: from, count: n * n)
            let info = BlockedFactorization.cholesky(x, n, team)
            if info != 0 { return info }
            clearTriangle(x, n, upper: true)
            if upper { transposeMatrix(x, to, rows: n, columns: n) }
            return 0
        }
    }

    static func lu<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (m, n) = (a.rows, a.columns)
        let k = min(m, n)
        if out.shape.size == 0 { return }
        let numbers = LAPACKNumbers(call, m, n)
        let size = MemoryLayout<T>.stride
        try MatrixBatch(
            "lu", count: a.matrixCount, operations: m * n * k
        ).run(
            call, scratch: ScratchPieces.bytes(m * n * size, 4 * k, 4 * m), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let x: UnsafeMutablePointer<T> = pieces.take(m * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(k)
            let order: UnsafeMutablePointer<Int32> = pieces.take(m)
            transposeMatrix(a.values(T.self) + item * m * n, x, rows: m, columns: n)
            var info: Int32 = 0
            if k > 0 { T.getrf(numbers[0], numbers[1], x, numbers[0], pivots, &info) }
            let result: UnsafeMutablePointer<T> = out.values(T.self) + item * (m * n + k + m)
            transposeMatrix(x, result, rows: n, columns: m)
            for i in 0..<m { order[i] = Int32(i) }
            for i in 0..<k {
                let other = Int(pivots[i]) - 1
                result[m * n + i] = T(other)
                if other != i { (order[i], order[other]) = (order[other], order[i]) }
            }
            for i in 0..<m { result[m * n + k + Int(order[i])] = T(i) }
            // A zero pivot is no failure here: the product of the factors is A all the same.
            return min(info, 0)
        }
    }

    static func determinant<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let team = team(call, a.matrixCount)
        let isPair = call.attributes[0] != 0
        let size = MemoryLayout<T>.stride
        let logarithm = try elementwise(MLX_LOG, out.dtype)
        try MatrixBatch(
            "det", count: a.matrixCount, operations: n * n * n / 2,
            oneByOne: a.matrixCount < 4
        ).run(
            call, scratch: ScratchPieces.bytes(n * n * size, 4 * n, n * size), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let x: UnsafeMutablePointer<T> = pieces.take(n * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            x.update(from: a.values(T.self) + item * n * n, count: n * n)
            // Of no rows LAPACK says that it was called wrongly.
            let info = n == 0 ? 0 : BlockedFactorization.lu(x, n, pivots, team)
            let result: UnsafeMutablePointer<T> = out.values(T.self)
            guard isPair else {
                result[item] = determinant(x, pivots, n)
                return min(info, 0)
            }
            let diagonal: UnsafeMutablePointer<T> = pieces.take(n)
            var sign: T = 1
            for i in 0..<n {
                if Int(pivots[i]) - 1 != i { sign = -sign }
                let value = x[i * (n + 1)]
                diagonal[i] = Swift.abs(value)
                sign = value == 0 ? 0 : value < 0 ? -sign : value > 0 ? sign : .nan
            }
            logarithm(diagonal, diagonal, nil, nil, n)
            let total = (0..<n).reduce(T(0)) { $0 + diagonal[$1] }
            (result[2 * item], result[2 * item + 1]) = (sign, total)
            return min(info, 0)
        }
    }

    /// The determinant of a matrix from its factors; 1 without rows.
    static func determinant<T: LAPACKScalar>(
        _ factors: UnsafePointer<T>, _ pivots: UnsafePointer<Int32>, _ n: Int
    ) -> T {
        var product: T = 1
        for i in 0..<n {
            product *= Int(pivots[i]) - 1 != i ? -factors[i * (n + 1)] : factors[i * (n + 1)]
        }
        return product
    }

    /// Zeros above or below the diagonal.
    private static func clearTriangle<T: LAPACKScalar>(
        _ x: UnsafeMutablePointer<T>, _ n: Int, upper: Bool
    ) {
        for i in 0..<n {
            if upper {
                (x + i * n + i + 1).update(repeating: 0, count: n - i - 1)
            } else {
                (x + i * n).update(repeating: 0, count: i)
            }
        }
    }
}

extension Kernels {
    package static func solve(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .complex64 {
            return try ComplexSolvers.solve(call, inverse: false)
        }
        if call.outputs[0].dtype == .float64 {
            try Solvers.solve(call, inverse: false, Double.self)
        } else {
            try Solvers.solve(call, inverse: false, Float.self)
        }
    }

    package static func inverse(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .complex64 {
            return try ComplexSolvers.solve(call, inverse: true)
        }
        if call.outputs[0].dtype == .float64 {
            try Solvers.solve(call, inverse: true, Double.self)
        } else {
            try Solvers.solve(call, inverse: true, Float.self)
        }
    }

    package static func solveTriangular(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Solvers.solveTriangular(call, Double.self)
        } else {
            try Solvers.solveTriangular(call, Float.self)
        }
    }

    package static func triangularInverse(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Solvers.triangularInverse(call, Double.self)
        } else {
            try Solvers.triangularInverse(call, Float.self)
        }
    }

    package static func cholesky(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Solvers.cholesky(call, Double.self)
        } else {
            try Solvers.cholesky(call, Float.self)
        }
    }

    package static func lu(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Solvers.lu(call, Double.self)
        } else {
            try Solvers.lu(call, Float.self)
        }
    }

    package static func determinant(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .complex64 { return try ComplexSolvers.determinant(call) }
        if call.outputs[0].dtype == .float64 {
            try Solvers.determinant(call, Double.self)
        } else {
            try Solvers.determinant(call, Float.self)
        }
    }
}
