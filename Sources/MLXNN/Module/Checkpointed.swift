import MLX

// Gradient checkpointing of layers: what a layer computes inside is not kept for the derivative but
// computed again when the derivative comes to it. Memory then grows with the number of layers, not
// with what is in them, for one more forward pass. (Chen, Xu, Zhang, Guestrin, "Training Deep Nets
// with Sublinear Memory Cost", 2016.) What is drawn at random is drawn again the same.

/// A function of arrays that calls a module, with gradient checkpointing.
///
/// ```swift
/// let attend = checkpoint(attention) { attention, x in
///     [attention(x[0], keys: x[0], values: x[0])]
/// }
/// let y = attend([x])[0]
/// ```
/// - Parameters:
///   - module: whose parameters `f` uses.
///   - f: from the module and the arguments. It reaches no other module and no array that is
///     differentiated otherwise.
public func checkpoint<M: Module>(
    _ module: M, _ f: @escaping (M, [MLXArray]) -> [MLXArray]
) -> ([MLXArray]) -> [MLXArray] {
    { inputs in
        let parameters = module.trainableParameters()
        let values = parameters.flattenedValues().map { $0.aliased() }
        let random = MLXRandom.RandomState(resuming: MLXRandom.taskState)
        var isRecomputed = false
        let function: ([MLXArray]) -> [MLXArray] = { arguments in
            let arrays = Array(arguments.prefix(inputs.count))
            guard isRecomputed else {
                isRecomputed = true
                return f(module, arrays)
            }
            // The module's arrays have other values by now; running statistics are written once.
            let present = module.innerState().map { ($0, $0.aliased()) }
            defer { for (array, value) in present { array._updateInternal(value) } }
            module.update(
                parameters: parameters.replacingValues(
                    with: Array(arguments.dropFirst(inputs.count))))
            return withRandomState(MLXRandom.RandomState(resuming: random)) {
                f(module, arrays)
            }
        }
        return MLX.checkpoint(function)(inputs + values)
    }
}

extension UnaryLayer {
    /// Applies the layer with gradient checkpointing: the same result and gradients as calling it,
    /// in less memory and more time.
    ///
    /// ```swift
    /// for block in blocks { x = block.checkpointed(x) }
    /// ```
    public func checkpointed(_ x: MLXArray) -> MLXArray {
        let call = checkpoint(self) { [$0($1[0])] }
        return call([x])[0]
    }
}
