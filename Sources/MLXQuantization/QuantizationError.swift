import Foundation

/// What keeps a model from being calibrated or quantized.
public struct QuantizationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, with the layer's path where there is one.
    public let description: String

    init(_ description: String) { self.description = description }
}

extension QuantizationError: LocalizedError {
    public var errorDescription: String? { description }
}
