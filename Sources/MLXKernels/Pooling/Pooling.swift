import CMLXKernels
import MLXBase

/// Two-dimensional pooling of channels-last images and its derivatives. Attributes: window (2),
/// stride (2), padding low (2), padding high (2). Real floating dtypes; maxPool also integers and
/// bool.
///
/// - maxPool: x → y. NaN propagates; padding never wins.
/// - maxPoolGradient: x, y, gradient of y → gradient of x, shared evenly among a window's maxima.
/// - maxPoolTangent: x, y, tangent of x → its mean over each window's maxima.
/// - averagePool: x → y, divided by the whole window, padding included.
/// - averagePoolGradient: gradient of y → gradient of x.
///
/// Work is cut by image and block of channels, so that overlapping windows stay on one thread and
/// are merged in row-major order.
struct Pooling {
    enum Kind { case max, maxGradient, maxTangent, average, averageGradient }

    private let kind: Kind
    private let window: (Int, Int)
    private let stride: (Int, Int)
    private let low: (Int, Int)
    /// The large and the small images: before and after pooling.
    private let large: Shape
    private let small: Shape
    private let dtype: DType
    private var size: Int { dtype.size }
    private let loops: Loops

    private static let block = 256

    /// The tile loops of the compute dtype.
    private struct Loops {
        let add, multiply, maximum, equal, select, fromBool: mlx_tile_fn
        /// Only where numbers can be divided; the largest of integers needs none.
        let divide: mlx_tile_fn!

        init(_ dtype: DType) throws(ArrayError) {
            add = try elementwise(MLX_ADD, dtype)
            multiply = try elementwise(MLX_MULTIPLY, dtype)
            divide = mlx_elementwise_fn(Int32(MLX_DIVIDE.rawValue), dtype.code)
            maximum = try elementwise(MLX_MAXIMUM, dtype)
            equal = try elementwise(MLX_EQUAL, dtype)
            select = try elementwise(MLX_SELECT, dtype)
            fromBool = castLoop(.bool, dtype)
        }
    }

    private init(
        _ kind: Kind, _ words: UnsafeBufferPointer<Int>, large: Shape, small: Shape, _ dtype: DType
    ) throws(ArrayError) {
        self.kind = kind
        self.large = large
        self.small = small
        window = (words[0], words[1])
        stride = (words[2], words[3])
        low = (words[4], words[5])
        self.dtype = dtype
        loops = try Loops(dtype)
    }

    static func run(_ kind: Kind, _ call: borrowing KernelCall) throws(ArrayError) {
        let out = call.outputs[0]
        if out.shape.size == 0 { return }
        let compute = out.dtype.computeType
        let inputs = (0..<call.inputs.count).map { call.widened(call.inputs[$0]) }
        let wide =
            compute == out.dtype
            ? out
            : Operand(
                contiguous: call.scratch(byteCount: out.shape.size * compute.size),
                dtype: compute, shape: out.shape)
        let isGradient = kind == .maxGradient || kind == .averageGradient
        let large = isGradient ? out.shape : inputs[0].shape
        let small =
            kind == .averageGradient
            ? inputs[0].shape : kind == .maxGradient ? inputs[1].shape : out.shape
        let pooling = try Pooling(kind, call.attributes, large: large, small: small, compute)
        let channels = large[3]
        let blocks = (channels + block - 1) / block
        // What lies in the padding costs nothing.
        let area = min(pooling.window.0, large[1]) * min(pooling.window.1, large[2])
        let work = small[1] * small[2] * area * min(block, channels) * 300
        nonisolated(unsafe) let operands = inputs
        call.fanOut.forRanges(large[0] * blocks, size: 1, picosecondsPerItem: work) { range in
            for item in range {
                let first = item % blocks * block
                pooling.image(
                    item / blocks, first, min(block, channels - first), operands, wide)
            }
        }
        if compute != out.dtype { call.convert(wide, to: out) }
    }

    private func address(_ x: Operand, _ pixel: Int, _ first: Int) -> UnsafeMutablePointer<CChar> {
        x.address(pixel * large[3] + first)
    }

    /// Every window of one image and block of channels.
    private func image(_ index: Int, _ first: Int, _ n: Int, _ inputs: [Operand], _ out: Operand) {
        // SAFETY: four tiles of 256 elements, this thread's own.
        let tiles = mlx_thread_scratch(4 * Pooling.block * 8)!
        let isGradient = kind == .maxGradient || kind == .averageGradient
        if isGradient {
            for pixel in 0..<large[1] * large[2] {
                let place = address(out, index * large[1] * large[2] + pixel, first)
                UnsafeMutableRawPointer(place).initializeMemory(
                    as: UInt8.self, repeating: 0, count: n * size)
            }
        }
        for y in 0..<small[1] {
            for x in 0..<small[2] {
                let pixel = (index * small[1] + y) * small[2] + x
                switch kind {
                case .max, .average:
                    reduce(index, y, x, n, inputs[0], first, address(out, pixel, first), tiles)
                case .averageGradient:
                    fill(tiles, n, 1 / Double(window.0 * window.1))
                    loops.multiply(tiles, tiles, address(inputs[0], pixel, first), nil, n)
                    forTaps(index, y, x) { tap in
                        let place = address(out, tap, first)
                        loops.add(place, place, tiles, nil, n)
                    }
                case .maxGradient, .maxTangent:
                    share(index, y, x, pixel, n, inputs, first, out, tiles)
                }
            }
        }
    }

