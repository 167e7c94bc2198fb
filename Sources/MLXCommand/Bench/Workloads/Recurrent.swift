import MLX
import MLXNN

/// An LSTM over 32 sequences of 64 vectors.
extension PeerWorkloads {
    static let recurrent: [PeerWorkload] = {
        let (batch, length, inputs, hidden) = (32, 64, 128, 256)
        let steps = Double(batch * length)
        let weights = Double(4 * hidden * (inputs + hidden))
        return [
            PeerWorkload(
                name: "lstm_fwd", metric: .milliseconds, work: 1, flops: 2 * steps * weights,
                bytes: 4 * (weights + steps * Double(inputs + 2 * hidden))
            ) { _ in
                let layer = LSTM(inputSize: inputs, hiddenSize: hidden)
                let x = try Inputs.normal(batch, length, inputs)
                try checkedEval(layer)
                return {
                    let (states, cells) = layer(x)
                    try checkedEval(states, cells)
                }
            }
        ]
    }()
}
