import COpenBLAS
import Glibc
import MLXBase

/// Systems, inverses, determinants and cofactors of complex64 matrices by LU, a matrix to each
/// worker. LAPACK reads the memory by columns, so it factors the transpose, which has the same
/// determinant, and solves with the transpose of that.
enum ComplexSolvers {
    typealias Value = mlx_lapack_c32

    private static func singular(_ info: Int32) -> String { "is singular (pivot \(info) is zero)" }

    static func solve(_ call: borrowing KernelCall, inverse: Bool) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (n, k) = (a.columns, out.columns)
        if out.shape.size == 0 { return }
        let b = inverse ? nil : call.contiguous(call.inputs[1])
        let numbers = LAPACKNumbers(call, n, k)
        try MatrixBatch(
            inverse ? "inv" : "solve", count: a.matrixCount, operations: 4 * n * n * (n + k)
        ).run(
            call, scratch: ScratchPieces.bytes(8 * n * n, 8 * n * k, 4 * n), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let factors: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let x: UnsafeMutablePointer<Value> = pieces.take(n * k)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            factors.update(from: a.values(Value.self) + item * n * n, count: n * n)
            let info = factor(factors, n, numbers[0], pivots)
            if info != 0 { return info }
            if let b {
                transposeMatrix(b.values(Value.self) + item * n * k, x, rows: n, columns: k)
            } else {
                setIdentity(x, n)
            }
            var failed: Int32 = 0
            cgetrs_(
                LAPACKLetter.transposed, numbers[0], numbers[1], factors, numbers[0], pivots, x,
                numbers[0], &failed, 1)
            let result: UnsafeMutablePointer<Value> = out.values(Value.self) + item * n * k
            transposeMatrix(x, result, rows: k, columns: n)
            return failed
        }
    }

    static func determinant(_ call: borrowing KernelCall) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let isPair = call.attributes[0] != 0
        let numbers = LAPACKNumbers(call, n)
        try MatrixBatch("det", count: a.matrixCount, operations: 2 * n * n * n).run(
            call, scratch: ScratchPieces.bytes(8 * n * n, 4 * n), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let factors: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            factors.update(from: a.values(Value.self) + item * n * n, count: n * n)
            let info = factor(factors, n, numbers[0], pivots)
            let result: UnsafeMutablePointer<Value> = out.values(Value.self)
            if isPair {
                (result[2 * item], result[2 * item + 1]) = polar(factors, pivots, n)
            } else {
                result[item] = Value(product(factors, pivots, n))
            }
            return min(info, 0)
        }
    }

    static func cofactors(_ call: borrowing KernelCall) throws(ArrayError) {
        let a = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = a.columns
        if out.shape.size == 0 { return }
        let numbers = LAPACKNumbers(call, n)
        try MatrixBatch("det", count: a.matrixCount, operations: 8 * n * n * n).run(
            call, scratch: ScratchPieces.bytes(8 * n * n, 8 * n * n, 4 * n), failure: singular
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let factors: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let x: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let pivots: UnsafeMutablePointer<Int32> = pieces.take(n)
            let from: UnsafeMutablePointer<Value> = a.values(Value.self) + item * n * n
            let result: UnsafeMutablePointer<Value> = out.values(Value.self) + item * n * n
            factors.update(from: from, count: n * n)
            let info = factor(factors, n, numbers[0], pivots)
            let whole = product(factors, pivots, n)
            guard info == 0, whole.size > 0, whole.size.isFinite else {
                let matrix = (0..<n * n).map { DoubleComplex(from[$0]) }
                for (place, value) in CompletePivoting(matrix, n).cofactors.enumerated() {
                    result[place] = Value(value)
                }
                return min(info, 0)
            }
            setIdentity(x, n)
            var failed: Int32 = 0
            cgetrs_(
                LAPACKLetter.transposed, numbers[0], numbers[0], factors, numbers[0], pivots, x,
                numbers[0], &failed, 1)
            // The inverse by columns is its transpose by rows.
            for place in 0..<n * n { result[place] = Value(whole * DoubleComplex(x[place])) }
            return failed
        }
    }

    private static func factor(
        _ a: UnsafeMutablePointer<Value>, _ n: Int, _ number: UnsafePointer<Int32>,
        _ pivots: UnsafeMutablePointer<Int32>
    ) -> Int32 {
        var info: Int32 = 0
        if n > 0 { cgetrf_(number, number, a, number, pivots, &info) }
        return info
    }

    private static func setIdentity(_ x: UnsafeMutablePointer<Value>, _ n: Int) {
        x.update(repeating: Value(re: 0, im: 0), count: n * n)
        for i in 0..<n { x[i * (n + 1)] = Value(re: 1, im: 0) }
    }

    private static func product(
        _ factors: UnsafePointer<Value>, _ pivots: UnsafePointer<Int32>, _ n: Int
    ) -> DoubleComplex {
        var product = DoubleComplex.one
        for i in 0..<n {
            let value = DoubleComplex(factors[i * (n + 1)])
            product = Int(pivots[i]) - 1 != i ? .zero - product * value : product * value
        }
        return product
    }

    /// The determinant over its absolute value, and that one's logarithm.
    private static func polar(
        _ factors: UnsafePointer<Value>, _ pivots: UnsafePointer<Int32>, _ n: Int
    ) -> (Value, Value) {
        var (sign, total) = (DoubleComplex.one, 0.0)
        for i in 0..<n {
            let value = DoubleComplex(factors[i * (n + 1)])
            let size = value.size
            total += log(size)
            if Int(pivots[i]) - 1 != i { sign = .zero - sign }
            sign = size == 0 ? .zero : sign * value / DoubleComplex(re: size, im: 0)
        }
        return (Value(sign), Value(re: Float(total), im: 0))
    }
}

extension DoubleComplex {
    init(_ value: mlx_lapack_c32) { self.init(re: Double(value.re), im: Double(value.im)) }
}

extension mlx_lapack_c32 {
    init(_ value: DoubleComplex) { self.init(re: Float(value.re), im: Float(value.im)) }
}
