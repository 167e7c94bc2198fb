import MLX

/// Random numbers, sorting, a Fourier transform.
extension PeerWorkloads {
    static let numbers: [PeerWorkload] = [random, sort, fourier]

    private static let random = PeerWorkload(
        name: "random_normal_16M", metric: .millions, work: Double(Inputs.length),
        flops: Double(Inputs.length), bytes: 4 * Double(Inputs.length)
    ) { _ in
        { try checkedEval(MLXRandom.normal([Inputs.length])) }
    }

    private static let sort: PeerWorkload = {
        let count = 4 * 1024 * 1024
        return PeerWorkload(
            name: "sort_4M", metric: .millions, work: Double(count), flops: 0,
            bytes: 8 * Double(count)
        ) { _ in
            let a = try Inputs.normal(count)
            return { try checkedEval(sorted(a)) }
        }
    }()

    private static let fourier: PeerWorkload = {
        let count = 1 << 20
        return PeerWorkload(
            name: "fft_1M_c64", metric: .milliseconds, work: 1,
            flops: 5 * Double(count) * 20, bytes: 16 * Double(count),
            note: "5 n log2 n operations"
        ) { _ in
            let parts = (try Inputs.normal(count), try Inputs.normal(count))
            let a = parts.0 + parts.1.asImaginary()
            try checkedEval(a)
            return { try checkedEval(MLXFFT.fft(a)) }
        }
    }()
}
