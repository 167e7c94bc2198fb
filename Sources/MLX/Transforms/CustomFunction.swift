import MLXBase
import MLXGraph
import MLXOps

// Functions that bring their own derivatives and their own batching.

/// A part of a ``CustomFunction(_:)``.
public enum MLXCustomFunctionComponent {
    /// The function itself.
    case forward(([MLXArray]) -> [MLXArray])
    /// From arguments and cotangents of the results to cotangents of the arguments.
    case vjp(([MLXArray], [MLXArray]) -> [MLXArray])
    /// From arguments and their tangents to tangents of the results.
    case jvp(([MLXArray], [MLXArray]) -> [MLXArray])
    /// From batched arguments and their batch axes, nil for those without, to batched results and
    /// their batch axes.
    case vmap(([MLXArray], [Int?]) -> ([MLXArray], [Int?]))
}

/// The function itself, as a part of a ``CustomFunction(_:)``.
public func Forward(
    _ f: @escaping ([MLXArray]) -> [MLXArray]
) -> MLXCustomFunctionComponent { .forward(f) }

/// The reverse-mode derivative: from arguments and cotangents of the results to a cotangent for
/// each argument, in its shape.
public func VJP(
    _ f: @escaping ([MLXArray], [MLXArray]) -> [MLXArray]
) -> MLXCustomFunctionComponent { .vjp(f) }

/// The forward-mode derivative: from arguments and their tangents to a tangent for each result.
/// Arguments that do not vary have a tangent of zeros.
public func JVP(
    _ f: @escaping ([MLXArray], [MLXArray]) -> [MLXArray]
) -> MLXCustomFunctionComponent { .jvp(f) }

/// The function of a batch: from arguments and their batch axes (nil for those without) to results
/// and their batch axes.
public func VMap(
    _ f: @escaping ([MLXArray], [Int?]) -> ([MLXArray], [Int?])
) -> MLXCustomFunctionComponent { .vmap(f) }

/// Puts the parts of a ``CustomFunction(_:)`` together.
public enum MLXCustomFunctionBuilder {
    /// Collects the parts in the braces of ``CustomFunction(_:)``.
    @resultBuilder
    public struct Builder {
        /// The function made of its parts. Without a `Forward` it returns invalid arrays.
        public static func buildBlock(
            _ components: MLXCustomFunctionComponent...
        ) -> ([MLXArray]) -> [MLXArray] {
            var parts = CustomParts()
            for component in components { parts.add(component) }
            return parts.function
        }
    }
}

/// A function with derivatives of its own.
///
/// Without a `VJP`, a `JVP` or a `VMap` the transform goes through what `Forward` recorded.
/// ```swift
/// let clipped = CustomFunction {
///     Forward { [clip($0[0], min: -1, max: 1)] }
///     VJP { _, cotangents in cotangents }          // straight through
/// }
/// let y = clipped([x])[0]
/// ```
public func CustomFunction(
    @MLXCustomFunctionBuilder.Builder _ build: () -> ([MLXArray]) -> [MLXArray]
) -> ([MLXArray]) -> [MLXArray] {
    build()
}

private struct CustomParts {
    var forward: (([MLXArray]) -> [MLXArray])?
    var vjp: (([MLXArray], [MLXArray]) -> [MLXArray])?
    var jvp: (([MLXArray], [MLXArray]) -> [MLXArray])?
    var vmap: (([MLXArray], [Int?]) -> ([MLXArray], [Int?]))?

    mutating func add(_ component: MLXCustomFunctionComponent) {
        switch component {
        case .forward(let f): forward = f
        case .vjp(let f): vjp = f
        case .jvp(let f): jvp = f
        case .vmap(let f): vmap = f
        }
    }

    var function: ([MLXArray]) -> [MLXArray] {
        guard let forward else {
            return { arguments in
                [
                    Ops.invalid(
                        ArrayError(.argument, "custom_function", "has no Forward"),
                        inputs: arguments)
                ]
            }
        }
        let (vjp, jvp, vmap) = (vjp, jvp, vmap)
        return { arguments in
            let rules = CustomRules(
                vjp: vjp.map { rule in { primals, cotangents, _ in rule(primals, cotangents) } },
                jvp: jvp.map { rule in
                    { primals, tangents in
                        rule(
                            primals,
                            zip(primals, tangents).map {
                                $1 ?? Ops.full($0.nodeShape, 0, $0.dtype)
                            })
                    }
                },
                vmap: vmap.map { rule in
                    { inputs, axes in
                        let (outputs, outAxes) = rule(inputs, axes)
                        return (outputs: outputs, axes: outAxes)
                    }
                })
            return Ops.custom(rules, outputs: forward(arguments), primals: arguments)
        }
    }
}