    /// The pixels of a window that lie in the image, in row-major order.
    private func forTaps(_ index: Int, _ y: Int, _ x: Int, _ body: (Int) -> Void) {
        for i in 0..<window.0 {
            let h = y * stride.0 + i - low.0
            if h < 0 || h >= large[1] { continue }
            for j in 0..<window.1 {
                let w = x * stride.1 + j - low.1
                if w < 0 || w >= large[2] { continue }
                body((index * large[1] + h) * large[2] + w)
            }
        }
    }

    private func fill(_ tile: UnsafeMutableRawPointer, _ n: Int, _ value: Double) {
        if size == 8 {
            tile.initializeMemory(as: Double.self, repeating: value, count: n)
        } else {
            tile.initializeMemory(as: Float.self, repeating: Float(value), count: n)
        }
    }

    private func reduce(
        _ index: Int, _ y: Int, _ x: Int, _ n: Int, _ input: Operand, _ first: Int,
        _ place: UnsafeMutablePointer<CChar>, _ tiles: UnsafeMutableRawPointer
    ) {
        let merge = kind == .max ? loops.maximum : loops.add
        var isEmpty = true
        forTaps(index, y, x) { tap in
            let source = address(input, tap, first)
            if isEmpty {
                UnsafeMutableRawPointer(place).copyMemory(from: source, byteCount: n * size)
            } else {
                merge(place, place, source, nil, n)
            }
            isEmpty = false
        }
        if isEmpty { fillWithPadding(place, n) }
        if kind == .average {
            fill(tiles, n, Double(window.0 * window.1))
            loops.divide(place, place, tiles, nil, n)
        }
    }

    /// What a window has that lies in the padding alone: the lowest number for the largest element.
    private func fillWithPadding(_ place: UnsafeMutablePointer<CChar>, _ n: Int) {
        if dtype.isFloatingPoint { return fill(place, n, kind == .max ? -.infinity : 0) }
        var lowest = dtype.integerRange.lowerBound
        let narrow = castLoop(.int64, dtype)
        for i in 0..<n { narrow(place + i * size, &lowest, nil, nil, 1) }
    }

    /// A window's value divided among its maxima, or averaged over them.
    private func share(
        _ index: Int, _ y: Int, _ x: Int, _ pixel: Int, _ n: Int, _ inputs: [Operand],
        _ first: Int, _ out: Operand, _ tiles: UnsafeMutableRawPointer
    ) {
        let step = Pooling.block * 8
        let (ties, mask, zero, term) = (tiles, tiles + step, tiles + 2 * step, tiles + 3 * step)
        let best = address(inputs[1], pixel, first)
        fill(ties, n, 0)
        fill(zero, n, 0)
        forTaps(index, y, x) { tap in
            loops.equal(mask, address(inputs[0], tap, first), best, nil, n)
            loops.fromBool(term, mask, nil, nil, n)
            loops.add(ties, ties, term, nil, n)
        }
        if kind == .maxGradient {
            loops.divide(ties, address(inputs[2], pixel, first), ties, nil, n)
            forTaps(index, y, x) { tap in
                loops.equal(mask, address(inputs[0], tap, first), best, nil, n)
                loops.select(term, mask, ties, zero, n)
                let place = address(out, tap, first)
                loops.add(place, place, term, nil, n)
            }
            return
        }
        let place = address(out, pixel, first)
        fill(place, n, 0)
        forTaps(index, y, x) { tap in
            loops.equal(mask, address(inputs[0], tap, first), best, nil, n)
            loops.select(term, mask, address(inputs[2], tap, first), zero, n)
            loops.add(place, place, term, nil, n)
        }
        loops.divide(place, place, ties, nil, n)
    }
}

extension Kernels {
    package static func maxPool(_ call: borrowing KernelCall) throws(ArrayError) {
        try Pooling.run(.max, call)
    }
    package static func maxPoolGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        try Pooling.run(.maxGradient, call)
    }
    package static func maxPoolTangent(_ call: borrowing KernelCall) throws(ArrayError) {
        try Pooling.run(.maxTangent, call)
    }
    package static func averagePool(_ call: borrowing KernelCall) throws(ArrayError) {
        try Pooling.run(.average, call)
    }
    package static func averagePoolGradient(_ call: borrowing KernelCall) throws(ArrayError) {
        try Pooling.run(.averageGradient, call)
    }
}
