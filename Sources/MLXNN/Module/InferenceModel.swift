import MLX

// A model that many tasks call at once. Arrays can be used from any task, so what keeps a module
// from being shared is the class around them: its mode, its frozen keys, what reflection cached,
// and arrays that training replaces. A handle owns a module that nobody else has, settles all of
// that once, and from then on only reads it.

/// A frozen model whose calls may run side by side, with one copy of the weights.
///
/// ```swift
/// let handle = try InferenceModel { try MLP(from: url) }
/// await withDiscardingTaskGroup { group in
///     for request in requests { group.addTask { await answer(handle(request)) } }
/// }
/// ```
/// While a model is being trained, a handle can serve its parameters as they are at that moment.
/// The bytes are shared; later steps of the training do not change what the handle computes:
/// ```swift
/// let handle = try InferenceModel(parameters: model.parameters()) { MLP() }
/// ```
/// Calls record graphs, each in its task; values are computed when they are asked for, with
/// `try await evaluate(y)` or `try await y.values()`.
///
/// A layer that changes its own properties when it is called outside training, a cache of keys
/// say, cannot be shared so. The layers of this library do not; give such state as an argument.
public final class InferenceModel<Model: Module>: @unchecked Sendable {
    // SAFETY: the module was made by the handle and is referred to by nothing else, except by a
    // `make` that breaks its promise. The initializer sets its mode and fills its caches; after
    // that it is read only. Bodies get it in `@Sendable` closures and return `Sendable` results,
    // so the reference does not leave a call.
    private let model: Model

    /// A handle of the module that `make` makes.
    /// - Parameters:
    ///   - parameters: what the module's parameters are given; all of them must be there, in the
    ///     module's shapes. nil leaves those that `make` set.
    ///   - make: makes a module and keeps no reference to it.
    /// - Throws: what `make` throws, `WeightsError` if parameters do not fit, or an error of
    ///   computing them.
    public init(
        parameters: ModuleParameters? = nil, _ make: @Sendable () throws -> Model
    ) throws {
        let model = try make()
        if let parameters {
            let values = parameters.flattened().map { ($0.0, $0.1.aliased()) }
            try model.setWeights(Dictionary(values) { first, _ in first }, strict: true)
        }
        model.train(false)
        model.freeze()
        // What is computed once here would otherwise be computed in every call.
        try checkedEval(model.innerState())
        for module in model.modules() { _ = module.items() }
        self.model = model
    }

    /// Runs `body` with the model, which it may call but not change.
    ///
    /// ```swift
    /// let y = handle.read { $0(source: source, target: target) }
    /// ```
    public func read<R: Sendable>(_ body: @Sendable (Model) throws -> R) rethrows -> R {
        try body(model)
    }

    /// How many bytes the weights have, shared by all calls.
    public var byteCount: Int {
        var seen = Set<ObjectIdentifier>()
        return model.parameters().flattenedValues()
            .filter { seen.insert(ObjectIdentifier($0)).inserted }
            .reduce(0) { $0 + $1.nbytes }
    }
}

extension InferenceModel where Model: UnaryLayer {
    /// Calls the model.
    public func callAsFunction(_ x: MLXArray) -> MLXArray { model(x) }
}
