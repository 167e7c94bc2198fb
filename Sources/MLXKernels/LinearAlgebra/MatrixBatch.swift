import CMLXKernels
import COpenBLAS
import MLXBase

/// Runs a function over every matrix of a batch, several at once, with scratch of its own for
/// each chunk, and turns LAPACK's `info` codes into errors. Inputs are made contiguous first, so
/// item i of an operand starts at i times its matrix size.
struct MatrixBatch {
    let count: Int
    private let perChunk: Int
    private let work: Int
    private let name: String
    private let oneByOne: Bool

    /// What a body returns for input with NaN or infinity, which LAPACK's iterations do not take.
    static let notFinite = Int32.max

    /// - Parameters:
    ///   - operations: multiplications for one matrix.
    ///   - oneByOne: each matrix spreads over the team by itself.
    init(_ name: String, count: Int, operations: Int, oneByOne: Bool = false) {
        self.name = name
        self.oneByOne = oneByOne
        self.count = count
        // A chunk is worth about 20 microseconds, and there are at most 256.
        perChunk = max(1, (1 << 17) / max(operations, 1), (count + 255) / 256)
        work = operations &* 80 &+ 1_000_000
    }

    /// - Parameters:
    ///   - byteCount: scratch for one chunk.
    ///   - failure: what a positive `info` means.
    func run(
        _ call: borrowing KernelCall, scratch byteCount: Int, failure: (Int32) -> String,
        _ body: (_ item: Int, _ scratch: UnsafeMutableRawPointer) -> Int32
    ) throws(ArrayError) {
        if count == 0 { return }
        BLAS.prepare()
        let chunks = (count + perChunk - 1) / perChunk
        let bytes = (byteCount + 63) & ~63
        // SAFETY: chunks use scratch and items of their own.
        nonisolated(unsafe) let memory = call.scratch(byteCount: bytes * chunks)
        nonisolated(unsafe) let infos = call.scratch(byteCount: 4 * count)
            .assumingMemoryBound(to: Int32.self)
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            if oneByOne {
                for item in 0..<count { infos[item] = body(item, memory) }
                return
            }
            call.fanOut.forRanges(count, size: perChunk, picosecondsPerItem: work) { range in
                let scratch = memory + range.lowerBound / perChunk * bytes
                for item in range { infos[item] = body(item, scratch) }
            }
        }
        for item in 0..<count where infos[item] != 0 {
            throw error(infos[item], item, call.inputs[0], failure)
        }
    }

    private func error(
        _ info: Int32, _ item: Int, _ input: Operand, _ failure: (Int32) -> String
    ) -> ArrayError {
        let which = count == 1 ? "the matrix" : "matrix \(item) of the batch"
        let message =
            info == MatrixBatch.notFinite
            ? "has values that are not finite"
            : info > 0 ? failure(info) : "was refused by LAPACK (argument \(-info))"
        return ArrayError(
            .kernel, name, "\(which) \(message)", shapes: [input.shape.array],
            dtypes: [input.dtype])
    }
}

/// Scratch handed out piece by piece.
struct ScratchPieces {
    private var next: UnsafeMutableRawPointer

    init(_ start: UnsafeMutableRawPointer) { next = start }

    mutating func take<T: BitwiseCopyable>(
        _ count: Int, _ type: T.Type = T.self
    ) -> UnsafeMutablePointer<T> {
        defer { next += (count * MemoryLayout<T>.stride + 63) & ~63 }
        return next.bindMemory(to: type, capacity: count)
    }

    /// The bytes that pieces of these sizes take.
    static func bytes(_ pieces: Int...) -> Int {
        pieces.reduce(0) { $0 + ($1 + 63) & ~63 }
    }
}

extension Operand {
    /// The last two axes, and how many matrices there are.
    var rows: Int { shape[shape.ndim - 2] }
    var columns: Int { shape[shape.ndim - 1] }
    var matrixCount: Int { shape.array.dropLast(2).reduce(1, *) }

    func values<T: BitwiseCopyable>(_ type: T.Type = T.self) -> UnsafeMutablePointer<T> {
        pointer.assumingMemoryBound(to: type)
    }
}

/// to (columns, rows) = from (rows, columns) transposed, both row-major.
func transposeMatrix<T: BitwiseCopyable>(
    _ from: UnsafePointer<T>, _ to: UnsafeMutablePointer<T>, rows: Int, columns: Int
) {
    if rows * columns > 4096 {
        return StridedCopy.run(
            dims: [columns, rows], to: UnsafeMutableRawPointer(to), [rows, 1],
            from: UnsafeRawPointer(from), [1, columns], itemSize: MemoryLayout<T>.stride,
            SerialFanOut(), .coarse)
    }
    for i in 0..<rows {
        for j in 0..<columns { to[j * rows + i] = from[i * columns + j] }
    }
}

func isFinite<T: BinaryFloatingPoint>(_ values: UnsafePointer<T>, _ count: Int) -> Bool {
    // A product with zero is zero unless the number is infinite or NaN.
    var total: T = 0
    for i in 0..<count { total += values[i] * 0 }
    return total == 0
}
