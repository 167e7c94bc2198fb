import MLX

/// The largest element or the mean of each window, channels last. Padding never is the largest
/// element, and counts as zeros in a mean.
open class Pool: Module, UnaryLayer {
    /// One number for each spatial axis.
    public let kernelSize: [Int]
    /// The distance between two windows, for each spatial axis.
    public let stride: [Int]
    /// What is added on both sides, for each spatial axis.
    public let padding: [Int]

    enum Reduction {
        case largest
        case mean
    }

    private let _reduction: Reduction

    init(_ reduction: Reduction, kernelSize: [Int], stride: [Int], padding: [Int]) {
        _reduction = reduction
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(kernelSize=\(kernelSize), stride=\(stride), padding=\(padding))"
    }

    /// Applies the layer: input (N, …, C), output (N, …, C), where a spatial axis of length L
    /// becomes (L + 2 padding - kernelSize) / stride + 1, rounded down. A window larger than the
    /// padded input is an error of the result.
    open func callAsFunction(_ x: MLX.MLXArray) -> MLX.MLXArray {
        guard kernelSize.count == 1 else { return pooled(x, kernelSize, stride, padding) }
        // A sequence is a row of height one.
        return pooled(x.expandedDimensions(axis: 1), [1] + kernelSize, [1] + stride, [0] + padding)
            .squeezed(axis: 1)
    }

    private func pooled(
        _ x: MLXArray, _ window: [Int], _ stride: [Int], _ padding: [Int]
    ) -> MLXArray {
        let window = IntOrPair((window[0], window[1]))
        let stride = IntOrPair((stride[0], stride[1]))
        let padding = IntOrPair((padding[0], padding[1]))
        return switch _reduction {
        case .largest: maxPooled(x, window: window, stride: stride, padding: padding)
        case .mean: averagePooled(x, window: window, stride: stride, padding: padding)
        }
    }
}

/// The largest element of each window of (N, L, C).
open class MaxPool1d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides.
    public init(kernelSize: Int, stride: Int, padding: Int = 0) {
        super.init(.largest, kernelSize: [kernelSize], stride: [stride], padding: [padding])
    }
}

/// The largest element of each window of (N, H, W, C).
open class MaxPool2d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides of height
    /// and width.
    public init(kernelSize: IntOrPair, stride: IntOrPair, padding: IntOrPair = 0) {
        super.init(
            .largest, kernelSize: [kernelSize.first, kernelSize.second],
            stride: [stride.first, stride.second], padding: [padding.first, padding.second])
    }
}

/// The mean of each window of (N, L, C).
open class AvgPool1d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides.
    public init(kernelSize: Int, stride: Int, padding: Int = 0) {
        super.init(.mean, kernelSize: [kernelSize], stride: [stride], padding: [padding])
    }
}

/// The mean of each window of (N, H, W, C).
open class AvgPool2d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides of height
    /// and width.
    public init(kernelSize: IntOrPair, stride: IntOrPair, padding: IntOrPair = 0) {
        super.init(
            .mean, kernelSize: [kernelSize.first, kernelSize.second],
            stride: [stride.first, stride.second], padding: [padding.first, padding.second])
    }
}
