import MLXBase
import MLXGraph
import MLXOps
import MLXTransforms

// Functions of one element, applied to all elements of a batch at once.

/// Applies a function of one element along axes of its arguments.
///
/// The function is recorded once, on arrays without the mapped axes, and every operation in it is
/// then recorded for the whole batch. Evaluating an array inside it is an error.
/// ```swift
/// let distances = vmap({ [norm($0[0] - $0[1])] }, inAxes: [0, nil])([points, origin])
/// ```
/// - Parameters:
///   - inAxes: the mapped axis of each argument, which may count from the end; nil passes the
///     argument whole. A list of one serves all arguments. The mapped axes have one length.
///   - outAxes: where the batch axis of each output goes; nil for an output that no mapped
///     argument reaches.
/// - Returns: a function of batches.
public func vmap(
    _ f: @escaping ([MLXArray]) -> [MLXArray], inAxes: some Sequence<Int?> = [0],
    outAxes: some Sequence<Int?> = [0]
) -> ([MLXArray]) -> [MLXArray] {
    let (ins, outs) = (Array(inAxes), Array(outAxes))
    return { arguments in
        do throws(ArrayError) {
            let axes = try mappedAxes(arguments, ins)
            return Batching.vmap(f, arguments: arguments, inAxes: axes) { output, rank in
                outAxis(outs, output, rank: rank)
            }
        } catch {
            // How many outputs there would be is not known without running the function.
            return f(arguments).map { _ in Ops.invalid(error) }
        }
    }
}

/// Applies a function of one element along an axis of its argument.
/// ```swift
/// let sums = vmap { $0.sum() }(matrix)     // one for each row
/// ```
public func vmap(
    _ f: @escaping (MLXArray) -> MLXArray, inAxes: Int? = 0, outAxes: Int? = 0
) -> (MLXArray) -> MLXArray {
    let mapped = vmap({ [f($0[0])] }, inAxes: [inAxes], outAxes: [outAxes])
    return { mapped([$0])[0] }
}

/// Applies a function of two elements along an axis of each argument.
/// ```swift
/// let products = vmap({ matmul($0, $1) }, inAxes: (0, nil))(matrices, vector)
/// ```
public func vmap(
    _ f: @escaping (MLXArray, MLXArray) -> MLXArray, inAxes: (Int?, Int?) = (0, 0),
    outAxes: Int? = 0
) -> (MLXArray, MLXArray) -> MLXArray {
    let mapped = vmap(
        { [f($0[0], $0[1])] }, inAxes: [inAxes.0, inAxes.1], outAxes: [outAxes])
    return { mapped([$0, $1])[0] }
}

private func outAxis(
    _ axes: [Int?], _ output: Int, rank: Int
) -> Result<Int?, ArrayError> {
    Result { () throws(ArrayError) -> Int? in
        guard axes.count == 1 || output < axes.count else {
            throw ArrayError(
                .argument, "vmap", "output \(output) has no out axis, there are \(axes.count)")
        }
        guard let axis = axes.count == 1 ? axes[0] : axes[output] else { return nil }
        return try Axes.normalize(axis, rank: rank, operation: "vmap")
    }
}

/// The mapped axis of each argument, counted from the front.
private func mappedAxes(
    _ arguments: [MLXArray], _ axes: [Int?]
) throws(ArrayError) -> [Int?] {
    guard axes.count == arguments.count || axes.count == 1 else {
        throw ArrayError(
            .argument, "vmap", "\(axes.count) in axes for \(arguments.count) arguments")
    }
    var result: [Int?] = []
    var size: Int?
    for (number, argument) in arguments.enumerated() {
        guard let axis = axes.count == 1 ? axes[0] : axes[number] else {
            result.append(nil)
            continue
        }
        let shape = argument.nodeShape
        let normal = try Axes.normalize(axis, rank: shape.ndim, operation: "vmap")
        if let size, shape[normal] != size {
            throw ArrayError(
                .shape, "vmap",
                "argument \(number) has \(shape[normal]) elements along its mapped axis, others"
                    + " have \(size)", shapes: arguments.map(\.shape))
        }
        size = shape[normal]
        result.append(normal)
    }
    guard size != nil else {
        throw ArrayError(.argument, "vmap", "at least one argument must be mapped")
    }
    return result
}

/// Maps a function over a batch, as `vmap` does, for callers who know the axes of the outputs only
/// when the function has been called.
/// - Parameter outAxes: the axis of an output by its number; nil if it has none.
/// - Throws: when the axes do not fit the arguments.
package func vmapped(
    _ f: ([MLXArray]) -> [MLXArray], _ arguments: [MLXArray], inAxes: [Int?],
    outAxes: (Int) -> Int?
) throws(ArrayError) -> [MLXArray] {
    let axes = try mappedAxes(arguments, inAxes)
    return Batching.vmap(f, arguments: arguments, inAxes: axes) { output, rank in
        Result { () throws(ArrayError) -> Int? in
            guard let axis = outAxes(output) else { return nil }
            return try Axes.normalize(axis, rank: rank, operation: "vmap")
        }
    }
}
