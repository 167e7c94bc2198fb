import MLXBase
import MLXGraph
import MLXOps

// Short-time Fourier transforms: the spectrum of each of many overlapping pieces of a signal, and
// the signal from them. Both are recorded from windows, transforms and sums that exist, so they
// have their derivatives and map over batches.

extension MLXFFT {
    /// The spectra of overlapping frames of a signal: frame t, of `nFFT` samples beginning at
    /// t `hopLength`, is multiplied by the window and transformed (Allen and Rabiner, 1977).
    ///
    /// ```swift
    /// let spectra = MLXFFT.stft(sound, nFFT: 512, window: hanning(512))   // (257, frames)
    /// ```
    /// - Parameters:
    ///   - array: (…, samples).
    ///   - nFFT: samples of a frame.
    ///   - hopLength: samples from one frame to the next; a quarter of `nFFT` by default.
    ///   - windowLength: what the window must have, `nFFT` by default; a shorter one is put in the
    ///     frame's middle between zeros.
    ///   - window: factors of a frame's samples; ones by default.
    ///   - center: frames have their middle at t `hopLength`, for which the signal goes on by half
    ///     a frame at both ends.
    ///   - padMode: how it goes on.
    ///   - norm: which of the two directions has the factor 1/`nFFT`.
    ///   - onesided: only frequencies from 0 to half the sampling rate, the default for real input.
    /// - Returns: complex64, (…, frequencies, frames).
    /// - Note: a signal shorter than a frame makes an invalid array, as do other sizes without
    ///   meaning.
    public static func stft(
        _ array: MLXArray, nFFT: Int = 2048, hopLength: Int? = nil, windowLength: Int? = nil,
        window: MLXArray? = nil, center: Bool = true, padMode: PadMode = .reflect,
        norm: FFTNorm = .backward, onesided: Bool? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        recording([array] + (window.map { [$0] } ?? [])) { () throws(ArrayError) in
            let frames = try Frames(
                name: "stft", size: nFFT, hop: hopLength, windowLength: windowLength,
                window: window, stream: stream)
            guard array.ndim > 0 else {
                throw ArrayError(.shape, "stft", "needs an axis of samples", shapes: [[]])
            }
            var signal = array
            if center {
                var widths = [IntOrPair](repeating: 0, count: array.ndim)
                widths[array.ndim - 1] = IntOrPair(nFFT / 2)
                signal = padded(signal, widths: widths, mode: padMode, stream: stream)
            }
            let count = signal.dim(-1)
            guard count >= nFFT else {
                throw ArrayError(
                    .shape, "stft", "\(count) samples are fewer than a frame's \(nFFT)",
                    shapes: [array.shape])
            }
            let pieces = frames.cut(signal, into: 1 + (count - nFFT) / frames.hop)
            let isComplex = array.dtype.isComplex
            var spectra =
                isComplex || onesided == false
                ? fft(pieces, axis: -1, norm: norm, stream: stream)
                : rfft(pieces, axis: -1, norm: norm, stream: stream)
            if isComplex, onesided == true {
                spectra = Ops.slice(
                    spectra, axis: spectra.ndim - 1, 0, nFFT / 2 + 1, stream: stream.id)
            }
            return swappedAxes(spectra, -1, -2, stream: stream)
        }
    }

    /// The signal whose short-time spectra come closest to the given ones (Griffin and Lim, 1984):
    /// the frames, times the window, added where they overlap, over the sum of squared windows.
    ///
    /// ```swift
    /// let w = hanning(512)
    /// let same = MLXFFT.istft(
    ///     MLXFFT.stft(sound, nFFT: 512, window: w), window: w, length: sound.size)
    /// ```
    /// - Parameters:
    ///   - spectra: (…, frequencies, frames).
    ///   - nFFT: samples of a frame; by default the even number that fits the frequencies.
    ///   - hopLength: samples from one frame to the next; a quarter of `nFFT` by default.
    ///   - windowLength: what the window must have, `nFFT` by default.
    ///   - window: as the spectra were made with.
    ///   - center: whether frames have their middle at t `hopLength`.
    ///   - norm: which of the two directions has the factor 1/`nFFT`.
    ///   - onesided: whether negative frequencies were left out; true by default.
    ///   - length: of the result, cut or padded with zeros; by default what the frames cover.
    /// - Returns: float32, (…, samples). Samples that no window reaches are as the frames add up.
    public static func istft(
        _ spectra: MLXArray, nFFT: Int? = nil, hopLength: Int? = nil, windowLength: Int? = nil,
        window: MLXArray? = nil, center: Bool = true, norm: FFTNorm = .backward,
        onesided: Bool? = nil, length: Int? = nil, stream: StreamOrDevice = .default
    ) -> MLXArray {
        recording([spectra] + (window.map { [$0] } ?? [])) { () throws(ArrayError) in
            guard spectra.ndim >= 2, spectra.dim(-1) > 0, length ?? 0 >= 0 else {
                throw ArrayError(
                    .shape, "istft", "needs axes of frequencies and of frames, and a length",
                    shapes: [spectra.shape])
            }
            let half = onesided ?? true
            let bins = spectra.dim(-2)
            let size = nFFT ?? (half ? 2 * (bins - 1) : bins)
            let frames = try Frames(
                name: "istft", size: size, hop: hopLength, windowLength: windowLength,
                window: window, stream: stream)
            guard bins == (half ? size / 2 + 1 : size) else {
                throw ArrayError(
                    .shape, "istft", "\(bins) frequencies are not those of \(size) samples",
                    shapes: [spectra.shape])
            }
            let columns = swappedAxes(spectra, -1, -2, stream: stream)
            let pieces =
                half
                ? irfft(columns, n: size, axis: -1, norm: norm, stream: stream)
                : ifft(columns, axis: -1, norm: norm, stream: stream).realPart(stream: stream)
            let signal = try frames.joined(pieces)
            let start = center ? Swift.min(size / 2, signal.dim(-1)) : 0
            let covered = Swift.max(signal.dim(-1) - (center ? 2 * (size / 2) : 0), 0)
            let wanted = length ?? covered
            let kept = Swift.min(wanted, signal.dim(-1) - start)
            let result = Ops.slice(
                signal, axis: signal.ndim - 1, start, kept, stream: stream.id)
            if kept == wanted { return result }
            var widths = [IntOrPair](repeating: 0, count: signal.ndim)
            widths[signal.ndim - 1] = [0, wanted - kept]
            return padded(result, widths: widths, stream: stream)
        }
    }
}

