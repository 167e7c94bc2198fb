import MLX

/// Adam without its memory: for matrices the running squares are kept as row and column means
/// only (Shazeer and Stern, 2018). Steps are relative to the size of the parameter by default.
open class Adafactor: OptimizerBase<Adafactor.State> {
    /// The size of a step when it is not relative.
    public var learningRate: Float?
    /// Added to squared gradients, and the least size that a parameter counts with.
    public var eps: (Float, Float)
    /// The largest root mean square of a step, before the learning rate.
    public var clipThreshold: Float
    /// Running squares forget with 1 - t^decayRate.
    public var decayRate: Float
    /// The weight of the running mean of steps; nil for none.
    public var beta1: Float?
    /// The part of the parameter that is taken away, times the step size; 0 for none.
    public var weightDecay: Float
    /// Whether steps are scaled by the size of the parameter.
    public var scaleParameter = true
    /// Whether the size of a step follows from the number of steps.
    public var relativeStep = true
    /// Whether relative steps begin small.
    public var warmupInit = false

    /// What is kept for a parameter: the number of steps, running squares, and the running mean of
    /// steps if `beta1` is set.
    public struct State: Updatable {
        let step: MLXArray
        /// Row and column means for matrices, else one array of running squares.
        let squares: [MLXArray]
        let mean: MLXArray?

        public func innerState() -> [MLXArray] { [step] + squares + (mean.map { [$0] } ?? []) }
    }

    /// - Parameters:
    ///   - learningRate: the size of a step; nil for relative steps, min(10⁻², 1/√t).
    ///   - eps: added to squared gradients, and the least size that a parameter counts with.
    ///   - clipThreshold: the largest root mean square of a step, before the learning rate.
    ///   - decayRate: running squares forget with 1 - t^decayRate.
    ///   - beta1: the weight of the running mean of steps; nil for none.
    ///   - weightDecay: the part of the parameter that is taken away, times the step size.
    ///   - scaleParameter: whether steps are scaled by the size of the parameter.
    ///   - relativeStep: whether the size of a step follows from the number of steps.
    ///   - warmupInit: whether relative steps begin small.
    public init(
        learningRate: Float? = nil, eps: (Float, Float) = (1e-30, 1e-3),
        clipThreshold: Float = 1, decayRate: Float = -0.8, beta1: Float? = nil,
        weightDecay: Float = 0, scaleParameter: Bool = true, relativeStep: Bool = true,
        warmupInit: Bool = false
    ) {
        self.learningRate = learningRate
        self.eps = eps
        self.clipThreshold = clipThreshold
        self.decayRate = decayRate
        self.beta1 = beta1
        self.weightDecay = weightDecay
        self.scaleParameter = scaleParameter
        self.relativeStep = relativeStep
        self.warmupInit = warmupInit
    }

    open override func newState(parameter: MLXArray) -> State {
        let (shape, type) = (parameter.shape, parameter.dtype)
        let squares =
            shape.count >= 2
            ? [
                zeros(Array(shape.dropLast()), dtype: type),
                zeros(shape.dropLast(2) + [shape[shape.count - 1]], dtype: type),
            ] : [MLXArray.storedZeros(like: parameter)]
        return State(
            step: MLXArray(0 as Float), squares: squares,
            mean: beta1 == nil ? nil : MLXArray.storedZeros(like: parameter))
    }

    open override func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: State
    ) -> (MLXArray, State) {
        let step = state.step + 1
        let beta2 = (1 - pow(step, decayRate)).asType(parameter.dtype)
        let rate = stepSize(step, parameter)
        let squared = square(gradient) + eps.0
        let means =
            state.squares.count == 2
            ? [mean(squared, axis: -1), mean(squared, axis: -2)] : [squared]
        let squares = zip(state.squares, means).map { beta2 * $0 + (1 - beta2) * $1 }
        var update = gradient * inverseRoot(squares)
        update = rate * (update / maximum(1, rootMeanSquare(update) / clipThreshold))
        var average: MLXArray?
        if let beta1, let mean = state.mean {
            update = beta1 * mean + (1 - beta1) * update
            average = update
        }
        let decayed =
            weightDecay == 0 ? parameter : parameter - (weightDecay * rate) * parameter
        return (decayed - update, State(step: step, squares: squares, mean: average))
    }

    private func rootMeanSquare(_ x: MLXArray) -> MLXArray { sqrt(mean(square(x))) }

    /// 1 over the root of the running squares; of a matrix, from its rank-one approximation.
    private func inverseRoot(_ squares: [MLXArray]) -> MLXArray {
        guard squares.count == 2 else { return rsqrt(squares[0]) }
        let rows = rsqrt(squares[0] / mean(squares[0], axis: -1, keepDims: true))
        let columns = rsqrt(squares[1])
        return expandedDimensions(rows, axis: -1) * expandedDimensions(columns, axis: -2)
    }

    private func stepSize(_ step: MLXArray, _ parameter: MLXArray) -> MLXArray {
        var rate: MLXArray
        if relativeStep {
            rate = minimum(warmupInit ? 1e-6 * step : MLXArray(1e-2 as Float), rsqrt(step))
        } else {
            rate = MLXArray(learningRate ?? 1e-2)
        }
        rate = rate.asType(parameter.dtype)
        return scaleParameter ? rate * maximum(eps.1, rootMeanSquare(parameter)) : rate
    }
}
