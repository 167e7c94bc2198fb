import Foundation
import MLXBase
import MLXKernels
import MLXOps

/// The naive reference of the Fourier rows: the sums of the definition, over real input, of which
/// the real part is compared.
enum Spectra {
    static func evaluate(
        _ name: String, _ x: Tensor, _ attributes: Attributes, _ shape: [Int]
    ) -> Tensor? {
        guard ["fft", "rfft", "irfft"].contains(name) else { return nil }
        let word = FFTWord(UInt64(attributes.words[0]))
        let n = attributes.words[1]
        let axis = shape.count - 1 - word.axisFromEnd
        let scale =
            word.scale == .one
            ? 1
            : word.scale == .inverse ? 1 / Double(n) : 1 / Double(n).squareRoot()
        let half = n / 2 + 1
        let count = Swift.min(x.shape[axis], name == "irfft" ? half : n)
        // Entries of a half spectrum that stand for two of the whole.
        func weight(_ k: Int) -> Double { k > 0 && 2 * k < n ? 2 : 1 }
        return Tensor(shape) { position in
            var index = Tensor.index(position, shape)
            let k = index[axis]
            if k >= (name == "rfft" ? half : n) { return 0 }
            let total = (0..<count).reduce(0.0) { sum, j in
                index[axis] = j
                let factor = name == "irfft" && !word.isAdjoint ? weight(j) : 1
                return sum + factor * x[index] * cos(2 * .pi * Double(j * k % n) / Double(n))
            }
            return total * scale * (name == "rfft" && word.isAdjoint ? weight(k) : 1)
        }
    }
}
