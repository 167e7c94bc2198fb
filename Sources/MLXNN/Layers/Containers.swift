import MLX

/// Layers called one after the other.
///
/// ```swift
/// let model = Sequential {
///     Linear(784, 64)
///     ReLU()
///     Linear(64, 10)
/// }
/// ```
open class Sequential: Module, UnaryLayer {
    /// The layers in the order in which they are called; `update(modules:)` can replace them.
    @ModuleInfo public var layers: [any UnaryLayer]

    /// - Parameter layers: in the order in which they are called.
    public init(layers: [any UnaryLayer]) {
        _layers = ModuleInfo(wrappedValue: layers)
        super.init()
    }

    /// - Parameter layers: in the order in which they are called.
    public convenience init(layers: any UnaryLayer...) { self.init(layers: layers) }

    /// A sequence of the layers in the braces, which may have `if` and `for`.
    public convenience init(@SequentialBuilder layers: () -> [any UnaryLayer]) {
        self.init(layers: layers())
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray {
        noted(layers.reduce(x) { $1($0) }, from: x)
    }
}

/// Collects the layers in the braces of `Sequential { }`, with conditions and loops.
@resultBuilder public struct SequentialBuilder {
    /// The layers themselves.
    public static func buildArray(_ array: [any UnaryLayer]) -> [any UnaryLayer] { array }

    /// The layers of all rounds of a `for` loop.
    public static func buildArray(_ value: [[any UnaryLayer]]) -> [any UnaryLayer] {
        value.flatMap { $0 }
    }

    /// One layer.
    public static func buildExpression(_ value: any UnaryLayer) -> [any UnaryLayer] { [value] }

    /// Layers, and those after them.
    public static func buildPartialBlock(
        accumulated: [any UnaryLayer], next: [any UnaryLayer]
    ) -> [any UnaryLayer] {
        accumulated + next
    }

    /// The first layers.
    public static func buildPartialBlock(first: [any UnaryLayer]) -> [any UnaryLayer] { first }

    /// The layers after `if`.
    public static func buildEither(first: [any UnaryLayer]) -> [any UnaryLayer] { first }

    /// The layers after `else`.
    public static func buildEither(second: [any UnaryLayer]) -> [any UnaryLayer] { second }

    /// The layers after an `if` without `else`, or none.
    public static func buildOptional(_ component: [any UnaryLayer]?) -> [any UnaryLayer] {
        component ?? []
    }
}
