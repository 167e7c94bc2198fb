import MLX

/// Optimizers that divide each element's step by a running measure of its gradients' size.

/// v = α v + (1 - α) g²; θ -= learningRate g / (√v + eps) (Tieleman and Hinton, 2012)
open class RMSprop: OptimizerBaseArrayState {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running mean of squares is kept with each step.
    public var alpha: Float
    /// What is added to a divisor, so that it is never zero.
    public var eps: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - alpha: how much of the running mean of squares is kept.
    ///   - eps: what is added to a divisor.
    public init(learningRate: Float, alpha: Float = 0.99, eps: Float = 1e-8) {
        self.learningRate = learningRate
        self.alpha = alpha
        self.eps = eps
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: MLXArray
    ) -> (MLXArray, MLXArray) {
        let v = alpha * state + (1 - alpha) * square(gradient)
        return (parameter - learningRate * gradient / (sqrt(v) + eps), v)
    }
}

/// v += g²; θ -= learningRate g / (√v + eps) (Duchi et al., 2011)
open class AdaGrad: OptimizerBaseArrayState {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// What is added to a divisor, so that it is never zero.
    public var eps: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - eps: what is added to a divisor.
    public init(learningRate: Float, eps: Float = 1e-8) {
        self.learningRate = learningRate
        self.eps = eps
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: MLXArray
    ) -> (MLXArray, MLXArray) {
        let v = state + square(gradient)
        return (parameter - learningRate * gradient / (sqrt(v) + eps), v)
    }
}

/// Steps in proportion to the earlier steps' size over the gradients' (Zeiler, 2012).
///
/// v = ρ v + (1 - ρ) g²; d = √(u + eps) / √(v + eps) g; u = ρ u + (1 - ρ) d²; θ -= learningRate d
open class AdaDelta: OptimizerBase<TupleState> {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running means of squares is kept with each step.
    public var rho: Float
    /// What is added to a divisor, so that it is never zero.
    public var eps: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - rho: how much of the running means of squares is kept.
    ///   - eps: what is added to a divisor.
    public init(learningRate: Float, rho: Float = 0.9, eps: Float = 1e-6) {
        self.learningRate = learningRate
        self.rho = rho
        self.eps = eps
    }

    open override func newState(parameter: MLXArray) -> TupleState {
        TupleState(zeros: parameter)
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: TupleState
    ) -> (MLXArray, TupleState) {
        let v = rho * state.first + (1 - rho) * square(gradient)
        let step = sqrt(state.second + eps) / sqrt(v + eps) * gradient
        let u = rho * state.second + (1 - rho) * square(step)
        return (parameter - learningRate * step, TupleState(v, u))
    }
}

/// The state of Adam: running means of the gradient and its square.
public struct AdamState: Updatable {
    let mean: MLXArray
    let square: MLXArray
    /// How many steps were made; counted only for the bias correction.
    let step: MLXArray?

    public func innerState() -> [MLXArray] { [mean, square] + (step.map { [$0] } ?? []) }
}

/// m = β1 m + (1 - β1) g; v = β2 v + (1 - β2) g²; θ -= learningRate m / (√v + eps)
/// (Kingma and Ba, 2015)
///
/// ```swift
/// let optimizer = Adam(learningRate: 1e-3)
/// optimizer.update(model: model, gradients: gradients)
/// ```
open class Adam: OptimizerBase<AdamState> {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running means is kept with each step, in 0..<1: β1 of the gradient, β2 of
    /// its size.
    public var betas: (Float, Float)
    /// What is added to a divisor, so that it is never zero.
    public var eps: Float
    /// Whether m and v are divided by 1 - β^t, which makes up for their beginning at zero.
    public var biasCorrection = false

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - betas: how much of the running means is kept, (β1, β2).
    ///   - eps: what is added to a divisor.
    ///   - biasCorrection: whether the means are divided by 1 - β^t; not by default, as in MLX.
    public init(
        learningRate: Float, betas: (Float, Float) = (0.9, 0.999), eps: Float = 1e-8,
        biasCorrection: Bool = false
    ) {
        self.learningRate = learningRate
        self.betas = betas
        self.eps = eps
        self.biasCorrection = biasCorrection
    }

    open override func newState(parameter: MLXArray) -> AdamState {
        AdamState(
            mean: MLXArray.storedZeros(like: parameter),
            square: MLXArray.storedZeros(like: parameter),
            step: biasCorrection ? MLXArray(0 as Float) : nil)
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: AdamState
    ) -> (MLXArray, AdamState) {
        let m = betas.0 * state.mean + (1 - betas.0) * gradient
        let v = betas.1 * state.square + (1 - betas.1) * square(gradient)
        guard biasCorrection else {
            let updated = parameter - learningRate * m / (sqrt(v) + eps)
            return (updated, AdamState(mean: m, square: v, step: state.step))
        }
        let step = (state.step ?? MLXArray(0 as Float)) + 1
        let rate = (learningRate / (1 - pow(betas.0, step))).asType(m.dtype)
        let scale = rsqrt(1 - pow(betas.1, step)).asType(m.dtype)
        let updated = parameter - rate * m / (sqrt(v) * scale + eps)
        return (updated, AdamState(mean: m, square: v, step: step))
    }
}

/// Adam with weight decay apart from the gradient: θ (1 - learningRate weightDecay) first
/// (Loshchilov and Hutter, 2019).
open class AdamW: Adam {
    /// How strongly parameters are drawn towards zero; 0 for not at all.
    public var weightDecay: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - betas: how much of the running means is kept, (β1, β2).
    ///   - eps: what is added to a divisor.
    ///   - weightDecay: the part of the parameter that is taken away, times the learning rate.
    ///   - biasCorrection: whether the means are divided by 1 - β^t.
    public init(
        learningRate: Float, betas: (Float, Float) = (0.9, 0.999), eps: Float = 1e-8,
        weightDecay: Float = 0.01, biasCorrection: Bool = false
    ) {
        self.weightDecay = weightDecay
        super.init(
            learningRate: learningRate, betas: betas, eps: eps, biasCorrection: biasCorrection)
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: AdamState
    ) -> (MLXArray, AdamState) {
        super.applySingle(
            gradient: gradient, parameter: parameter * (1 - learningRate * weightDecay),
            state: state)
    }
}

/// Adam with the largest gradient in place of the square: v = max(β2 v, |g|)
open class Adamax: OptimizerBase<TupleState> {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running means is kept with each step, in 0..<1: β1 of the gradient, β2 of
    /// its size.
    public var betas: (Float, Float)
    /// What is added to a divisor, so that it is never zero.
    public var eps: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - betas: how much of the running means is kept, (β1, β2).
    ///   - eps: what is added to a divisor.
    public init(learningRate: Float, betas: (Float, Float) = (0.9, 0.999), eps: Float = 1e-8) {
        self.learningRate = learningRate
        self.betas = betas
        self.eps = eps
    }

    open override func newState(parameter: MLXArray) -> TupleState {
        TupleState(zeros: parameter)
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: TupleState
    ) -> (MLXArray, TupleState) {
        let m = betas.0 * state.first + (1 - betas.0) * gradient
        let v = maximum(betas.1 * state.second, abs(gradient))
        return (parameter - learningRate * m / (v + eps), TupleState(m, v))
    }
}
