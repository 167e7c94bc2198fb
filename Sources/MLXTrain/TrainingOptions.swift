import MLX

/// How a ``Trainer`` makes its steps. The defaults are those of plain training.
public struct TrainingOptions: Sendable {
    /// What is done when a loss, or the norm of the gradients, is not finite. In both cases the
    /// model and the optimizer are as before the step.
    public enum NonFinite: Sendable {
        /// Training ends with ``TrainingError/notFinite(step:figure:)``.
        case stop
        /// The step is left out; its record has the figure as it is.
        case skipStep
    }

    /// The seed of what the model draws, in dropout for instance. Each step has a random state of
    /// its own that follows from the seed and the step's number alone.
    public var seed: UInt64 = 0
    /// How many batches make one step: their gradients are added up, weighted by the numbers of
    /// examples, so that the step is that of one large batch. At an epoch's end it may be fewer.
    public var accumulation = 1
    /// The largest norm of all gradients together; nil for no limit. Records have `gradient_norm`
    /// with it, the norm before.
    public var clipNorm: Float?
    /// What products are computed in, bfloat16 or float16; nil for the parameters' own dtype.
    /// Parameters, their gradients and the optimizer's state stay in float32.
    public var computeDType: DType?
    /// What is done about figures that are not finite.
    public var nonFinite = NonFinite.stop
    /// After how many steps the model is validated; nil for the end of each epoch. It is validated
    /// after the last step in any case.
    public var validationInterval: Int?

    /// The defaults.
    public init() {}
}

/// How long to train.
public enum TrainingLimit: Sendable {
    /// So many steps in all, those before a resumed checkpoint counted too.
    case steps(Int)
    /// So many epochs in all.
    case epochs(Int)
}
