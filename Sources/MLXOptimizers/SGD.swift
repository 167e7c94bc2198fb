import MLX

/// Optimizers whose step is the gradient itself, or a running sum of gradients.

/// Stochastic gradient descent, with momentum and Nesterov's variant.
/// g += weightDecay θ; v = momentum v + (1 - dampening) g; θ -= learningRate v
///
/// ```swift
/// let optimizer = SGD(learningRate: 0.1, momentum: 0.9)
/// optimizer.update(model: model, gradients: gradients)
/// try await evaluate(model, optimizer)
/// ```
open class SGD: OptimizerBaseArrayState {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running sum is kept with each step; 0 for none.
    public var momentum: Float
    /// How strongly parameters are drawn towards zero; 0 for not at all.
    public var weightDecay: Float
    /// How much of a gradient is left out of the running sum.
    public var dampening: Float
    /// Whether a step looks ahead: g + momentum v in place of v.
    public var nesterov = false

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - momentum: how much of the running sum of gradients is kept.
    ///   - weightDecay: the multiple of the parameter that is added to its gradient.
    ///   - dampening: how much of a gradient is left out of the running sum.
    ///   - nesterov: whether a step looks ahead.
    public init(
        learningRate: Float, momentum: Float = 0, weightDecay: Float = 0, dampening: Float = 0,
        nesterov: Bool = false
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.dampening = dampening
        self.nesterov = nesterov
    }

    /// Without momentum nothing is kept; a number stands for an array of zeros.
    open override func newState(parameter: MLXArray) -> MLXArray {
        momentum > 0 ? MLXArray.storedZeros(like: parameter) : MLXArray(0, dtype: parameter.dtype)
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: MLXArray
    ) -> (MLXArray, MLXArray) {
        let gradient = weightDecay == 0 ? gradient : gradient + weightDecay * parameter
        guard momentum > 0 else { return (parameter - learningRate * gradient, state) }
        let velocity =
            momentum * state + (dampening > 0 ? (1 - dampening) * gradient : gradient)
        let update = nesterov ? gradient + momentum * velocity : velocity
        return (parameter - learningRate * update, velocity)
    }
}

/// Steps of the sign of an interpolated momentum (Chen et al., 2023).
///
/// c = β1 m + (1 - β1) g; m = β2 m + (1 - β2) g; θ -= learningRate (sign(c) + weightDecay θ)
open class Lion: OptimizerBaseArrayState {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running means is kept with each step, in 0..<1: β1 of the gradient, β2 of
    /// its size.
    public var betas: (Float, Float)
    /// How strongly parameters are drawn towards zero; 0 for not at all.
    public var weightDecay: Float

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - betas: how much of the running means is kept, (β1, β2).
    ///   - weightDecay: the part of the parameter that is taken away, times the learning rate.
    public init(
        learningRate: Float, betas: (Float, Float) = (0.9, 0.999), weightDecay: Float = 0.0
    ) {
        self.learningRate = learningRate
        self.betas = betas
        self.weightDecay = weightDecay
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: MLXArray
    ) -> (MLXArray, MLXArray) {
        let direction = betas.0 * state + (1 - betas.0) * gradient
        let momentum = betas.1 * state + (1 - betas.1) * gradient
        let decayed =
            weightDecay > 0 ? parameter * (1 - learningRate * weightDecay) : parameter
        return (decayed - learningRate * sign(direction), momentum)
    }
}

/// Momentum whose steps are made orthogonal matrices, nearly (Jordan et al., 2024).
open class Muon: OptimizerBaseArrayState {
    /// The size of a step. It may be changed at any time, without a new plan.
    public var learningRate: Float
    /// How much of the running mean is kept with each step.
    public var momentum: Float
    /// How strongly parameters are drawn towards zero; 0 for not at all.
    public var weightDecay: Float
    /// Whether a step looks ahead: (1 - momentum) g + momentum v in place of v.
    public var nesterov = true
    /// How many Newton-Schulz steps are made.
    public var nsSteps: Int

    /// - Parameters:
    ///   - learningRate: the size of a step.
    ///   - momentum: how much of the running mean of gradients is kept.
    ///   - weightDecay: the multiple of the parameter that is added to its gradient.
    ///   - nesterov: whether a step looks ahead.
    ///   - nsSteps: how many Newton-Schulz steps make it orthogonal.
    public init(
        learningRate: Float, momentum: Float = 0.95, weightDecay: Float = 0.01,
        nesterov: Bool = true, nsSteps: Int = 5
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
        self.nsSteps = nsSteps
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: MLXArray
    ) -> (MLXArray, MLXArray) {
        let gradient = weightDecay == 0 ? gradient : gradient + weightDecay * parameter
        let velocity = momentum * state + (1 - momentum) * gradient
        var update = nesterov ? (1 - momentum) * gradient + momentum * velocity : velocity
        var rate = learningRate
        if update.ndim >= 2 {
            let shape = update.shape
            let flat = update.reshaped([shape[0], -1])
            update = orthogonalized(flat).reshaped(shape)
            let aspect = Float(shape[shape.count - 2]) / Float(max(shape[shape.count - 1], 1))
            rate *= max(1, aspect).squareRoot()
        }
        return (parameter - rate * update, velocity)
    }

    /// The odd polynomial a x + b x³ + c x⁵ of the singular values, which it drives towards 1.
    private func orthogonalized(_ matrix: MLXArray) -> MLXArray {
        let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
        let isTall = matrix.dim(0) > matrix.dim(1)
        var x = isTall ? matrix.T : matrix
        x = x / (sqrt(sum(square(x))) + 1e-7)
        for _ in 0..<max(nsSteps, 0) {
            let gram = matmul(x, x.T)
            let polynomial = b * gram + c * matmul(gram, gram)
            x = a * x + matmul(polynomial, x)
        }
        return isTall ? x.T : x
    }
}
