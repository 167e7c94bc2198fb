import COpenBLAS
import MLXBase

/// The cofactors |A| A⁻ᵀ of each matrix, which singular matrices have too: the derivative of the
/// determinant. Through the inverse where there is one (the errors of the determinant and of the
/// inverse cancel, Stewart, "On the adjugate matrix" (1998)), else by elimination with complete
/// pivoting in double precision.
enum Cofactors {
    static func run<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let team: any FanOut = a.matrixCount < 4 ? call.fanOut : SerialFanOut()
        let size = MemoryLayout<T>.stride
        try MatrixBatch(
            "det", count: a.matrixCount, operations: 2 * n * n * n, oneByOne: a.matrixCount < 4
        ).run(
            call, scratch: ScratchPieces.bytes(n * n * size, n * n * size, 4 * n),
            failure: { _ in "has no cofactors" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let factors: UnsafeMutablePointer<T> = pieces.take(n * n)
            let inverse: UnsafeMutablePointer<T> = pieces.take(n * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            let from: UnsafeMutablePointer<T> = a.values(T.self) + item * n * n
            let result: UnsafeMutablePointer<T> = out.values(T.self) + item * n * n
            factors.update(from: from, count: n * n)
            let info = BlockedFactorization.lu(factors, n, pivots, team)
            let determinant = Solvers.determinant(factors, pivots, n)
            guard info == 0, determinant.isFinite, determinant != 0 else {
                let matrix = (0..<n * n).map { Double(from[$0]) }
                for (place, value) in CompletePivoting(matrix, n).cofactors.enumerated() {
                    result[place] = T(value)
                }
                return min(info, 0)
            }
            Solvers.setIdentity(inverse, n)
            Solvers.finish(factors, pivots, inverse, n, n, team)
            transposeMatrix(inverse, result, rows: n, columns: n)
            for place in 0..<n * n { result[place] *= determinant }
            return 0
        }
    }
}

/// P A Q = L U with the largest element that is left as each pivot, so that what a singular matrix
/// lacks shows in the last pivots.
struct CompletePivoting<Number: FieldNumber> {
    private var a: [Number]
    private let n: Int
    private var rows: [Int]
    private var columns: [Int]
    private var sign: Number = .one
    /// Two pivots or more are zero, so all cofactors are.
    private var isZero = false
    private var isFinite = true

    init(_ matrix: [Number], _ n: Int) {
        a = matrix
        self.n = n
        rows = Array(0..<n)
        columns = Array(0..<n)
        isFinite = matrix.allSatisfy { ($0.size * 0) == 0 }
        if isFinite { for k in 0..<max(n - 1, 0) where !isZero { eliminate(k) } }
    }

    private mutating func eliminate(_ k: Int) {
        var (best, row, column) = (0.0, k, k)
        for i in k..<n {
            for j in k..<n where a[i * n + j].size > best {
                (best, row, column) = (a[i * n + j].size, i, j)
            }
        }
        if best == 0 {
            isZero = true
            return
        }
        if row != k {
            for j in 0..<n { a.swapAt(k * n + j, row * n + j) }
            rows.swapAt(k, row)
            sign = .zero - sign
        }
        if column != k {
            for i in 0..<n { a.swapAt(i * n + k, i * n + column) }
            columns.swapAt(k, column)
            sign = .zero - sign
        }
        for i in k + 1..<n {
            let factor = a[i * n + k] / a[k * n + k]
            a[i * n + k] = factor
            for j in k + 1..<n { a[i * n + j] = a[i * n + j] - factor * a[k * n + j] }
        }
    }

    /// adj(L U) = adj(U) L⁻¹, where adj(U) needs no division by the last pivot: with U = [V w; 0 u]
    /// it is |V| [u V⁻¹, -V⁻¹ w; 0, 1].
    var cofactors: [Number] {
        if !isFinite { return Array(repeating: .notANumber, count: n * n) }
        var result = [Number](repeating: .zero, count: n * n)
        if isZero || n == 0 { return result }
        let m = inverseOfLower
        let last = n - 1
        var adjugate = m
        var product: Number = .one
        for i in 0..<last { product = product * a[i * n + i] }
        for c in 0..<n {
            for i in 0..<last {
                adjugate[i * n + c] =
                    a[last * n + last] * m[i * n + c] - a[i * n + last] * m[last * n + c]
            }
            for i in (0..<last).reversed() {
                for j in i + 1..<max(last, i + 1) {
                    adjugate[i * n + c] =
                        adjugate[i * n + c] - a[i * n + j] * adjugate[j * n + c]
                }
                adjugate[i * n + c] = adjugate[i * n + c] / a[i * n + i]
            }
        }
        for i in 0..<n {
            for j in 0..<n {
                result[rows[i] * n + columns[j]] = sign * product * adjugate[j * n + i]
            }
        }
        return result
    }

    private var inverseOfLower: [Number] {
        var m = [Number](repeating: .zero, count: n * n)
        for i in 0..<n {
            m[i * n + i] = .one
            for k in 0..<i {
                let factor = a[i * n + k]
                for j in 0...k { m[i * n + j] = m[i * n + j] - factor * m[k * n + j] }
            }
        }
        return m
    }
}

/// What elimination needs of numbers.
protocol FieldNumber {
    static var zero: Self { get }
    static var one: Self { get }
    static var notANumber: Self { get }
    static func + (a: Self, b: Self) -> Self
    static func - (a: Self, b: Self) -> Self
    static func * (a: Self, b: Self) -> Self
    static func / (a: Self, b: Self) -> Self
    /// The absolute value.
    var size: Double { get }
}

extension Double: FieldNumber {
    static var one: Double { 1 }
    static var notANumber: Double { .nan }
    var size: Double { magnitude }
}

/// A complex number in double precision.
struct DoubleComplex: FieldNumber {
    var re: Double
    var im: Double

    static let zero = DoubleComplex(re: 0, im: 0)
    static let one = DoubleComplex(re: 1, im: 0)
    static let notANumber = DoubleComplex(re: .nan, im: .nan)

    static func + (a: Self, b: Self) -> Self { Self(re: a.re + b.re, im: a.im + b.im) }
    static func - (a: Self, b: Self) -> Self { Self(re: a.re - b.re, im: a.im - b.im) }
    static func * (a: Self, b: Self) -> Self {
        Self(re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re)
    }
    // Numbers come from single precision, so squares stay in range.
    static func / (a: Self, b: Self) -> Self {
        let square = b.re * b.re + b.im * b.im
        return Self(
            re: (a.re * b.re + a.im * b.im) / square, im: (a.im * b.re - a.re * b.im) / square)
    }
    var size: Double { (re * re + im * im).squareRoot() }
}

extension Kernels {
    package static func cofactors(_ call: borrowing KernelCall) throws(ArrayError) {
        switch call.outputs[0].dtype {
        case .complex64: try ComplexSolvers.cofactors(call)
        case .float64: try Cofactors.run(call, Double.self)
        default: try Cofactors.run(call, Float.self)
        }
    }
}
