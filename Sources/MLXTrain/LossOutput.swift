import Foundation
import MLX
import MLXData

/// What a loss function says of one batch. Only `loss` is differentiated; the rest is for metrics
/// and for means over batches of different sizes.
///
/// ```swift
/// let logits = model(batch.input)
/// return LossOutput(
///     crossEntropy(logits: logits, targets: batch.target, reduction: .mean),
///     predictions: logits, count: batch.input.dim(0))
/// ```
public struct LossOutput {
    /// A scalar: the mean loss of the batch's examples.
    public var loss: MLXArray
    /// What metrics compare with the batch, logits for instance; nil when no metric asks for it.
    public var predictions: MLXArray?
    /// How many examples the loss is the mean of. Batches count by it in means over an epoch and
    /// in accumulated gradients.
    public var count: Int

    /// - Parameters:
    ///   - loss: a scalar.
    ///   - predictions: what metrics compare with the batch.
    ///   - count: how many examples the loss is the mean of; nil for the length of the
    ///     predictions' first axis, or 1 without them.
    public init(_ loss: MLXArray, predictions: MLXArray? = nil, count: Int? = nil) {
        self.loss = loss
        self.predictions = predictions
        self.count = max(count ?? predictions?.shape.first ?? 1, 1)
    }
}

/// A figure to judge a model by, beside the loss: a mean over examples, and what is made of it.
///
/// ```swift
/// let error = Metric<Example>("error") { output, batch in
///     (abs(output.predictions! - batch.target).sum(), batch.target.size)
/// }
/// ```
public struct Metric<Batch>: Sendable {
    /// The name in records and logs.
    public let name: String
    let measure: @Sendable (LossOutput, Batch) -> (sum: MLXArray, count: Int)
    let finish: @Sendable (Double) -> Double

    /// - Parameters:
    ///   - name: the name in records and logs.
    ///   - finish: what is made of the mean in the end; nothing by default.
    ///   - measure: the sum of the figure over a batch, a scalar, and the number of its terms.
    public init(
        _ name: String, finish: @escaping @Sendable (Double) -> Double = { $0 },
        measure: @escaping @Sendable (LossOutput, Batch) -> (sum: MLXArray, count: Int)
    ) {
        self.name = name
        self.measure = measure
        self.finish = finish
    }

    /// `accuracy`: the share of targets that are the largest prediction along the last axis.
    /// - Parameter targets: class numbers, in the predictions' shape without the last axis.
    public static func accuracy(
        _ targets: @escaping @Sendable (Batch) -> MLXArray
    ) -> Metric {
        Metric("accuracy") { output, batch in
            let targets = targets(batch)
            guard let predictions = output.predictions else {
                let error = ArrayError(
                    .argument, "accuracy", "the loss function returns no predictions")
                return (invalidArray(error), 1)
            }
            let hits = argMax(predictions, axis: -1) .== targets
            return (hits.asType(.float32).sum(), max(targets.size, 1))
        }
    }
}

extension Metric {
    /// `perplexity`: e to the power of the mean loss, which has to be a cross entropy.
    public static var perplexity: Metric {
        Metric("perplexity", finish: { Foundation.exp($0) }) { output, _ in
            (output.loss * Float(output.count), output.count)
        }
    }
}

extension Metric where Batch == Example {
    /// `accuracy`: the share of targets that are the largest prediction along the last axis.
    public static var accuracy: Metric { accuracy { $0.target } }
}
