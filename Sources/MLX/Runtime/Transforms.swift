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
        cotangents: { outputs in seeds(Array(cotangents), outputs) })
}

private func seeds(_ cotangents: [MLXArray], _ outputs: [MLXArray]) -> [MLXArray] {
    outputs.enumerated().map { index, output in
        guard index < cotangents.count, cotangents[index].nodeShape == output.nodeShape else {
            let shape = index < cotangents.count ? cotangents[index].shape : []
            return Ops.invalid(
                ArrayError(
                    .shape, "vjp",
                    "Output shape \(Shape.describe(output.shape)) does not match cotangent shape"
                        + " \(Shape.describe(shape)).", shapes: [output.shape, shape]),
                shapeHint: output.nodeShape, dtype: output.dtype)
        }
        return cotangents[index]
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
