import FoundationEssentials
import MLXBase
import MLXGraph
import MLXTransforms

// Functions that are recorded once and replayed.

/// Compiles a function: it is recorded once for each list of shapes and dtypes of its arguments,
/// and later calls replay the recording without running the function's own code.
///
/// Plain lazy code is fused and planned in the same way, so compiling saves the time of the code
/// that records, not of the code that computes. What the function does besides recording arrays
/// happens while it is recorded only. Arrays that it reaches without being given them are constants
/// of the recording, unless they are listed.
/// ```swift
/// let step = compile(inputs: [model, optimizer], outputs: [model, optimizer]) { x, y in
///     let (loss, gradients) = lossAndGradient(model, x, y)
///     optimizer.update(model: model, gradients: gradients)
///     return loss
/// }
/// ```
/// - Parameters:
///   - inputs: state that the function reads (a model, an optimizer, a random state), read anew
///     at each call.
///   - outputs: state that the function changes.
///   - shapeless: replay for other shapes of the same ranks and dtypes, if each operation can tell
///     its result's shape anew and the function looks at no shape; else the function is recorded
///     for each shape, as without.
/// - Returns: a function with the same results.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping ([MLXArray]) -> [MLXArray]
) -> @Sendable ([MLXArray]) -> [MLXArray] {
    let function = CompiledFunction(
        f, inputs: inputs, outputs: outputs, isShapeless: shapeless)
    return { function.call($0) }
}

/// Compiles a function of one array. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray) -> MLXArray
) -> @Sendable (MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) { [f($0[0])] }
    return { compiled([$0])[0] }
}

/// Compiles a function of two arrays. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @escaping (MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1])]
    }
    return { compiled([$0, $1])[0] }
}

/// Compiles a function of three arrays. See
/// the form that takes and returns `[MLXArray]`.
public func compile(
    inputs: [any Updatable] = [], outputs: [any Updatable] = [], shapeless: Bool = false,
    _ f: @Sendable @escaping (MLXArray, MLXArray, MLXArray) -> MLXArray
) -> @Sendable (MLXArray, MLXArray, MLXArray) -> MLXArray {
    let compiled = compile(inputs: inputs, outputs: outputs, shapeless: shapeless) {
        [f($0[0], $0[1], $0[2])]
    }
    return { compiled([$0, $1, $2])[0] }
}

/// Switches compilation on or off for the process; off, compiled functions run their own code.
/// The environment variable `MLX_DISABLE_COMPILE` switches it off from the start.
public func compile(enable: Bool = true) {
    CompiledFunction.isEnabled.withLock { $0 = enable }
}

/// A function, the state it uses, and its recordings. No lock is held while the function runs, so
/// compiled functions may call each other, themselves, and whatever waits for another thread.
/// Where there is state, one call after the other has it, because its arrays stand for others while
/// the function is recorded.
private final class CompiledFunction: @unchecked Sendable {
    // SAFETY: the closure and the state are the user's, who says by compiling that it may be
    // called from any thread; state is touched by one thread at a time, that which has the lease.
    private let f: ([MLXArray]) -> [MLXArray]
    private let inputs: [any Updatable]
    private let outputs: [any Updatable]
    private let compiled: Compiled
    private let lease = StateLease()

    /// How long one call may keep the state before another one goes on without its recording: a
    /// recording takes milliseconds, so whoever waits longer waits for itself in a circle.
    private static let patienceSeconds = 60

    static let isEnabled = Locked(
        ProcessInfo.processInfo.environment["MLX_DISABLE_COMPILE"] == nil)

    init(
        _ f: @escaping ([MLXArray]) -> [MLXArray], inputs: [any Updatable],
        outputs: [any Updatable], isShapeless: Bool
    ) {
        self.f = f
        self.inputs = inputs
        self.outputs = outputs
        compiled = Compiled(isShapeless: isShapeless)
    }

    func call(_ arguments: [MLXArray]) -> [MLXArray] {
        guard CompiledFunction.isEnabled.withLock({ $0 }) else { return f(arguments) }
        if inputs.isEmpty && outputs.isEmpty { return replayed(arguments) }
        guard lease.take(waiting: CompiledFunction.patienceSeconds) else {
            Runtime.warn(
                "a compiled function waited \(CompiledFunction.patienceSeconds) s for a call of it"
                    + " on another thread, and runs uncompiled")
            return f(arguments)
        }
        defer { lease.end() }
        return replayed(arguments)
    }

    private func replayed(_ arguments: [MLXArray]) -> [MLXArray] {
        let state = inputs.flatMap { $0.innerState() }
        // The state's array objects get new nodes below: the call takes the present ones.
        let all = arguments + state.map { $0.aliased() }
        let held = outputs.flatMap { $0.innerState() }
        if let outcome = compiled.replay(all, stateCount: held.count) {
            for (array, result) in zip(held, outcome.state) { array.replace(with: result) }
            return outcome.results
        }
        return record(all, argumentCount: arguments.count, state)
    }

    /// Runs the function on placeholders, which the state's arrays stand for meanwhile.
    private func record(
        _ all: [MLXArray], argumentCount: Int, _ state: [MLXArray]
    ) -> [MLXArray] {
        var changed: [MLXArray] = []
        let outcome = compiled.record(all) { placeholders in
            for (array, placeholder) in zip(state, placeholders.dropFirst(argumentCount)) {
                array.replace(with: placeholder)
            }
            let results = f(Array(placeholders.prefix(argumentCount)))
            changed = outputs.flatMap { $0.innerState() }
            return (results, changed.map { $0.aliased() })
        }
        // What the function only read gets its values back.
        for (array, value) in zip(state, all.dropFirst(argumentCount)) {
            array.replace(with: value)
        }
        for (array, result) in zip(changed, outcome.state) { array.replace(with: result) }
        return outcome.results
    }
}
