import CMLXKernels
import MLXBase

/// Outputs of at least this many bytes bypass the cache: they would evict it and be evicted.
let streamThreshold = 64 << 20

extension FanOut {
    /// Ranges of `count` items, `size` at a time.
    /// - Parameter nanoseconds: estimated work per item, in thousandths.
    @inline(__always)
    func forRanges(_ count: Int, size: Int, picosecondsPerItem: Int, _ body: (Range<Int>) -> Void) {
        if count <= 0 { return }
        let chunks = (count + size - 1) / size
        if chunks == 1 { return body(0..<count) }
        let (work, overflow) = count.multipliedReportingOverflow(by: max(picosecondsPerItem, 1))
        run(chunks: chunks, nanoseconds: overflow ? .max : work / 1000) { chunk in
            body(chunk * size..<min(count, (chunk + 1) * size))
        }
    }
}

/// Two strided walks over one shape with the fewest axes: axes of size one are dropped, and
/// neighbours merge where both operands step through them as through one.
struct Walk {
    private(set) var dims: [Int] = []
    private(set) var out: [Int] = []
    private(set) var input: [Int] = []

    /// - Parameter groups: axes merge only within a group (kept and reduced axes, say).
    init(dims: [Int], out outStrides: [Int], in inStrides: [Int], groups: UInt64 = 0) {
        var lastGroup: UInt64 = 0
        for axis in 0..<dims.count where dims[axis] != 1 {
            let group = groups >> UInt64(axis) & 1
            if let last = self.dims.indices.last, group == lastGroup,
                out[last] == outStrides[axis] * dims[axis],
                input[last] == inStrides[axis] * dims[axis]
            {
                self.dims[last] *= dims[axis]
                out[last] = outStrides[axis]
                input[last] = inStrides[axis]
            } else {
                self.dims.append(dims[axis])
                out.append(outStrides[axis])
                input.append(inStrides[axis])
                lastGroup = group
            }
        }
    }

    var count: Int { dims.reduce(1, *) }
}

extension DType {
    /// The code C knows the dtype by.
    var code: Int32 { Int32(rawValue) }
}

/// Looks up a loop that must exist; what has no meaning is refused when the op is recorded.
func elementwise(_ op: mlx_elementwise, _ dtype: DType) throws(ArrayError) -> mlx_tile_fn {
    guard let function = mlx_elementwise_fn(Int32(op.rawValue), dtype.code) else {
        throw ArrayError(.dtype, "kernel", "no loop for \(dtype)", dtypes: [dtype])
    }
    return function
}

func castLoop(_ from: DType, _ to: DType) -> mlx_tile_fn {
    // The table is full: every dtype converts to every other.
    mlx_cast_fn(from.code, to.code)!
}

extension Operand {
    var stridesArray: [Int] { Array(UnsafeBufferPointer(start: strides, count: shape.ndim)) }
    var itemSize: Int { dtype.size }
    var chars: UnsafeMutablePointer<CChar> { pointer.assumingMemoryBound(to: CChar.self) }

    /// The address of the element at an offset in elements.
    func address(_ offset: Int) -> UnsafeMutablePointer<CChar> { chars + offset * itemSize }
}

extension KernelCall {
    /// The operand itself when it is contiguous, else a contiguous copy in scratch.
    func contiguous(_ operand: Operand) -> Operand {
        if operand.isContiguous { return operand }
        let copy = Operand(
            contiguous: scratch(byteCount: operand.shape.size * operand.itemSize),
            dtype: operand.dtype, shape: operand.shape)
        StridedCopy.run(from: operand, to: copy, fanOut, grain)
        return copy
    }

    /// A contiguous operand in float32 when it is a half, as it is otherwise.
    func widened(_ operand: Operand) -> Operand {
        let source = contiguous(operand)
        guard source.dtype.isHalf else { return source }
        return converted(source, to: .float32)
    }

    /// Where float32 results go before they become halves: scratch, or the first output itself if
    /// it is no half.
    func wideOutput() -> Operand {
        let out = outputs[0]
        guard out.dtype.isHalf else { return out }
        return Operand(
            contiguous: scratch(byteCount: out.shape.size * 4), dtype: .float32, shape: out.shape)
    }

    /// Rounds what `wideOutput` gave room for.
    func narrow(_ wide: Operand) {
        if wide.dtype != outputs[0].dtype { convert(wide, to: outputs[0]) }
    }

    /// A contiguous operand cast into scratch.
    func converted(_ source: Operand, to dtype: DType) -> Operand {
        let result = Operand(
            contiguous: scratch(byteCount: source.shape.size * dtype.size), dtype: dtype,
            shape: source.shape)
        convert(source, to: result)
        return result
    }

    /// Casts between contiguous operands of one size.
    func convert(_ source: Operand, to result: Operand) {
        let cast = castLoop(source.dtype, result.dtype)
        fanOut.forRanges(source.shape.size, size: 1 << 15, picosecondsPerItem: 500) { range in
            cast(
                result.address(range.lowerBound), source.address(range.lowerBound), nil, nil,
                range.count)
        }
    }
}
