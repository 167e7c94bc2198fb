import MLX
import MLXNN

// What optimizers have in common. A step is an ordinary lazy computation: it reads gradients and
// parameters and leaves new parameters in the model and new state in the optimizer, to be
// evaluated together. Settings enter as numbers, so a schedule changes values, never the graph.

/// Changes the parameters of a model by their gradients.
///
/// ```swift
/// let (loss, gradients) = lossAndGrad(model, x, y)
/// optimizer.update(model: model, gradients: gradients)
/// try await evaluate(loss, model, optimizer)
/// ```
public protocol Optimizer: Updatable, Evaluatable {
    /// Makes one step. Parameters without a gradient stay as they are.
    func update(model: Module, gradients: ModuleParameters)
}

/// An optimizer that treats each parameter by itself, with a state for each.
///
/// A subclass says what a new state is and what one step makes of one parameter. Parameters of
/// float16 and bfloat16 and their gradients come as float32; the new parameter is rounded back.
open class OptimizerBase<State: Updatable>: Optimizer {
    /// By the path of the parameter.
    var states: [String: State] = [:]

    /// An optimizer that has seen no parameters yet.
    public init() {}

    /// The state of a parameter before its first step.
    open func newState(parameter: MLXArray) -> State {
        preconditionFailure("\(type(of: self)) has to override newState(parameter:)")
    }

    /// The states, in the order of the parameters' paths.
    open func innerState() -> [MLXArray] {
        states.sorted { $0.key < $1.key }.flatMap { $0.value.innerState() }
    }

    public func update(model: Module, gradients: ModuleParameters) {
        model.update(
            parameters: apply(gradients: gradients, modelParameters: model.parameters()))
    }

    /// The new parameters, in the structure of the gradients.
    func apply(
        gradients: ModuleParameters, modelParameters: ModuleParameters
    ) -> ModuleParameters {
        let parameters = Dictionary(
            modelParameters.flattened(), uniquingKeysWith: { first, _ in first })
        return gradients.mapValues { (path: String, gradient: MLXArray) -> MLXArray in
            // A gradient for something the model does not have is ignored by its update.
            guard let parameter = parameters[path] else { return gradient }
            let state = states[path] ?? freshState(parameter)
            let (updated, newState) = applySingle(
                gradient: widened(gradient), parameter: widened(parameter), state: state)
            states[path] = newState
            return updated.asType(parameter.dtype)
        }
    }

    /// The state of a parameter that has had no step.
    func freshState(_ parameter: MLXArray) -> State { newState(parameter: widened(parameter)) }

    // NUMERICS: in half precision an eps of 1e-8 is zero, squares of gradients vanish and running
    // means stand still. So steps are computed in float32, where the state stays; only the new
    // parameter is rounded.
    private func widened(_ array: MLXArray) -> MLXArray {
        array.dtype.isFloatingPoint && array.dtype.size < 4 ? array.asType(.float32) : array
    }

    /// One step of one parameter.
    /// - Returns: the new parameter and its new state.
    open func applySingle(
        gradient: MLXArray, parameter: MLXArray, state: State
    ) -> (MLXArray, State) {
        preconditionFailure("\(type(of: self)) has to override applySingle")
    }
}

/// An optimizer whose state is one array for each parameter, zeros at first.
open class OptimizerBaseArrayState: OptimizerBase<MLXArray> {
    open override func newState(parameter: MLXArray) -> MLXArray {
        MLXArray.storedZeros(like: parameter)
    }
}

/// A state of two arrays.
public struct TupleState: Updatable {
    let first: MLXArray
    let second: MLXArray

    init(_ first: MLXArray, _ second: MLXArray) {
        self.first = first
        self.second = second
    }

    /// Zeros in the parameter's shape.
    init(zeros parameter: MLXArray) {
        self.init(
            MLXArray.storedZeros(like: parameter), MLXArray.storedZeros(like: parameter))
    }

    public func innerState() -> [MLXArray] { [first, second] }
}

/// Several optimizers, each for some of the parameters.
open class MultiOptimizer: Optimizer {
    /// The optimizers in order; a parameter goes to the first whose filter takes it.
    public let optimizers: [any Optimizer]
    private let filters: [(String, MLXArray) -> Bool]

    /// - Parameters:
    ///   - optimizers: each gets the parameters of its filter, the last one all others.
    ///   - filters: by path and gradient, one for each optimizer but the last. The first that
    ///     holds decides. Optimizers after the last filter but one get nothing, filters without an
    ///     optimizer are ignored; without optimizers nothing is updated.
    public init(
        optimizers: [any Optimizer], filters: [(String, MLXArray) -> Bool] = []
    ) {
        self.optimizers = optimizers
        self.filters = Array(filters.prefix(max(optimizers.count - 1, 0)))
    }

    public func update(model: Module, gradients: ModuleParameters) {
        var choices: [String: Int] = [:]
        for (path, gradient) in gradients.flattened() {
            choices[path] = choice(path, gradient)
        }
        for (index, optimizer) in optimizers.enumerated() {
            let part = Self.part(of: gradients.asItem(), path: nil) { choices[$0] == index }
            optimizer.update(model: model, gradients: ModuleParameters(item: part))
        }
    }

    /// The number of the optimizer that a parameter goes to.
    func choice(_ path: String, _ gradient: MLXArray) -> Int {
        filters.firstIndex { $0(path, gradient) } ?? filters.count
    }

    /// The values that `isIncluded`, with gaps in arrays where others were.
    private static func part(
        of item: NestedItem<String, MLXArray>, path: String?, _ isIncluded: (String) -> Bool
    ) -> NestedItem<String, MLXArray> {
        func extended(_ key: String) -> String { path.map { "\($0).\(key)" } ?? key }
        switch item {
        case .none: return .none
        case .value: return isIncluded(path ?? "") ? item : .none
        case .array(let items):
            return .array(
                items.enumerated().map {
                    part(of: $0.element, path: extended("\($0.offset)"), isIncluded)
                })
        case .dictionary(let items):
            var parts: [String: NestedItem<String, MLXArray>] = [:]
            for (key, item) in items {
                parts[key] = part(of: item, path: extended(key), isIncluded)
            }
            return .dictionary(parts)
        }
    }

    public func innerState() -> [MLXArray] { optimizers.flatMap { $0.innerState() } }
}