/// How a signal is cut into frames and put together again.
private struct Frames {
    let size: Int
    let hop: Int
    let window: MLXArray
    let stream: StreamOrDevice

    init(
        name: String, size: Int, hop: Int?, windowLength: Int?, window: MLXArray?,
        stream: StreamOrDevice
    ) throws(ArrayError) {
        let hop = hop ?? Swift.max(size / 4, 1)
        let length = windowLength ?? window?.size ?? size
        guard size > 0, size <= 1 << 30, hop > 0, hop <= 1 << 30, length > 0, length <= size else {
            throw ArrayError(
                .argument, name,
                "frames of \(size) samples, every \(hop), with a window of \(length)")
        }
        if let window, window.shape != [length] {
            throw ArrayError(
                .shape, name, "the window has not one axis of \(length)", shapes: [window.shape])
        }
        let before = (size - length) / 2
        self.size = size
        self.hop = hop
        self.stream = stream
        self.window = padded(
            window ?? ones([length], stream: stream),
            widths: [[before, size - length - before]], stream: stream)
    }

    /// (…, samples) to (…, frames, size), times the window.
    func cut(_ signal: MLXArray, into count: Int) -> MLXArray {
        let shape = signal.shape.dropLast()
        let samples = signal.dim(-1)
        let flat = Ops.reshape(signal, [signal.size], stream: stream.id)
        let batch = shape.reduce(1, *)
        let pieces = asStrided(
            flat, [batch, count, size], strides: [samples, hop, 1], stream: stream)
        return Ops.reshape(pieces * window, shape + [count, size], stream: stream.id)
    }

    /// (…, frames, size) to (…, samples): times the window, added, over the squared windows.
    func joined(_ pieces: MLXArray) throws(ArrayError) -> MLXArray {
        let shape = pieces.shape.dropLast(2)
        let count = pieces.dim(-2)
        let (span, o1) = hop.multipliedReportingOverflow(by: count - 1)
        let (samples, o2) = span.addingReportingOverflow(size)
        guard !o1, !o2, samples <= 1 << 40 else {
            throw ArrayError(.limit, "istft", "the signal is too long", shapes: [pieces.shape])
        }
        let batch = Ops.reshape(
            pieces, [shape.reduce(1, *), count, size], stream: stream.id)
        let sum = overlapped(batch * window, count, samples)
        let weight = overlapped(
            broadcast(window * window, to: [1, count, size], stream: stream), count, samples)
        // NUMERICS: below 1e-10 a squared window says nothing of the signal, only of rounding.
        let scale = which(weight .> Float(1e-10), weight, Float(1))
        return Ops.reshape(sum / scale, shape + [samples], stream: stream.id)
    }

    /// (batch, frames, size) to (batch, samples), frame t added from sample t hop on.
    ///
    /// A frame is cut into rows of `hop` samples. Row s of frame t belongs to place t + s: with as
    /// many frames of zeros behind as there are rows, and one element fewer in each line, lines
    /// shift by one against each other, and the sum goes straight down.
    private func overlapped(_ pieces: MLXArray, _ count: Int, _ samples: Int) -> MLXArray {
        let rows = (size + hop - 1) / hop
        let batch = pieces.dim(0)
        let wide = padded(
            pieces, widths: [0, [0, rows], [0, rows * hop - size]], stream: stream)
        let lines = transposed(
            wide.reshaped([batch, count + rows, rows, hop], stream: stream), axes: [0, 2, 1, 3],
            stream: stream)
        let flat = lines.reshaped([batch, rows * (count + rows), hop], stream: stream)
        let shifted = Ops.slice(
            flat, axis: 1, 0, rows * (count + rows - 1), stream: stream.id
        ).reshaped([batch, rows, count + rows - 1, hop], stream: stream)
        let signal = shifted.sum(axis: 1, stream: stream).reshaped(
            [batch, (count + rows - 1) * hop], stream: stream)
        return Ops.slice(signal, axis: 1, 0, samples, stream: stream.id)
    }
}
