import MLX
import MLXNN

// Two classifiers to begin with: a multilayer perceptron for vectors and LeNet-5 for small grey
// images. Both give logits; their weights are saved and loaded as any module's.

/// Linear layers with an activation between them.
///
/// ```swift
/// let model = MLP(inputs: 784, hidden: [256, 128], outputs: 10, dropout: 0.2)
/// let logits = model(images.reshaped(images.dim(0), -1))
/// ```
public final class MLP: Module, UnaryLayer {
    @ModuleInfo var layers: [Linear]
    let dropout: Dropout?
    private let _activation: @Sendable (MLXArray) -> MLXArray

    /// - Parameters:
    ///   - inputs: the length of an input.
    ///   - hidden: the width of each layer between input and output; none makes the model linear.
    ///   - outputs: the length of an output.
    ///   - dropout: the share of each hidden layer's results that is left out in training.
    ///   - activation: what is applied after each hidden layer.
    public init(
        inputs: Int, hidden: [Int], outputs: Int, dropout: Float = 0,
        activation: @escaping @Sendable (MLXArray) -> MLXArray = { relu($0) }
    ) {
        let widths = [inputs] + hidden + [outputs]
        layers = zip(widths, widths.dropFirst()).map { Linear($0, $1) }
        self.dropout = dropout > 0 ? Dropout(p: dropout) : nil
        _activation = activation
    }

    /// Outputs (..., outputs) of inputs (..., inputs).
    public func callAsFunction(_ x: MLXArray) -> MLXArray {
        var y = x
        for layer in layers.dropLast() {
            y = _activation(layer(y))
            if let dropout { y = dropout(y) }
        }
        return layers.last?(y) ?? y
    }
}

/// LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998) for images of 28 by 28: two convolutions with
/// windows of 5 by 5, each followed by a mean over 2 by 2, then three linear layers; the hyperbolic
/// tangent between them. As today's versions have it, every map sees all maps of the layer before,
/// and the output is linear.
///
/// ```swift
/// let logits = LeNet()(images)          // (N, 28, 28, 1) to (N, 10)
/// ```
public final class LeNet: Module, UnaryLayer {
    @ModuleInfo var conv1: Conv2d
    @ModuleInfo var conv2: Conv2d
    @ModuleInfo var fc1: Linear
    @ModuleInfo var fc2: Linear
    @ModuleInfo var fc3: Linear
    let pool = AvgPool2d(kernelSize: 2, stride: 2)

    /// - Parameters:
    ///   - channels: how many channels images have.
    ///   - classes: how many logits there are.
    public init(channels: Int = 1, classes: Int = 10) {
        conv1 = Conv2d(inputChannels: channels, outputChannels: 6, kernelSize: 5, padding: 2)
        conv2 = Conv2d(inputChannels: 6, outputChannels: 16, kernelSize: 5)
        fc1 = Linear(16 * 5 * 5, 120)
        fc2 = Linear(120, 84)
        fc3 = Linear(84, classes)
    }

    /// Logits (N, classes) of images (N, 28, 28, channels). Another size is an error of the result.
    public func callAsFunction(_ x: MLXArray) -> MLXArray {
        let maps = pool(tanh(conv2(pool(tanh(conv1(x))))))
        return fc3(tanh(fc2(tanh(fc1(maps.flattened(start: 1))))))
    }
}
