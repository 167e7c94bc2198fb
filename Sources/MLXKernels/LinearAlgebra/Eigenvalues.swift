import COpenBLAS
import MLXBase

/// Eigenvalues of each matrix (n, n) of a batch, with or without vectors behind them, packed.
///
/// - eigh: symmetric or Hermitian matrices, of which one triangle is read (the word is 1 for the
///   lower, 0 for the upper); ascending values, then the vectors as columns. Divide and conquer.
/// - eig: any matrix; complex64 values in LAPACK's order, then right vectors of norm one.
enum Eigenvalues {
    static func symmetric<T: LAPACKSteps>(
        _ call: borrowing KernelCall, vectors: Bool, _ type: T.Type
    ) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = input.columns
        if out.shape.size == 0 { return }
        let isSpread = vectors && n >= SpreadDecompositions<T>.least
        let plain = 1 + 6 * n + 2 * n * n + 64 * n
        let length = isSpread ? max(plain, SpreadDecompositions<T>.eighWork(n)) : plain
        let spread = SpreadDecompositions<T>(
            fanOut: input.matrixCount < 4 ? call.fanOut : SerialFanOut())
        let integerCount = 3 + 5 * n
        let numbers = LAPACKNumbers(call, n, length, integerCount)
        let size = MemoryLayout<T>.stride
        let letter = vectors ? LAPACKLetter.vectors : LAPACKLetter.none
        // The memory read by columns is the transpose.
        let triangle = call.attributes[0] != 0 ? LAPACKLetter.upper : LAPACKLetter.lower
        try MatrixBatch(
            "eigh", count: input.matrixCount, operations: 4 * n * n * n,
            oneByOne: isSpread && input.matrixCount < 4
        ).run(
            call, scratch: ScratchPieces.bytes(n * n * size, length * size, 4 * integerCount),
            failure: { _ in "has eigenvalues that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<T> = pieces.take(n * n)
            let work: UnsafeMutablePointer<T> = pieces.take(length)
            let integers: UnsafeMutablePointer<Int32> = pieces.take(integerCount)
            a.update(from: input.values(T.self) + item * n * n, count: n * n)
            guard isFinite(a, n * n) else { return MatrixBatch.notFinite }
            let w: UnsafeMutablePointer<T> = out.values(T.self) + item * (vectors ? n + n * n : n)
            var info: Int32 = 0
            if isSpread && SpreadDecompositions.isModest(a, n * n) {
                info = spread.eigh(a, n, triangle, w, work, integers)
            } else {
                T.syevd(
                    letter, triangle, numbers[0], a, numbers[0], w, work, numbers[1], integers,
                    numbers[2], &info, 1, 1)
            }
            if vectors { transposeMatrix(a, w + n, rows: n, columns: n) }
            return info
        }
    }

    static func general<T: LAPACKScalar>(
        _ call: borrowing KernelCall, vectors: Bool, _ type: T.Type
    ) throws(ArrayError) {
        let input = call.contiguous(call.inputs[0])
        let out = call.outputs[0]
        let n = input.columns
        if out.shape.size == 0 { return }
        let length = 68 * n
        let numbers = LAPACKNumbers(call, n, length, 1)
        let size = MemoryLayout<T>.stride
        let letter = vectors ? LAPACKLetter.vectors : LAPACKLetter.none
        try MatrixBatch("eig", count: input.matrixCount, operations: 25 * n * n * n).run(
            call,
            scratch: ScratchPieces.bytes(
                n * n * size, n * n * size, length * size, n * size, n * size),
            failure: { _ in "has eigenvalues that did not converge" }
        ) { item, scratch in
            var pieces = ScratchPieces(scratch)
            let a: UnsafeMutablePointer<T> = pieces.take(n * n)
            let v: UnsafeMutablePointer<T> = pieces.take(n * n)
            let work: UnsafeMutablePointer<T> = pieces.take(length)
            let re: UnsafeMutablePointer<T> = pieces.take(n)
            let im: UnsafeMutablePointer<T> = pieces.take(n)
            transposeMatrix(input.values(T.self) + item * n * n, a, rows: n, columns: n)
            guard isFinite(a, n * n) else { return MatrixBatch.notFinite }
            var info: Int32 = 0
            T.geev(
                LAPACKLetter.none, letter, numbers[0], a, numbers[0], re, im, nil, numbers[2], v,
                numbers[0], work, numbers[1], &info, 1, 1)
            let result = out.values(mlx_lapack_c32.self) + item * (vectors ? n + n * n : n)
            for j in 0..<n { result[j] = mlx_lapack_c32(re: Float(re[j]), im: Float(im[j])) }
            if vectors { unpack(v, im, result + n, n) }
            return info
        }
    }

    /// Columns j and j + 1 are real and imaginary part of the vectors of a conjugate pair.
    private static func unpack<T: LAPACKScalar>(
        _ v: UnsafePointer<T>, _ im: UnsafePointer<T>,
        _ out: UnsafeMutablePointer<mlx_lapack_c32>, _ n: Int
    ) {
        var j = 0
        while j < n {
            let isPair = im[j] != 0 && j + 1 < n
            for i in 0..<n {
                let re = Float(v[j * n + i])
                let part = isPair ? Float(v[(j + 1) * n + i]) : 0
                out[i * n + j] = mlx_lapack_c32(re: re, im: part)
                if isPair { out[i * n + j + 1] = mlx_lapack_c32(re: re, im: -part) }
            }
            j += isPair ? 2 : 1
        }
    }

    static func run(_ call: borrowing KernelCall, vectors: Bool) throws(ArrayError) {
        switch call.inputs[0].dtype {
        case .float64: try general(call, vectors: vectors, Double.self)
        case .complex64: try ComplexDecompositions.eig(call, vectors: vectors)
        default: try general(call, vectors: vectors, Float.self)
        }
    }

    static func runSymmetric(_ call: borrowing KernelCall, vectors: Bool) throws(ArrayError) {
        switch call.inputs[0].dtype {
        case .float64: try symmetric(call, vectors: vectors, Double.self)
        case .complex64:
            try ComplexDecompositions.eigh(
                call, lower: call.attributes[0] != 0, vectors: vectors)
        default: try symmetric(call, vectors: vectors, Float.self)
        }
    }
}

extension Kernels {
    package static func eigh(_ call: borrowing KernelCall) throws(ArrayError) {
        try Eigenvalues.runSymmetric(call, vectors: true)
    }
    package static func eigvalsh(_ call: borrowing KernelCall) throws(ArrayError) {
        try Eigenvalues.runSymmetric(call, vectors: false)
    }
    package static func eig(_ call: borrowing KernelCall) throws(ArrayError) {
        try Eigenvalues.run(call, vectors: true)
    }
    package static func eigvals(_ call: borrowing KernelCall) throws(ArrayError) {
        try Eigenvalues.run(call, vectors: false)
    }
}
