import CMLXKernels
import MLXBase

/// Fourier transforms along one axis: complex to complex, real to the non-negative half of the
/// spectrum, and back. The word says axis, direction and scale (`FFTWord`), the words the length
/// n of the transform and the length of the axis in the result: the input is cut or padded with
/// zeros to what n asks for, the result to its length. With `isAdjoint` the inner entries of the
/// half spectrum count twice (real input) or half (real output), which makes each real transform
/// the other's adjoint. NUMERICS: float32 throughout, twiddles rounded from double; the error
/// grows with the logarithm of n.
struct FFTJob {
    enum Kind { case complex, fromReal, toReal }

    private let kind: Kind
    private let word: FFTWord
    private let n: Int
    private let scale: Float
    /// Lengths of the axis and strides in floats, in and out.
    private let inputLength: Int
    private let outputLength: Int
    private let inner: Int
    private let outer: Int
    /// The length of the complex transform: n, or half of it for even real transforms.
    private let length: Int
    private let plan: FFTPlan
    private let source: UnsafeMutablePointer<Float>
    private let target: UnsafeMutablePointer<Float>

    private init(
        _ kind: Kind, _ input: Operand, _ output: Operand, _ words: UnsafeBufferPointer<Int>
    ) {
        self.kind = kind
        word = FFTWord(UInt64(bitPattern: Int64(words[0])))
        n = words[1]
        let axis = input.shape.ndim - 1 - word.axisFromEnd
        inputLength = input.shape[axis]
        outputLength = output.shape[axis]
        inner = ((axis + 1)..<input.shape.ndim).reduce(1) { $0 * input.shape[$1] }
        outer = (0..<axis).reduce(1) { $0 * input.shape[$1] }
        scale = word.scale(n)
        length = kind != .complex && n % 2 == 0 ? n / 2 : n
        plan = FFTPlan.plan(length)
        source = input.pointer.assumingMemoryBound(to: Float.self)
        target = output.pointer.assumingMemoryBound(to: Float.self)
    }

    static func run(_ kind: Kind, _ call: borrowing KernelCall) throws(ArrayError) {
        let output = call.outputs[0]
        if output.shape.size == 0 { return }
        let input = call.contiguous(call.inputs[0])
        let job = FFTJob(kind, input, output, call.attributes)
        let due = kind == .fromReal ? job.n / 2 + 1 : job.n
        if job.outputLength > due || job.inputLength == 0 {
            output.pointer.initializeMemory(
                as: UInt8.self, repeating: 0, count: output.shape.size * output.itemSize)
            if job.inputLength == 0 { return }
        }
        if job.plan.takesLines(job.outer * job.inner) {
            job.runLines(call)
        } else {
            job.runBlocks(call.fanOut, call.grain)
        }
    }

    // MARK: - Layouts

    /// The lines of the input from one on, as the loops read them.
    private func input(_ o: Int, _ i: Int) -> mlx_fft_layout {
        layout(
            source, o, i, inputLength, isReal: kind == .fromReal,
            count: min(inputLength, kind == .toReal ? n / 2 + 1 : n))
    }

    private func output(_ o: Int, _ i: Int) -> mlx_fft_layout {
        layout(
            target, o, i, outputLength, isReal: kind == .toReal,
            count: min(outputLength, kind == .fromReal ? n / 2 + 1 : n))
    }

    private func layout(
        _ base: UnsafeMutablePointer<Float>, _ o: Int, _ i: Int, _ length: Int, isReal: Bool,
        count: Int
    ) -> mlx_fft_layout {
        let line = inner == 1 ? length : 1
        let first = (o * length * inner + i)
        if !isReal {
            return FFTLong.interleaved(
                base + 2 * first, line: 2 * line, element: 2 * inner, count)
        }
        let re = base + first
        if n % 2 == 1 {
            return mlx_fft_layout(
                re: re, im: nil, line: line, element: inner, re_count: count, im_count: 0)
        }
        // Neighbouring real numbers are one complex number.
        return mlx_fft_layout(
            re: re, im: re + inner, line: line, element: 2 * inner, re_count: (count + 1) / 2,
            im_count: count / 2)
    }

    /// Rows of a block before and after the transform.
    private var loadedRows: Int {
        kind == .toReal ? n / 2 + 1 : kind == .fromReal ? length : n
    }
    private var storedRows: Int {
        kind == .fromReal ? n / 2 + 1 : kind == .toReal ? length : n
    }
    private var isInverse: Bool { kind == .toReal || kind == .complex && word.isInverse }

    // MARK: - Blocks

    private func runBlocks(_ fanOut: any FanOut, _ grain: Grain) {
        let width = Int(MLX_FFT_LINES)
        let block = plan.block!
        // Lines that lie next to each other, and how many such groups there are.
        let run = inner == 1 ? outer : inner
        let groups = inner == 1 ? 1 : outer
        let perRun = (run + width - 1) / width
        let rows = max(block.rows, n / 2 + 1) + 1
        let bytes = rows * width * 8
        fanOut.forRanges(
            perRun * groups, size: max(1, grain.byteCount / bytes),
            picosecondsPerItem: rows * width * 4000
        ) { range in
            let memory = mlx_thread_scratch(2 * bytes)!
            let a = FFTPlanes(memory, count: rows * width)
            let b = FFTPlanes(memory + bytes, count: rows * width)
            for item in range {
                let (group, first) = (item / perRun, item % perRun * width)
                let lines = min(width, run - first)
                let (o, i) = inner == 1 ? (first, 0) : (group, first)
                var (from, to) = (input(o, i), output(o, i))
                let loaded = a.swapped(isInverse && kind == .complex)
                mlx_fft_load(loaded.re, loaded.im, lines, loadedRows, &from)
                before(a, lines)
                let start = a.swapped(kind == .toReal)
                let result = block.run(start, scratch: b.swapped(kind == .toReal), lines: lines)
                    .0.swapped(isInverse)
                after(result, lines)
                mlx_fft_store(&to, result.re, result.im, lines, storedRows, scale)
            }
        }
    }

