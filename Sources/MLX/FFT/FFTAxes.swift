import MLXBase
import MLXGraph
import MLXOps

// What the Fourier transforms have in common: which axes, which lengths, which scale, checked
// before anything is recorded.

/// How a transform and its inverse share the factor 1/N.
public enum FFTNorm: String, Sendable, CaseIterable {
    /// Nothing forward, 1/N on the way back.
    case backward
    /// 1/√N both ways, so that transforms keep the norm.
    case ortho
    /// 1/N forward, nothing on the way back.
    case forward

    fileprivate func scale(isInverse: Bool) -> FourierScale {
        switch self {
        case .backward: isInverse ? .inverse : .one
        case .ortho: .inverseRoot
        case .forward: isInverse ? .one : .inverse
        }
    }
}

/// One of the transforms: what its name says, and how it goes through several axes.
struct FourierTransform {
    let name: String
    var isReal = false
    var isInverse = false
    var norm: FFTNorm
    let stream: StreamOrDevice

    /// Along one axis.
    func callAsFunction(_ x: MLXArray, n: Int?, axis: Int) -> MLXArray {
        self(x, sizes: n.map { [$0] }, axes: [axis])
    }

    /// Along several axes; the last one named is the one that real transforms halve.
    /// - Parameters:
    ///   - sizes: lengths for each axis; nil for what the input has.
    ///   - axes: nil for all, or as many of the last as there are sizes.
    func callAsFunction(_ x: MLXArray, sizes: [Int]?, axes: [Int]?) -> MLXArray {
        recording([x]) { () throws(ArrayError) in
            let rank = x.ndim
            let named = axes ?? sizes.map { Array(-$0.count..<0) } ?? Array(0..<rank)
            let axes = try Axes.normalize(named, rank: rank, operation: name)
            if let sizes, sizes.count != axes.count {
                throw ArrayError(
                    .argument, name, "\(sizes.count) sizes for \(axes.count) axes",
                    shapes: [x.shape])
            }
            guard let last = axes.last else { return x.aliased() }
            // The length of a real result follows from the half spectrum it comes from.
            let half = isReal && isInverse
            let lengths =
                sizes
                ?? axes.map {
                    half && $0 == last ? 2 * (x.dim($0) - 1) : x.dim($0)
                }
            for length in lengths where length <= 0 || length > 1 << 40 {
                throw ArrayError(
                    .argument, name, "cannot transform \(length) points", shapes: [x.shape])
            }
            return transformed(x, Array(zip(axes, lengths)))
        }
    }

    private func transformed(_ x: MLXArray, _ steps: [(axis: Int, length: Int)]) -> MLXArray {
        let scale = norm.scale(isInverse: isInverse)
        func complex(_ x: MLXArray, _ step: (axis: Int, length: Int)) -> MLXArray {
            Ops.fourier(
                .fft, x, axis: step.axis, n: step.length, length: step.length,
                isInverse: isInverse, scale: scale, stream: stream.id)
        }
        let (last, others) = (steps.last!, steps.dropLast())
        if !isReal { return steps.reversed().reduce(x, complex) }
        if isInverse {
            return Ops.fourier(
                .irfft, others.reduce(x, complex), axis: last.axis, n: last.length,
                length: last.length, isInverse: true, scale: scale, stream: stream.id)
        }
        let spectrum = Ops.fourier(
            .rfft, x, axis: last.axis, n: last.length, length: last.length / 2 + 1,
            isInverse: false, scale: scale, stream: stream.id)
        return others.reversed().reduce(spectrum, complex)
    }
}
