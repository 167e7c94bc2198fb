import COpenBLAS
import MLXBase

/// Decompositions of complex64 matrices, and eigenvalues, which are complex in any case. Packed as
/// the real ones are; real results (singular values, eigenvalues of Hermitian matrices) are complex
/// numbers without imaginary part there.
enum ComplexDecompositions {
    typealias Value = mlx_lapack_c32

    /// U, S, Vᴴ of each matrix, as the real svd packs them.
    static func svd(_ call: borrowing KernelCall) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let (m, n) = (input.rows, input.columns)
        let (k, most) = (min(m, n), max(m, n))
        if out.shape.size == 0 || k == 0 {
            if out.shape.size > 0 { emptySVD(out, m, n) }
            return
        }
        let length = k * k + 2 * k + 64 * (m + n)
        let real = max(5 * k * k + 5 * k, 2 * most * k + 2 * k * k + k)
        let numbers = LAPACKNumbers(call, n, m, length)
        try MatrixBatch("svd", count: input.matrixCount, operations: 32 * m * n * k).run(
            call,
            scratch: ScratchPieces.bytes(8 * m * n, 8 * length, 4 * real, 32 * k, 4 * k),
            failure: { _ in "has singular values that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<Value> = pieces.take(m * n)
            let work: UnsafeMutablePointer<Value> = pieces.take(length)
            let realWork: UnsafeMutablePointer<Float> = pieces.take(real)
            let integers: UnsafeMutablePointer<Int32> = pieces.take(8 * k)
            let s: UnsafeMutablePointer<Float> = pieces.take(k)
            guard load(input, item, a, m * n) else { return MatrixBatch.notFinite }
            let result = out.values(Value.self) + item * (m * m + k + n * n)
            var info: Int32 = 0
            cgesdd_(
                LAPACKLetter.all, numbers[0], numbers[1], a, numbers[0], s,
                result + m * m + k, numbers[0], result, numbers[1], work, numbers[2], realWork,
                integers, &info, 1)
            for i in 0..<k { result[m * m + i] = Value(re: s[i], im: 0) }
            return info
        }
    }

    /// Bases of matrices without rows or without columns.
    private static func emptySVD(_ out: Operand, _ m: Int, _ n: Int) {
        let values = out.values(Value.self)
        values.update(repeating: Value(re: 0, im: 0), count: out.shape.size)
        let (each, side) = (m * m + n * n, max(m, n))
        for item in 0..<out.shape.size / max(each, 1) {
            for i in 0..<side { values[item * each + i * (side + 1)] = Value(re: 1, im: 0) }
        }
    }

    /// Eigenvalues (ascending) and vectors of Hermitian matrices.
    static func eigh(_ call: borrowing KernelCall, lower: Bool, vectors: Bool) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = input.columns
        if out.shape.size == 0 { return }
        let (length, real) = (2 * n + n * n + 64 * n, 1 + 5 * n + 2 * n * n)
        let integerCount = 3 + 5 * n
        let numbers = LAPACKNumbers(call, n, length, real, integerCount)
        let letter = vectors ? LAPACKLetter.vectors : LAPACKLetter.none
        // The memory read by columns is the transpose.
        let triangle = lower ? LAPACKLetter.upper : LAPACKLetter.lower
        try MatrixBatch("eigh", count: input.matrixCount, operations: 16 * n * n * n).run(
            call,
            scratch: ScratchPieces.bytes(8 * n * n, 8 * length, 4 * real, 4 * integerCount, 4 * n),
            failure: { _ in "has eigenvalues that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let work: UnsafeMutablePointer<Value> = pieces.take(length)
            let realWork: UnsafeMutablePointer<Float> = pieces.take(real)
            let integers: UnsafeMutablePointer<Int32> = pieces.take(integerCount)
            let w: UnsafeMutablePointer<Float> = pieces.take(n)
            guard load(input, item, a, n * n) else { return MatrixBatch.notFinite }
            var info: Int32 = 0
            cheevd_(
                letter, triangle, numbers[0], a, numbers[0], w, work, numbers[1], realWork,
                numbers[2], integers, numbers[3], &info, 1, 1)
            let result = out.values(Value.self) + item * (vectors ? n + n * n : n)
            for i in 0..<n { result[i] = Value(re: w[i], im: 0) }
            if vectors {
                // Vectors of the conjugate matrix, in its columns.
                for i in 0..<n {
                    for j in 0..<n {
                        let x = a[j * n + i]
                        result[n + i * n + j] = Value(re: x.re, im: -x.im)
                    }
                }
            }
            return info
        }
    }

    /// Eigenvalues in LAPACK's order, and right vectors of norm one in columns, of any complex
    /// matrix.
    static func eig(_ call: borrowing KernelCall, vectors: Bool) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = input.columns
        if out.shape.size == 0 { return }
        let length = 66 * n
        let numbers = LAPACKNumbers(call, n, length, 1)
        let letter = vectors ? LAPACKLetter.vectors : LAPACKLetter.none
        try MatrixBatch("eig", count: input.matrixCount, operations: 100 * n * n * n).run(
            call, scratch: ScratchPieces.bytes(8 * n * n, 8 * n * n, 8 * length, 8 * n),
            failure: { _ in "has eigenvalues that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let v: UnsafeMutablePointer<Value> = pieces.take(n * n)
            let work: UnsafeMutablePointer<Value> = pieces.take(length)
            let realWork: UnsafeMutablePointer<Float> = pieces.take(2 * n)
            guard load(input, item, v, n * n) else { return MatrixBatch.notFinite }
            transposeMatrix(v, a, rows: n, columns: n)
            let result = out.values(Value.self) + item * (vectors ? n + n * n : n)
            var info: Int32 = 0
            cgeev_(
                LAPACKLetter.none, letter, numbers[0], a, numbers[0], result, nil, numbers[2],
                v, numbers[0], work, numbers[1], realWork, &info, 1, 1)
            if vectors { transposeMatrix(v, result + n, rows: n, columns: n) }
            return info
        }
    }

    /// Copies a matrix; false when it has NaN or infinities.
    private static func load(
        _ input: Operand, _ item: Int, _ to: UnsafeMutablePointer<Value>, _ count: Int
    ) -> Bool {
        let from = input.values(Value.self) + item * count
        to.update(from: from, count: count)
        return isFinite(
            UnsafeRawPointer(from).assumingMemoryBound(to: Float.self), 2 * count)
    }
}
