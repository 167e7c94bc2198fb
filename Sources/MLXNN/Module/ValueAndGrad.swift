import MLX

// Gradients by the trainable parameters of a model. While the function runs, the model's arrays
// stand for the variables of the trace; afterwards they have their values again, so no trace
// outlives the call. (With mlx-swift they keep the variables until the optimizer writes them.)

/// A function that returns `f`'s outputs and the gradients of the first of them by the model's
/// trainable parameters.
/// - Parameters:
///   - model: only says which type of model the function takes.
///   - f: from the model and its arguments, which may be of any type.
public func valueAndGrad<Model: Module, Arguments>(
    model: Model, _ f: @escaping (Model, Arguments) -> [MLXArray]
) -> (Model, Arguments) -> ([MLXArray], ModuleParameters) {
    { differentiate(f, $0, $1) }
}

/// A function that returns `f`'s outputs and the gradients of the first of them by the model's
/// trainable parameters.
public func valueAndGrad<Model: Module>(
    model: Model, _ f: @escaping (Model, [MLXArray]) -> [MLXArray]
) -> (Model, [MLXArray]) -> ([MLXArray], ModuleParameters) {
    { differentiate(f, $0, $1) }
}

/// A function that returns `f`'s result, a loss, and its gradients by the model's trainable
/// parameters.
///
/// ```swift
/// let lossAndGrad = valueAndGrad(model: model) { model, x, y in
///     mseLoss(predictions: model(x), targets: y)
/// }
/// let (loss, gradients) = lossAndGrad(model, x, y)
/// optimizer.update(model: model, gradients: gradients)
/// ```
public func valueAndGrad<Model: Module>(
    model: Model, _ f: @escaping (Model, MLXArray, MLXArray) -> MLXArray
) -> (Model, MLXArray, MLXArray) -> (MLXArray, ModuleParameters) {
    { model, x, y in
        let (values, gradients) = differentiate(
            { [f($0, $1.0, $1.1)] }, model, (x, y))
        return (values[0], gradients)
    }
}

private func differentiate<Model: Module, Arguments>(
    _ f: (Model, Arguments) -> [MLXArray], _ model: Model, _ arguments: Arguments
) -> ([MLXArray], ModuleParameters) {
    let parameters = model.trainableParameters()
    // Other objects for the same values: the model's arrays are about to stand for variables.
    let originals = parameters.mapValues { $0.aliased() }
    var outputCount = 0
    let (outputs, gradients) = withoutActuallyEscaping(f) { f in
        let differentiated = valueAndGrad { (variables: ModuleParameters, arguments: Arguments) in
            model.update(parameters: variables)
            defer { model.update(parameters: originals) }
            let outputs = f(model, arguments)
            outputCount = outputs.count
            return outputs + writtenState(of: model, apartFrom: parameters)
        }
        return differentiated(originals, arguments)
    }
    return (Array(outputs.prefix(outputCount)), gradients)
}

/// The arrays of a model that are not differentiated. A layer may have written one of them, a
/// running mean say, from traced arrays; as an output it leaves the trace with the others.
private func writtenState(
    of model: Module, apartFrom parameters: ModuleParameters
) -> [MLXArray] {
    let differentiated = Set(parameters.flattenedValues().map(ObjectIdentifier.init))
    return model.parameters().flattenedValues().filter {
        !differentiated.contains(ObjectIdentifier($0))
    }
}
