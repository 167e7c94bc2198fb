import MLXBase
import MLXGraph
import MLXKernels

/// Discrete Fourier transforms along one axis; those along several are one after the other. Words:
/// an `FFTWord` (axis from the end, direction, scale, adjoint), the length n of the transform and
/// the length of the axis in the result. With lengths l in, m out, a transform is Z F P: P cuts or
/// pads to n, F transforms, Z cuts or pads to m; so the adjoint is a row of the same kind.
package enum Fourier {
    package static let rows: [OpRow] = [
        row(
            .fft, "fft", "y[k] = c Σ x[j] e^(∓2πi jk/n)", from: .complex64, to: .complex64,
            adjoint: .fft, Kernels.fft),
        row(
            .rfft, "rfft", "y[k] = c Σ x[j] e^(-2πi jk/n), 0 ≤ k ≤ n/2, x real", from: .float32,
            to: .complex64, adjoint: .irfft,
            Kernels.rfft),
        row(
            .irfft, "irfft", "y[j] = c Σ x[k] e^(2πi jk/n), x[n-k] = x[k]*, y real",
            from: .complex64, to: .float32, adjoint: .rfft,
            Kernels.irfft),
    ]

    private static func row(
        _ code: OpCode, _ name: String, _ synopsis: String, from: DType, to: DType,
        adjoint: OpCode, _ kernel: @escaping Kernel
    ) -> OpRow {
        OpRow(
            code: code, name: name, synopsis: synopsis, arity: 1...1,
            attributeNames: ["axis, direction, scale", "n", "length"],
            dtype: DTypeRule { _ in (from, to) },
            shape: .transform,
            vjp: .rule { context in
                let words = context.attributes.words
                let word = FFTWord(UInt64(bitPattern: Int64(words[0])))
                let length = context.inputs[0].nodeShape
                return [
                    Ops.record(
                        adjoint, [context.cotangent],
                        Attributes(words: [
                            Int(word.adjoint.bits), words[1],
                            length[length.ndim - 1 - word.axisFromEnd],
                        ]))
                ]
            },
            jvp: .linear, vmap: .trailing,
            work: OpWork(.fft) { context in
                let n = Double(max(context.words.count > 1 ? context.words[1] : 1, 2))
                let lines = Double(context.output.size) / Double(max(context.words.last ?? 1, 1))
                return 5 * lines * n * Double(Int.bitWidth - Int(n).leadingZeroBitCount)
            },
            kernel: kernel, toleranceEpsilons: 32,
            samples: SampleRule { samples(code) })
    }

    /// Every kind of length (powers, mixed radices, odd ones, large primes), cut and padded, along
    /// each axis, forward and inverse, scaled, and the adjoints.
    private static func samples(_ code: OpCode) -> [SampleRule.Sample] {
        func due(_ n: Int) -> Int { code == .rfft ? n / 2 + 1 : n }
        func sample(
            _ shape: [Int], _ fromEnd: Int, n: Int, _ length: Int? = nil, inverse: Bool = false,
            scale: FFTWord.Scale = .one, adjoint: Bool = false
        ) -> SampleRule.Sample {
            let word = FFTWord(
                axisFromEnd: fromEnd, isInverse: inverse, scale: scale, isAdjoint: adjoint)
            return .init([shape], Attributes(words: [Int(word.bits), n, length ?? due(n)]))
        }
        return [
            sample([3, 16], 0, n: 16), sample([20, 15], 0, n: 15),
            sample([7, 5, 3], 1, n: 8, inverse: true, scale: .inverse),
            sample([12, 18], 1, n: 7, scale: .inverseRoot), sample([2, 67], 0, n: 67),
            sample([17, 9], 0, n: 12, 4, adjoint: true),
            sample([4, 6], 0, n: 9, 13, inverse: true),
            sample([2, 5], 0, n: 9, 9, adjoint: true), sample([3, 1], 0, n: 1),
            sample([1], 0, n: 2), sample([2, 600], 0, n: 600),
        ]
    }
}

extension OpCode {
    package static let fft = OpCode(.fourier)
    package static let rfft = OpCode(.fourier)
    package static let irfft = OpCode(.fourier)
}

extension ShapeRule {
    /// The length of one axis is told. A transform that is longer than twice what it reads and
    /// writes is none that a user asked for.
    static let transform = ShapeRule { (context) throws(ArrayError) in
        let x = context.shapes[0]
        let words = context.attributes.words
        let axis = x.ndim - 1 - FFTWord(UInt64(bitPattern: Int64(words[0]))).axisFromEnd
        guard axis >= 0, words[0] >= 0, words[0] < 256, words[1] > 0, words[2] >= 0,
            (words[1] - 1) / 2 < max(x[axis], words[2])
        else {
            throw context.error(.argument, "cannot transform \(words[1]) points of \(x)")
        }
        var dims = x.array
        dims[axis] = words[2]
        return try Shape(validating: dims, operation: context.row.name)
    }
}

/// The factor of a transform: none, 1/n or 1/√n.
package typealias FourierScale = FFTWord.Scale

extension Ops {
    /// Transforms along one axis, which must exist.
    /// - Parameters:
    ///   - n: the length of the transform.
    ///   - length: of the axis in the result.
    package static func fourier(
        _ code: OpCode, _ x: MLXArray, axis: Int, n: Int, length: Int, isInverse: Bool,
        scale: FourierScale, stream: StreamID = .unpinned
    ) -> MLXArray {
        let word = FFTWord(
            axisFromEnd: x.ndim - 1 - axis, isInverse: isInverse, scale: scale)
        return record(
            code, [x], Attributes(words: [Int(word.bits), n, length]), stream: stream)
    }
}
