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
    @ModuleInfo public var layers: [any UnaryLayer]

    public init(layers: [any UnaryLayer]) {
        _layers = ModuleInfo(wrappedValue: layers)
        super.init()
    }

    public convenience init(layers: any UnaryLayer...) { self.init(layers: layers) }

    public convenience init(@SequentialBuilder layers: () -> [any UnaryLayer]) {
        self.init(layers: layers())
    }

    open func callAsFunction(_ x: MLXArray) -> MLXArray { layers.reduce(x) { $1($0) } }
}

/// Collects the layers in the braces of `Sequential { }`, with conditions and loops.
@resultBuilder public struct SequentialBuilder {
    public static func buildArray(_ array: [any UnaryLayer]) -> [any UnaryLayer] { array }

    public static func buildArray(_ value: [[any UnaryLayer]]) -> [any UnaryLayer] {
        value.flatMap { $0 }
    }

    public static func buildExpression(_ value: any UnaryLayer) -> [any UnaryLayer] { [value] }

    public static func buildPartialBlock(
        accumulated: [any UnaryLayer], next: [any UnaryLayer]
    ) -> [any UnaryLayer] {
        accumulated + next
    }

    public static func buildPartialBlock(first: [any UnaryLayer]) -> [any UnaryLayer] { first }

    public static func buildEither(first: [any UnaryLayer]) -> [any UnaryLayer] { first }

    public static func buildEither(second: [any UnaryLayer]) -> [any UnaryLayer] { second }

    public static func buildOptional(_ component: [any UnaryLayer]?) -> [any UnaryLayer] {
        component ?? []
    }
}
