import MLX
import MLXNN

/// A small convolutional network for 8 by 8 digits: two convolutions, a pool, two linear layers.
final class DigitsNet: Module, UnaryLayer {
    @ModuleInfo var conv1: Conv2d
    @ModuleInfo var conv2: Conv2d
    @ModuleInfo var linear1: Linear
    @ModuleInfo var linear2: Linear
    let pool = MaxPool2d(kernelSize: 2, stride: 2)
    let dropout = Dropout(p: 0.25)

    override init() {
        conv1 = Conv2d(inputChannels: 1, outputChannels: 24, kernelSize: 3, padding: 1)
        conv2 = Conv2d(inputChannels: 24, outputChannels: 48, kernelSize: 3, padding: 1)
        linear1 = Linear(4 * 4 * 48, 96)
        linear2 = Linear(96, 10)
    }

    /// Logits (N, 10) of images (N, 8, 8, 1).
    func callAsFunction(_ x: MLXArray) -> MLXArray {
        var y = relu(conv1(x))
        y = pool(relu(conv2(y)))
        y = dropout(relu(linear1(y.reshaped(x.dim(0), -1))))
        return linear2(y)
    }
}
