import Foundation
import MLX
import MLXNN

/// Residual networks of basic blocks (He, Zhang, Ren, Sun 2016), ResNet-18 among them, in the form
/// that PyTorch's torchvision gave them: a block that halves the image does so in its first
/// convolution. Images are (N, height, width, channels). Parameters have torchvision's names, so
/// its files load; only the axes of convolutions differ, which ``loadTorchWeights(from:strict:)``
/// turns.
///
/// ```swift
/// let model = ResNet.resNet18(classes: 1000)
/// try model.loadTorchWeights(from: url)       // model.safetensors of torchvision or timm
/// model.train(false)
/// let logits = model(images)                  // (N, 224, 224, 3) to (N, 1000)
/// ```
public final class ResNet: Module, UnaryLayer {
    @ModuleInfo var conv1: Conv2d
    @ModuleInfo var bn1: BatchNorm
    @ModuleInfo var layer1: [BasicBlock]
    @ModuleInfo var layer2: [BasicBlock]
    @ModuleInfo var layer3: [BasicBlock]
    @ModuleInfo var layer4: [BasicBlock]
    @ModuleInfo var fc: Linear
    let maxpool = MaxPool2d(kernelSize: 3, stride: 2, padding: 1)

    /// A network of four stages; each after the first halves the image and doubles the channels.
    /// - Parameters:
    ///   - blocks: how many blocks each stage has: (2, 2, 2, 2) is ResNet-18, (3, 4, 6, 3)
    ///     ResNet-34.
    ///   - width: the channels of the first stage.
    ///   - channels: how many channels images have.
    ///   - classes: how many logits there are.
    public init(
        blocks: (Int, Int, Int, Int), width: Int = 64, channels: Int = 3, classes: Int = 1000
    ) {
        func stage(_ count: Int, _ from: Int, _ to: Int, _ stride: Int) -> [BasicBlock] {
            (0..<max(count, 1)).map {
                BasicBlock($0 == 0 ? from : to, to, stride: $0 == 0 ? stride : 1)
            }
        }
        conv1 = Conv2d(
            inputChannels: channels, outputChannels: width, kernelSize: 7, stride: 2, padding: 3,
            bias: false)
        bn1 = BatchNorm(featureCount: width)
        layer1 = stage(blocks.0, width, width, 1)
        layer2 = stage(blocks.1, width, 2 * width, 2)
        layer3 = stage(blocks.2, 2 * width, 4 * width, 2)
        layer4 = stage(blocks.3, 4 * width, 8 * width, 2)
        fc = Linear(8 * width, classes)
    }

    /// ResNet-18: 11.7 million parameters with 1,000 classes.
    public static func resNet18(classes: Int = 1000, channels: Int = 3) -> ResNet {
        ResNet(blocks: (2, 2, 2, 2), channels: channels, classes: classes)
    }

    /// Logits (N, classes) of images (N, height, width, channels).
    public func callAsFunction(_ x: MLXArray) -> MLXArray {
        fc(features(x))
    }

    /// What the logits are a linear function of, (N, 8 width): the mean over all places of the last
    /// stage's output.
    ///
    /// ```swift
    /// let vectors = model.features(images)
    /// ```
    public func features(_ x: MLXArray) -> MLXArray {
        var y = maxpool(relu(bn1(conv1(x))))
        for stage in [layer1, layer2, layer3, layer4] {
            y = stage.reduce(y) { $1($0) }
        }
        return mean(y, axes: [1, 2])
    }

    // MARK: Weights of PyTorch

    /// Weights as PyTorch has them, turned to what this network has: filters (outputs, inputs,
    /// height, width) become (outputs, height, width, inputs), and counts of batches are left out.
    ///
    /// ```swift
    /// try model.setWeights(ResNet.weights(fromTorch: loadArrays(url: url)))
    /// ```
    public static func weights(fromTorch weights: [String: MLXArray]) -> [String: MLXArray] {
        weights.filter { !$0.key.hasSuffix("num_batches_tracked") }
            .mapValues { $0.ndim == 4 ? $0.transposed(0, 2, 3, 1) : $0 }
    }

    /// Gives the parameters the values of a file that PyTorch's ResNet was saved in. Files that
    /// `saveWeights` wrote are read by `loadWeights` instead.
    ///
    /// - Parameters:
    ///   - url: a safetensors file with torchvision's names.
    ///   - strict: whether the file has to have all parameters and nothing else.
    /// - Throws: `WeightsError` with all keys that do not fit, an error of reading the file; the
    ///   model is as before then.
    public func loadTorchWeights(from url: URL, strict: Bool = true) throws {
        try setWeights(ResNet.weights(fromTorch: loadArrays(url: url)), strict: strict)
    }
}

/// Two convolutions of 3 by 3, and around them the input itself, which is brought to the output's
/// shape by a convolution of 1 by 1 where that differs.
final class BasicBlock: Module, UnaryLayer {
    @ModuleInfo var conv1: Conv2d
    @ModuleInfo var bn1: BatchNorm
    @ModuleInfo var conv2: Conv2d
    @ModuleInfo var bn2: BatchNorm
    /// A convolution and a norm, or nothing.
    @ModuleInfo var downsample: [any UnaryLayer]

    init(_ inputs: Int, _ outputs: Int, stride: Int) {
        conv1 = Conv2d(
            inputChannels: inputs, outputChannels: outputs, kernelSize: 3,
            stride: IntOrPair(integerLiteral: stride), padding: 1, bias: false)
        bn1 = BatchNorm(featureCount: outputs)
        conv2 = Conv2d(
            inputChannels: outputs, outputChannels: outputs, kernelSize: 3, padding: 1,
            bias: false)
        bn2 = BatchNorm(featureCount: outputs)
        let isSame = stride == 1 && inputs == outputs
        downsample =
            isSame
            ? []
            : [
                Conv2d(
                    inputChannels: inputs, outputChannels: outputs, kernelSize: 1,
                    stride: IntOrPair(integerLiteral: stride), bias: false),
                BatchNorm(featureCount: outputs),
            ]
    }

    func callAsFunction(_ x: MLXArray) -> MLXArray {
        let y = bn2(conv2(relu(bn1(conv1(x)))))
        return relu(y + downsample.reduce(x) { $1($0) })
    }
}
