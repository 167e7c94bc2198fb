import MLXBase
import MLXGraph
import MLXOps
import MLXRuntime

/// Something that holds arrays which can be evaluated: a model, an optimizer, a random state.
public protocol Evaluatable {
    /// The arrays.
    func innerState() -> [MLXArray]
}

/// Something whose arrays can be replaced, as `compile` needs it.
public protocol Updatable: Evaluatable {}

extension MLXArray: Updatable, Evaluatable {
    public func innerState() -> [MLXArray] { [self] }
}

// MARK: - Async

/// Computes arrays: the task suspends until all of them have their values.
///
/// Takes what mlx-swift's `eval` takes: arrays, models, optimizers, and tuples, arrays and
/// dictionaries of these. Cancelling the task stops the computation between two steps.
/// ```swift
/// try await evaluate(loss, model, optimizer)
/// ```
/// - Throws: `ArrayError` when an array depends on an operation that failed, or fails now;
///   `CancellationError`.
public nonisolated(nonsending) func evaluate(
    _ values: Any..., file: StaticString = #fileID, line: UInt = #line
) async throws {
    try await evaluate(policy: nil, values, file: file, line: line)
}

/// Computes arrays: the task suspends until all of them have their values.
///
/// Cancelling the task stops the computation between two steps.
/// - Throws: `ArrayError` when an array depends on an operation that failed, or fails now;
///   `CancellationError`.
public nonisolated(nonsending) func evaluate(
    _ arrays: MLXArray..., file: StaticString = #fileID, line: UInt = #line
) async throws {
    try await evaluate(request(arrays), file, line)
}

/// Computes arrays under a scheduling policy of its own; nil for the task's.
/// ```swift
/// try await evaluate(policy: RoundRobinPolicy(), x, y)
/// ```
/// - Throws: what `evaluate` without a policy throws.
public nonisolated(nonsending) func evaluate(
    policy: (any SchedulingPolicy)?, _ values: Any..., file: StaticString = #fileID,
    line: UInt = #line
) async throws {
    var arrays: [MLXArray] = []
    for value in values { try collectArrays(value, into: &arrays) }
    try await evaluate(request(arrays, policy), file, line)
}

private nonisolated(nonsending) func evaluate(
    _ request: Scheduler.Request, _ file: StaticString, _ line: UInt
) async throws {
    do {
        try await Runtime.engine.evaluate(request)
    } catch var error as ArrayError {
        error.evaluationSite = CallSite(file: file, line: line)
        throw error
    }
}

