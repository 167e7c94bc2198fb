import MLX

/// Convolutions of a batch of 8: one of the middle of a residual network, and its first.
extension PeerWorkloads {
    static let convolutions: [PeerWorkload] = [
        convolution("conv2d_64x56x56_3x3", side: 56, inputs: 64, kernel: 3, stride: 1, padding: 1),
        convolution("conv2d_stem_7x7s2", side: 224, inputs: 3, kernel: 7, stride: 2, padding: 3),
    ]

    private static func convolution(
        _ name: String, side: Int, inputs: Int, kernel: Int, stride: Int, padding: Int
    ) -> PeerWorkload {
        let (batch, outputs) = (8, 64)
        let outputSide = (side + 2 * padding - kernel) / stride + 1
        let results = Double(batch * outputSide * outputSide * outputs)
        let terms = Double(inputs * kernel * kernel)
        let numbers = Double(batch * side * side * inputs) + results + terms * Double(outputs)
        return PeerWorkload(
            name: name, metric: .gigaflops, work: 2 * results * terms, flops: 2 * results * terms,
            bytes: 4 * numbers
        ) { _ in
            let x = try Inputs.normal(batch, side, side, inputs)
            let w = try Inputs.normal(outputs, kernel, kernel, inputs)
            return {
                try checkedEval(conv2d(x, w, stride: .init(stride), padding: .init(padding)))
            }
        }
    }
}
