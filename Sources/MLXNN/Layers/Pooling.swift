import MLX

/// The largest element or the mean of each window, channels last. Padding never is the largest
/// element, and counts as zeros in a mean. The largest integer has its array's dtype; the mean of
/// integers is float32.
open class Pool: Module, UnaryLayer {
    /// One number for each spatial axis.
    public let kernelSize: [Int]
    /// The distance between two windows, for each spatial axis.
    public let stride: [Int]
    /// What is added on both sides, for each spatial axis.
    public let padding: [Int]

    /// What padding counts as: the lowest number for the largest element, zero for a mean.
    public let paddingValue: Float
    /// Where a window's elements lie, from the end, when windows are axes of an array.
    public let axes: [Int]
    /// What is made of a window: its largest element or its mean, over the given axes. The layer
    /// itself computes the same without an array of windows.
    public let poolingOp: (MLXArray, [Int]) -> MLXArray

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
        axes = Array(-kernelSize.count - 1 ..< -1)
        switch reduction {
        case .largest:
            paddingValue = -.infinity
            poolingOp = { max($0, axes: $1) }
        case .mean:
            paddingValue = 0
            poolingOp = { mean($0, axes: $1) }
        }
        super.init()
    }

    open override func describeExtra(_ indent: Int) -> String {
        "(kernelSize=\(kernelSize), stride=\(stride), padding=\(padding))"
    }

    /// Applies the layer: input (N, …, C), output (N, …, C), where a spatial axis of length L
    /// becomes (L + 2 padding - kernelSize) / stride + 1, rounded down. A window larger than the
    /// padded input is an error of the result.
    open func callAsFunction(_ x: MLX.MLXArray) -> MLX.MLXArray {
        switch _reduction {
        case .largest:
            noted(maxPooled(x, window: kernelSize, stride: stride, padding: padding), from: x)
        case .mean:
            noted(averagePooled(x, window: kernelSize, stride: stride, padding: padding), from: x)
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

/// The largest element of each window of (N, D, H, W, C).
open class MaxPool3d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides.
    public init(kernelSize: IntOrTriple, stride: IntOrTriple, padding: IntOrTriple = 0) {
        super.init(
            .largest, kernelSize: kernelSize.list, stride: stride.list, padding: padding.list)
    }
}

/// The mean of each window of (N, D, H, W, C).
open class AvgPool3d: Pool {
    /// A pool with windows of `kernelSize` every `stride`, and `padding` on both sides.
    public init(kernelSize: IntOrTriple, stride: IntOrTriple, padding: IntOrTriple = 0) {
        super.init(.mean, kernelSize: kernelSize.list, stride: stride.list, padding: padding.list)
    }
}

extension IntOrTriple {
    fileprivate var list: [Int] { [first, second, third] }
}
