import MLXBase
import MLXGraph
import MLXOps
import MLXTransforms

// Derivatives of functions of arrays. The results are functions; they may be nested.

/// The outputs of a function and the products of its arguments' derivatives with cotangents.
/// - Parameters:
///   - primals: where to evaluate.
///   - cotangents: one for each output, in its shape.
/// - Returns: the outputs, and one array for each primal.
public func vjp(
    _ f: @escaping ([MLXArray]) -> [MLXArray], primals: some Collection<MLXArray>,
    cotangents: some Collection<MLXArray>
) -> ([MLXArray], [MLXArray]) {
    let primals = Array(primals)
    return Gradient.vjp(
        f, primals: primals, wanted: Array(primals.indices),
        cotangents: { fitted(Array(cotangents), to: $0, "vjp", "Output", "cotangent") })
}

/// One of the `given` for each array, invalid where there is none in its shape.
private func fitted(
    _ given: [MLXArray], to arrays: [MLXArray], _ operation: String, _ side: String, _ name: String
) -> [MLXArray] {
    arrays.enumerated().map { index, array in
        guard index < given.count, given[index].nodeShape == array.nodeShape else {
            let shape = index < given.count ? given[index].shape : []
            return Ops.invalid(
                ArrayError(
                    .shape, operation,
                    "\(side) shape \(Shape.describe(array.shape)) does not match \(name) shape"
                        + " \(Shape.describe(shape)).", shapes: [array.shape, shape]),
                shapeHint: array.nodeShape, dtype: array.dtype)
        }
        return given[index]
    }
}

/// The outputs of a function and the gradient of the first one, which must be a scalar, by some
/// arguments.
private func valueAndGradient(
    _ f: ([MLXArray]) throws -> [MLXArray], _ arguments: [MLXArray], _ wanted: [Int]
) rethrows -> (outputs: [MLXArray], gradients: [MLXArray]) {
    try Gradient.vjp(f, primals: arguments, wanted: wanted) { outputs in
        outputs.enumerated().map { index, output -> MLXArray? in
            guard index == 0 else { return nil }
            guard output.size == 1 else {
                return Ops.invalid(
                    ArrayError(
                        .shape, "grad",
                        "Output shape \(Shape.describe(output.shape)) does not match cotangent"
                            + " shape (): the function must return a scalar",
                        shapes: [output.shape]),
                    shapeHint: output.nodeShape, dtype: output.dtype)
            }
            return Ops.full(output.nodeShape, 1, output.dtype)
        }
    }
}

/// A function that returns `f`'s outputs and the gradient of the first of them.
/// - Parameter argumentNumbers: the arguments to differentiate by.
public func valueAndGrad(
    _ f: @escaping ([MLXArray]) -> [MLXArray], argumentNumbers: some Collection<Int> = [0]
) -> ([MLXArray]) -> ([MLXArray], [MLXArray]) {
    let wanted = Array(argumentNumbers)
    return { arguments in valueAndGradient(f, arguments, wanted) }
}

/// A function that returns the gradient of `f`'s first output.
public func grad(
    _ f: @escaping ([MLXArray]) -> [MLXArray], argumentNumbers: some Collection<Int> = [0]
) -> ([MLXArray]) -> [MLXArray] {
    let wanted = Array(argumentNumbers)
    return { arguments in valueAndGradient(f, arguments, wanted).gradients }
}

/// A function that returns the gradient of `f`.
public func grad(
    _ f: @escaping ([MLXArray]) -> MLXArray, argumentNumbers: some Collection<Int> = [0]
) -> ([MLXArray]) -> MLXArray {
    let wanted = Array(argumentNumbers)
    return { arguments in valueAndGradient({ [f($0)] }, arguments, wanted).gradients[0] }
}

/// A function that returns the gradient of `f`'s first output.
public func grad(_ f: @escaping (MLXArray) -> [MLXArray]) -> (MLXArray) -> [MLXArray] {
    { argument in valueAndGradient({ f($0[0]) }, [argument], [0]).gradients }
}

/// A function that returns the gradient of `f`.
public func grad(_ f: @escaping (MLXArray) -> MLXArray) -> (MLXArray) -> MLXArray {
    { argument in valueAndGradient({ [f($0[0])] }, [argument], [0]).gradients[0] }
}

/// The outputs of a function and its derivatives along tangents, in forward mode: one pass over
/// the function, whatever the number of outputs.
/// ```swift
/// let (y, dy) = jvp({ [sin($0[0])] }, primals: [x], tangents: [ones(like: x)])  // dy = cos(x)
/// ```
/// - Parameters:
///   - primals: where to evaluate.
///   - tangents: one for each primal, in its shape.
/// - Returns: the outputs, and a tangent for each of them.
public func jvp(
    _ f: @escaping ([MLXArray]) -> [MLXArray], primals: some Collection<MLXArray>,
    tangents: some Collection<MLXArray>
) -> ([MLXArray], [MLXArray]) {
    let primals = Array(primals)
    let tangents = zip(
        primals, fitted(Array(tangents), to: primals, "jvp", "Input", "tangent")
    ).map { Ops.cast($1, to: $0.dtype) }
    return Tangent.jvp(f, primals: primals, tangents: tangents)
}

/// A function with the same results that keeps nothing between its arguments and its results for
/// the derivative, which records it again. Chen, Xu, Zhang, Guestrin, "Training Deep Nets with
/// Sublinear Memory Cost" (2016).
/// ```swift
/// let block = checkpoint { [layer($0[0])] }
/// ```
/// Parameters of a model that is being differentiated are found although they are not arguments.
public func checkpoint(
    _ f: @escaping ([MLXArray]) -> [MLXArray]
) -> ([MLXArray]) -> [MLXArray] {
    { Checkpoint.apply(f, $0) }
}

/// A function of one array with the same result that keeps nothing in between for the derivative.
public func checkpoint(_ f: @escaping (MLXArray) -> MLXArray) -> (MLXArray) -> MLXArray {
    { Checkpoint.apply({ [f($0[0])] }, [$0])[0] }
}

/// Arrays with the values of `inputs` that are computed after `dependencies` have been.
/// ```swift
/// let later = depends(inputs: [weights], dependencies: [loss])[0]
/// ```
public func depends(inputs: [MLXArray], dependencies: [MLXArray]) -> [MLXArray] {
    Ops.depends(inputs, on: dependencies)
}

/// An array with the value of `input` that is computed after `dependencies` have been.
public func depends(input: MLXArray, dependencies: [MLXArray]) -> MLXArray {
    Ops.depends([input], on: dependencies)[0]
}
