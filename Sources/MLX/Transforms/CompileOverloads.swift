import MLXBase
import MLXGraph

// Compiled functions of more arrays and with more results, in mlx-swift's spellings.

/// Compiles a function of one array with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray) -> (MLXArray, MLXArray)
) -> @Sendable (MLXArray) -> (MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0])
        return [a, b]
    }
    return {
        let results = compiled([$0])
        return (results[0], results[1])
    }
}

/// Compiles a function of one array with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray) -> (MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray) -> (MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0])
        return [a, b, c]
    }
    return {
        let results = compiled([$0])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of one array with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of two arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray) -> (MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray) -> (MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1])
        return (results[0], results[1])
    }
}

/// Compiles a function of two arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of two arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of three arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2])
        return (results[0], results[1])
    }
}

/// Compiles a function of three arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of three arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of four arrays with one result. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2], $0[3])]
    }
    return { compiled([$0, $1, $2, $3])[0] }
}

/// Compiles a function of four arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2], $0[3])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2, $3])
        return (results[0], results[1])
    }
}

/// Compiles a function of four arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2], $0[3])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2, $3])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of four arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray, MLXArray
        )
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2], $0[3])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2, $3])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of five arrays with one result. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2], $0[3], $0[4])]
    }
    return { compiled([$0, $1, $2, $3, $4])[0] }
}

/// Compiles a function of five arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray)
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray) {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2], $0[3], $0[4])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4])
        return (results[0], results[1])
    }
}

/// Compiles a function of five arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray
        )
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2], $0[3], $0[4])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of five arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray, MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2], $0[3], $0[4])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of six arrays with one result. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5])]
    }
    return { compiled([$0, $1, $2, $3, $4, $5])[0] }
}

/// Compiles a function of six arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray
        )
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5])
        return (results[0], results[1])
    }
}

/// Compiles a function of six arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of six arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray, MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of seven arrays with one result. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6])]
    }
    return { compiled([$0, $1, $2, $3, $4, $5, $6])[0] }
}

/// Compiles a function of seven arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6])
        return (results[0], results[1])
    }
}

/// Compiles a function of seven arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of seven arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
            MLXArray, MLXArray, MLXArray, MLXArray
        )
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) -> (
        MLXArray, MLXArray, MLXArray, MLXArray
    )
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6])
        return (results[0], results[1], results[2], results[3])
    }
}

/// Compiles a function of eight arrays with one result. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray)
        -> MLXArray
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) ->
    MLXArray
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $0[7])]
    }
    return { compiled([$0, $1, $2, $3, $4, $5, $6, $7])[0] }
}

/// Compiles a function of eight arrays with two results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray)
        -> (MLXArray, MLXArray)
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) ->
    (MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $0[7])
        return [a, b]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6, $7])
        return (results[0], results[1])
    }
}

/// Compiles a function of eight arrays with three results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray)
        -> (MLXArray, MLXArray, MLXArray)
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) ->
    (MLXArray, MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $0[7])
        return [a, b, c]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6, $7])
        return (results[0], results[1], results[2])
    }
}

/// Compiles a function of eight arrays with four results. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f:
        @escaping (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray)
        -> (MLXArray, MLXArray, MLXArray, MLXArray)
)
    -> @Sendable (MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray, MLXArray) ->
    (MLXArray, MLXArray, MLXArray, MLXArray)
{
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        let (a, b, c, d) = f($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $0[7])
        return [a, b, c, d]
    }
    return {
        let results = compiled([$0, $1, $2, $3, $4, $5, $6, $7])
        return (results[0], results[1], results[2], results[3])
    }
}
