import COpenBLAS
import MLXBase

/// Orthogonal decompositions of each matrix (m, n) of a batch through LAPACK. Results of several
/// arrays are packed one behind the other for each matrix. A row-major matrix is, to LAPACK, its
/// transpose, whose left singular vectors are the right ones wanted.
///
/// - svd: U (m, m), S (min), Vᵀ (n, n); divide and conquer (gesdd).
/// - singularValues: S.
/// - pseudoInverse: (n, m), singular values up to 10 max(m, n) ε σ₁ taken as zero.
/// - qr: Q (m, k), R (k, n) with k = min(m, n); Householder reflections (geqrf).
enum Decompositions {
    enum Part { case all, values, inverse }

    static func svd<T: LAPACKSteps>(
        _ part: Part, _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (m, n) = (input.rows, input.columns)
        let k = min(m, n)
        if out.shape.size == 0 { return }
        if k == 0 { return emptySVD(out, m, n, type) }
        let letter =
            part == .all
            ? LAPACKLetter.all : part == .values ? LAPACKLetter.none : LAPACKLetter.thin
        let numbers = LAPACKNumbers(call, n, m, n, max(part == .inverse ? k : m, 1), -1, 0)
        var best: T = 0
        T.gesdd(
            letter, numbers[0], numbers[1], nil, numbers[2], nil, nil, numbers[2], nil,
            numbers[3], &best, numbers[4], nil, UnsafeMutablePointer(mutating: numbers[5]), 1)
        guard let length = Int32(exactly: best.rounded(.up)) else {
            throw ArrayError(.limit, "svd", "the matrix is too large for LAPACK", shapes: [[m, n]])
        }
        let isSpread = part == .all && SpreadDecompositions<T>.takesSVD(m, n)
        let workLength = max(Int(length), isSpread ? SpreadDecompositions<T>.svdWork(m, n) : 0)
        let spread = SpreadDecompositions<T>(
            fanOut: input.matrixCount < 4 ? call.fanOut : SerialFanOut())
        let sizes = LAPACKNumbers(call, Int(length))
        let size = MemoryLayout<T>.stride
        let thin = part == .inverse ? k * (m + n + 1) * size : k * size
        let each = part == .all ? m * m + k + n * n : part == .values ? k : n * m
        try MatrixBatch(
            "svd", count: input.matrixCount, operations: 8 * m * n * k,
            oneByOne: isSpread && input.matrixCount < 4
        ).run(
            call,
            scratch: ScratchPieces.bytes(m * n * size, workLength * size, 32 * k, thin, 64, 64),
            failure: { _ in "has singular values that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<T> = pieces.take(m * n)
            let work: UnsafeMutablePointer<T> = pieces.take(workLength)
            let integers: UnsafeMutablePointer<Int32> = pieces.take(8 * k)
            let own: UnsafeMutablePointer<T> = pieces.take(thin / size)
            a.update(from: input.values(T.self) + item * m * n, count: m * n)
            guard isFinite(a, m * n) else { return MatrixBatch.notFinite }
            let result: UnsafeMutablePointer<T> = out.values(T.self) + item * each
            let s = part == .all ? result + m * m : part == .values ? result : own
            let u = part == .all ? result : own + k
            let vt = part == .all ? result + m * m + k : own + k + k * m
            if isSpread && SpreadDecompositions.isModest(a, m * n) {
                // To LAPACK the matrix is its transpose.
                return spread.svd(a, n, m, s, vt, u, work, integers)
            }
            var info: Int32 = 0
            T.gesdd(
                letter, numbers[0], numbers[1], a, numbers[2], s, vt, numbers[2], u, numbers[3],
                work, sizes[0], integers, &info, 1)
            if part == .inverse && info == 0 { invert(s, u, vt, result, m, n) }
            return info
        }
    }

    /// P = V S⁺ Uᵀ from U (m, k) and V (k rows of length n), both row-major as LAPACK left them.
    private static func invert<T: LAPACKScalar>(
        _ s: UnsafeMutablePointer<T>, _ u: UnsafeMutablePointer<T>,
        _ v: UnsafeMutablePointer<T>, _ out: UnsafeMutablePointer<T>, _ m: Int, _ n: Int
    ) {
        let k = min(m, n)
        let cutoff = 10 * T(max(m, n)) * T.ulpOfOne * s[0]
        for row in 0..<k {
            let factor = s[row] > cutoff ? -1 / s[row] : 0
            for column in 0..<n { v[row * n + column] *= factor }
        }
        out.update(repeating: 0, count: n * m)
        T.subtractProduct(CblasTrans, CblasTrans, n, m, k, v, n, u, k, out, m)
    }

    /// Of a matrix without elements: identities.
    private static func emptySVD<T: LAPACKScalar>(
        _ out: Operand, _ m: Int, _ n: Int, _ type: T.Type
    ) {
        let values = out.values(type)
        values.update(repeating: 0, count: out.shape.size)
        let each = m * m + n * n
        for item in 0..<out.shape.size / max(each, 1) {
            for i in 0..<max(m, n) { values[item * each + i * (max(m, n) + 1)] = 1 }
        }
    }

    static func qr<T: LAPACKScalar>(
        _ call: borrowing KernelCall, _ type: T.Type
    ) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (m, n) = (input.rows, input.columns)
        let k = min(m, n)
        if out.shape.size == 0 { return }
        let length = 64 * max(n, 1)
        let numbers = LAPACKNumbers(call, m, n, k, length)
        let size = MemoryLayout<T>.stride
        try MatrixBatch("qr", count: input.matrixCount, operations: 4 * m * n * k).run(
            call, scratch: ScratchPieces.bytes(m * n * size, k * size, length * size),
            failure: { _ in "could not be decomposed" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<T> = pieces.take(m * n)
            let tau: UnsafeMutablePointer<T> = pieces.take(k)
            let work: UnsafeMutablePointer<T> = pieces.take(length)
            transposeMatrix(input.values(T.self) + item * m * n, a, rows: m, columns: n)
            var info: Int32 = 0
            T.geqrf(numbers[0], numbers[1], a, numbers[0], tau, work, numbers[3], &info)
            let q: UnsafeMutablePointer<T> = out.values(T.self) + item * k * (m + n)
            let r = q + m * k
            for i in 0..<k {
                for j in 0..<n { r[i * n + j] = j < i ? 0 : a[j * m + i] }
            }
            if info != 0 { return info }
            T.orgqr(
                numbers[0], numbers[2], numbers[2], a, numbers[0], tau, work, numbers[3], &info)
            transposeMatrix(a, q, rows: k, columns: m)
            return info
        }
    }
}

extension Kernels {
    package static func svd(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Decompositions.svd(.all, call, Double.self)
        } else if call.outputs[0].dtype == .complex64 {
            try ComplexDecompositions.svd(call)
        } else {
            try Decompositions.svd(.all, call, Float.self)
        }
    }

    package static func singularValues(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Decompositions.svd(.values, call, Double.self)
        } else {
            try Decompositions.svd(.values, call, Float.self)
        }
    }

    package static func pseudoInverse(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Decompositions.svd(.inverse, call, Double.self)
        } else {
            try Decompositions.svd(.inverse, call, Float.self)
        }
    }

    package static func qr(_ call: borrowing KernelCall) throws(ArrayError) {
        if call.outputs[0].dtype == .float64 {
            try Decompositions.qr(call, Double.self)
        } else {
            try Decompositions.qr(call, Float.self)
        }
    }
}