extension MLXArray {
    /// The value of an array with one element, of any rank; the task suspends until it is computed.
    /// ```swift
    /// let loss = try await mean(x).value(Float.self)
    /// ```
    /// - Throws: what `evaluate` throws, and `ArrayError` of kind `shape` for another number of
    ///   elements.
    public nonisolated(nonsending) func value<T: HasDType>(
        _ type: T.Type, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> T {
        // An invalid array has no size to complain about; reading it throws what is wrong.
        guard size == 1 || NodeReference(self).isPoisoned else {
            throw ArrayError(
                .shape, "value", "needs an array with one element, not \(size)", shapes: [shape])
        }
        return try await values(type, file: file, line: line)[0]
    }

    /// The elements in row-major order, converted if the dtype differs; the task suspends until
    /// they are computed.
    /// ```swift
    /// let probabilities = try await softmax(x, axis: -1).values(Float.self)
    /// ```
    /// - Throws: what `evaluate` throws.
    public nonisolated(nonsending) func values<T: HasDType>(
        _ type: T.Type, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> [T] {
        let source = readable(as: T.dtype)
        try await evaluate(source, file: file, line: line)
        return source.elements(type)
    }
}

// MARK: - Blocking

/// Computes arrays on the calling thread. An error ends the process outside `withError`; in
/// asynchronous code there is ``evaluate(_:file:line:)-(Any...,_,_)``.
/// ```swift
/// eval(x, y)
/// ```
public func eval(_ arrays: MLXArray...) { blockingEvaluate(arrays) }

/// Computes arrays on the calling thread.
public func eval(_ arrays: some Collection<MLXArray>) { blockingEvaluate(Array(arrays)) }

/// Computes every array in the values: arrays, models, optimizers, nested containers.
public func eval(_ values: Any...) { evaluateReporting(values) }

/// Computes every array in the values.
public func eval(_ values: some Sequence<Any>) { evaluateReporting(values) }

private func evaluateReporting(_ values: some Sequence<Any>) {
    do {
        try evaluateChecked(values)
    } catch {
        BlockingFailure.report(error)
    }
}

/// Computes arrays on the calling thread.
/// - Throws: what `evaluate` throws.
public func checkedEval(_ arrays: some Collection<MLXArray>) throws {
    try Runtime.engine.evaluateBlocking(request(Array(arrays)))
}

/// Computes arrays on the calling thread until somebody does not want them any more.
/// - Parameter isUnwanted: asked between steps, fifty times a second at most, on this thread.
/// - Throws: what `evaluate` throws; `CancellationError` when the arrays were unwanted.
package func checkedEval(
    _ arrays: some Collection<MLXArray>, isUnwanted: @escaping () -> Bool
) throws {
    try Runtime.engine.evaluateBlocking(request(Array(arrays)), isUnwanted: isUnwanted)
}

/// Computes every array in the values.
/// - Throws: what `evaluate` throws.
public func checkedEval(_ values: Any...) throws { try evaluateChecked(values) }

/// Computes every array in the values.
/// - Throws: what `evaluate` throws.
public func checkedEval(_ values: some Sequence<Any>) throws { try evaluateChecked(values) }

private func evaluateChecked(_ values: some Sequence<Any>) throws {
    var arrays: [MLXArray] = []
    for value in values { try collectArrays(value, into: &arrays) }
    try Runtime.engine.evaluateBlocking(request(arrays))
}

/// Starts computing and returns; reading a value waits for it.
public func asyncEval(_ arrays: some Collection<MLXArray>) {
    Runtime.engine.evaluateInBackground(request(Array(arrays)))
}

/// Starts computing and returns; reading a value waits for it.
public func asyncEval(_ values: Any...) { startEvaluating(values) }

/// Starts computing and returns; reading a value waits for it.
public func asyncEval(_ values: some Sequence<Any>) { startEvaluating(values) }

private func startEvaluating(_ values: some Sequence<Any>) {
    var arrays: [MLXArray] = []
    do {
        for value in values { try collectArrays(value, into: &arrays) }
    } catch {
        BlockingFailure.report(error)
    }
    asyncEval(arrays)
}

/// - Returns: whether the arrays have values now; the error has been reported otherwise.
@discardableResult func blockingEvaluate(_ arrays: [MLXArray]) -> Bool {
    do {
        try Runtime.engine.evaluateBlocking(request(arrays))
        return true
    } catch {
        BlockingFailure.report(error)
        return false
    }
}

// MARK: - Policies

/// Runs `body` with a scheduling policy for the evaluations in it.
public func withPolicy<R>(
    _ policy: any SchedulingPolicy, _ body: () throws -> R
) rethrows -> R {
    try Defaults.with({ $0.policy = policy }, body)
}

/// Runs `body` with a scheduling policy for the evaluations in it.
public nonisolated(nonsending) func withPolicy<R>(
    _ policy: any SchedulingPolicy, _ body: () async throws -> R
) async rethrows -> R {
    try await Defaults.with({ $0.policy = policy }, body)
}

/// A request with what the task has set: one look at its defaults.
private func request(
    _ arrays: [MLXArray], _ policy: (any SchedulingPolicy)? = nil
) -> Scheduler.Request {
    guard Defaults.current != nil else { return .init(roots: arrays, policy: policy) }
    return .init(
        roots: arrays,
        policy: policy ?? Defaults.current?.value.policy as? any SchedulingPolicy,
        priority: Defaults.evaluationPriority)
}

/// What evaluating the values would do: each step, its device, shapes and expected cost, and what
/// it waits for.
/// - Throws: when the values contain invalid arrays.
public func explain(_ values: Any...) throws -> String {
    var arrays: [MLXArray] = []
    for value in values { try collectArrays(value, into: &arrays) }
    return try Runtime.engine.explain(request(arrays))
}

// MARK: - Collecting

/// Finds the arrays in a value; numbers and strings have none.
/// - Throws: when the value is of a kind that cannot hold arrays.
func collectArrays(_ value: Any, into arrays: inout [MLXArray]) throws {
    // Told by type: a cast that fails tries every bridging there is, element by element.
    if type(of: value) == [MLXArray].self, let list = value as? [MLXArray] {
        arrays += list
        return
    }
    switch value {
    case let array as MLXArray: arrays.append(array)
    case let state as any Evaluatable: arrays += state.innerState()
    case let list as [Any]: for item in list { try collectArrays(item, into: &arrays) }
    case let table as [AnyHashable: Any]:
        for item in table.values { try collectArrays(item, into: &arrays) }
    case is any StringProtocol, is any BinaryInteger, is any BinaryFloatingPoint, is Bool: break
    default:
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .tuple, .optional, .collection, .dictionary, .set:
            for child in mirror.children { try collectArrays(child.value, into: &arrays) }
        default:
            throw ArrayError(
                .argument, "eval", "cannot evaluate a value of type \(type(of: value))")
        }
    }
}