    /// From the half spectrum to what the complex transform takes.
    private func before(_ a: FFTPlanes, _ lines: Int) {
        guard kind == .toReal else { return }
        if word.isAdjoint { weigh(a, lines, 0.5) }
        if n % 2 == 0 {
            mlx_fft_tangle(a.re, a.im, lines, length, plan.turns.values)
            return
        }
        a.im.update(repeating: 0, count: lines)
        for k in 1..<max(n / 2 + 1, 1) {
            for w in 0..<lines {
                a.re[(n - k) * lines + w] = a.re[k * lines + w]
                a.im[(n - k) * lines + w] = -a.im[k * lines + w]
            }
        }
    }

    /// From what the complex transform gives to the half spectrum.
    private func after(_ a: FFTPlanes, _ lines: Int) {
        guard kind == .fromReal else { return }
        if n % 2 == 0 { mlx_fft_untangle(a.re, a.im, lines, length, plan.turns.values) }
        if word.isAdjoint { weigh(a, lines, 2) }
    }

    /// Multiplies the entries that stand for two of the whole spectrum.
    private func weigh(_ a: FFTPlanes, _ lines: Int, _ factor: Float) {
        for place in lines..<max((n + 1) / 2 * lines, lines) {
            a.re[place] *= factor
            a.im[place] *= factor
        }
    }

    // MARK: - Lines

    private func runLines(_ call: borrowing KernelCall) {
        let count = outer * inner
        // SAFETY: lines write elements of their own; each has scratch of its own.
        let planeCount = max(length, n / 2 + 1) + 1
        let need = plan.lineScratchCount + 2 * planeCount
        if count >= 4 {
            let scratch = call.scratch(byteCount: 4 * need * count)
                .assumingMemoryBound(to: Float.self)
            nonisolated(unsafe) let memory = scratch
            call.fanOut.forRanges(count, size: 1, picosecondsPerItem: length * 8000) { range in
                let serial = SerialFanOut()
                for line in range { runLine(line, memory + line * need, planeCount, serial) }
            }
            return
        }
        let scratch = call.scratch(byteCount: 4 * need).assumingMemoryBound(to: Float.self)
        for line in 0..<count { runLine(line, scratch, planeCount, call.fanOut) }
    }

    private func runLine(
        _ line: Int, _ scratch: UnsafeMutablePointer<Float>, _ planeCount: Int,
        _ fanOut: any FanOut
    ) {
        let (o, i) = (line / inner, line % inner)
        var (from, to) = (input(o, i), output(o, i))
        let planes = FFTPlanes(scratch, count: planeCount)
        let rest = scratch + 2 * planeCount
        let isDirectIn =
            kind != .toReal && from.im != nil && from.re_count == length
            && from.im_count == length
        let isDirectOut =
            kind != .fromReal && to.im != nil && to.re_count == length
            && to.im_count == length
        if !isDirectIn {
            mlx_fft_load(planes.re, planes.im, 1, loadedRows, &from)
            before(planes, 1)
        }
        plan.runLine(
            from: isDirectIn ? from : planes.line(length),
            to: isDirectOut ? to : planes.line(length), inverse: isInverse,
            scale: isDirectOut ? scale : 1, scratch: rest, fanOut)
        if isDirectOut { return }
        after(planes, 1)
        mlx_fft_store(&to, planes.re, planes.im, 1, storedRows, scale)
    }
}

/// The first word of a transform: bits 0-3 the axis, counted from the last; 4 inverse; 5-6 the
/// scale (none, 1/n, 1/√n); 7 adjoint.
package struct FFTWord: Sendable {
    package let bits: UInt64
    package init(_ bits: UInt64) { self.bits = bits }

    package enum Scale: UInt64, Sendable { case one, inverse, inverseRoot }

    package init(axisFromEnd: Int, isInverse: Bool, scale: Scale, isAdjoint: Bool = false) {
        bits =
            UInt64(axisFromEnd) | (isInverse ? 16 : 0) | scale.rawValue << 5
            | (isAdjoint ? 128 : 0)
    }

    package var axisFromEnd: Int { Int(bits & 15) }
    package var isInverse: Bool { bits & 16 != 0 }
    package var isAdjoint: Bool { bits & 128 != 0 }
    package var scale: Scale { Scale(rawValue: bits >> 5 & 3) ?? .one }

    /// The transposed conjugate of a complex transform, or the counterpart of a real one.
    package var adjoint: FFTWord { FFTWord(bits ^ 16 ^ 128) }

    func scale(_ n: Int) -> Float {
        switch scale {
        case .one: 1
        case .inverse: Float(1 / Double(n))
        case .inverseRoot: Float(1 / Double(n).squareRoot())
        }
    }
}

extension Kernels {
    package static func fft(_ call: borrowing KernelCall) throws(ArrayError) {
        try FFTJob.run(.complex, call)
    }
    package static func rfft(_ call: borrowing KernelCall) throws(ArrayError) {
        try FFTJob.run(.fromReal, call)
    }
    package static func irfft(_ call: borrowing KernelCall) throws(ArrayError) {
        try FFTJob.run(.toReal, call)
    }
}
