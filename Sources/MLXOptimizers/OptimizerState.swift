import FoundationEssentials
import MLX
import MLXNN

// The state of optimizers in files, so that training goes on where it stopped, bit for bit. Names
// are paths of parameters with the names that MLX's Python package gives the arrays:
// `layers.0.weight.m`. Settings are not state; of those only the learning rate is stored, because
// schedules change it. Nothing is loaded from a file that does not fit.

/// An optimizer whose state can be taken out and put back.
///
/// ```swift
/// try optimizer.saveState(to: url)
/// // in another process, with the same model and an optimizer with the same settings
/// try optimizer.loadState(from: url)
/// ```
public protocol StoringOptimizer: Optimizer {
    /// The arrays of the state by name; empty before the first step.
    func namedState() -> [String: MLXArray]

    /// Puts a state back in place of the present one.
    /// - Throws: `OptimizerStateError`; the state is as before then.
    func setNamedState(_ state: [String: MLXArray]) throws
}

/// Why a state cannot be loaded.
public enum OptimizerStateError: Error, Equatable, Sendable {
    /// The file is that of another optimizer.
    case otherOptimizer(expected: String, found: String)
    /// Names that the optimizer has no place for, or parameters of whose arrays some are missing.
    case unexpectedNames([String])
}

extension OptimizerStateError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .otherOptimizer(let expected, let found):
            "The state is one of \(found), not of \(expected)"
        case .unexpectedNames(let names):
            "The state does not fit: \(names.joined(separator: ", "))"
        }
    }
}

extension StoringOptimizer {
    /// Writes the state into a `.safetensors` file.
    /// - Throws: an error of computing or of writing; the file appears whole or not at all.
    public func saveState(to url: URL) throws {
        try save(
            arrays: namedState(), metadata: ["optimizer": "\(type(of: self))"], url: url)
    }

    /// Loads the state of a `.safetensors` file.
    /// - Throws: `OptimizerStateError` if the file is not one of such an optimizer, or an error of
    ///   reading; the state is as before then.
    public func loadState(from url: URL) throws {
        let (arrays, metadata) = try loadArraysAndMetadata(url: url)
        let (expected, found) = ("\(type(of: self))", metadata["optimizer"] ?? "")
        guard expected == found else {
            throw OptimizerStateError.otherOptimizer(expected: expected, found: found)
        }
        try setNamedState(arrays)
    }
}

/// The state of a parameter as arrays with names. A state of your own needs it to be stored.
public protocol NamedState: Updatable {
    /// The arrays by name; names have no dots.
    var namedArrays: [String: MLXArray] { get }
    /// The state of such arrays; nil if they are not those of a state.
    static func restored(_ arrays: [String: MLXArray]) -> Self?
}

extension MLXArray: NamedState {
    public var namedArrays: [String: MLXArray] { ["v": self] }

    public static func restored(_ arrays: [String: MLXArray]) -> MLXArray? {
        arrays.count == 1 ? arrays["v"] : nil
    }
}

extension TupleState: NamedState {
    public var namedArrays: [String: MLXArray] { ["m": first, "v": second] }

    public static func restored(_ arrays: [String: MLXArray]) -> TupleState? {
        guard arrays.count == 2, let m = arrays["m"], let v = arrays["v"] else { return nil }
        return TupleState(m, v)
    }
}

extension AdamState: NamedState {
    public var namedArrays: [String: MLXArray] {
        var arrays = ["m": mean, "v": square]
        arrays["step"] = step
        return arrays
    }

    public static func restored(_ arrays: [String: MLXArray]) -> AdamState? {
        let step = arrays["step"]
        guard arrays.count == (step == nil ? 2 : 3), let m = arrays["m"], let v = arrays["v"]
        else { return nil }
        return AdamState(mean: m, square: v, step: step)
    }
}

extension Adafactor.State: NamedState {
    public var namedArrays: [String: MLXArray] {
        var arrays = ["step": step]
        arrays["exp_avg"] = mean
        if squares.count == 2 {
            arrays["exp_avg_sq_row"] = squares[0]
            arrays["exp_avg_sq_col"] = squares[1]
        } else {
            arrays["exp_avg_sq"] = squares[0]
        }
        return arrays
    }

    public static func restored(_ arrays: [String: MLXArray]) -> Adafactor.State? {
        let mean = arrays["exp_avg"]
        let squares = ["exp_avg_sq", "exp_avg_sq_row", "exp_avg_sq_col"].compactMap { arrays[$0] }
        guard let step = arrays["step"],
            squares.count == (arrays["exp_avg_sq"] == nil ? 2 : 1),
            arrays.count == 1 + squares.count + (mean == nil ? 0 : 1)
        else { return nil }
        return Adafactor.State(step: step, squares: squares, mean: mean)
    }
}

/// Optimizers whose learning rate is a number that schedules set: all but `Adafactor`, whose steps
/// may be relative, and `MultiOptimizer`.
///
/// ```swift
/// (optimizer as? any RatedOptimizer)?.learningRate = schedule(step)
/// ```
public protocol RatedOptimizer: AnyObject {
    /// The size of a step. It may be changed at any time, without a new plan.
    var learningRate: Float { get set }
}

extension SGD: RatedOptimizer {}
extension Lion: RatedOptimizer {}
extension Muon: RatedOptimizer {}
extension RMSprop: RatedOptimizer {}
extension AdaGrad: RatedOptimizer {}
extension AdaDelta: RatedOptimizer {}
extension Adam: RatedOptimizer {}
extension Adamax: RatedOptimizer {}

private let rateName = "learning_rate"

extension OptimizerBase: StoringOptimizer {
    /// The arrays by the paths of the parameters, and the learning rate.
    ///
    /// A state of a type that is not `NamedState` is left out.
    public func namedState() -> [String: MLXArray] {
        var named: [String: MLXArray] = [:]
        for (path, state) in states {
            guard let state = state as? any NamedState else { continue }
            for (name, array) in state.namedArrays { named["\(path).\(name)"] = array }
        }
        if let rated = self as? any RatedOptimizer {
            named[rateName] = MLXArray(rated.learningRate)
        }
        return named
    }

    /// Puts the states of parameters back, and the learning rate.
    /// - Throws: `OptimizerStateError` with all names that do not fit.
    public func setNamedState(_ state: [String: MLXArray]) throws {
        var parts: [String: [String: MLXArray]] = [:]
        var wrong: [String] = []
        let rated = self as? any RatedOptimizer
        for (name, array) in state where name != rateName || rated == nil {
            guard let dot = name.lastIndex(of: ".") else {
                wrong.append(name)
                continue
            }
            parts[String(name[..<dot]), default: [:]][
                String(name[name.index(after: dot)...])] = array
        }
        let restore = (State.self as? any NamedState.Type).map { type in
            { (arrays: [String: MLXArray]) in type.restored(arrays) as? State }
        }
        var states: [String: State] = [:]
        for (path, arrays) in parts {
            if let state = restore?(arrays) {
                states[path] = state
            } else {
                wrong += arrays.keys.map { "\(path).\($0)" }
            }
        }
        let rate = state[rateName]
        if rated != nil, let rate, rate.size != 1 || rate.dtype != .float32 {
            wrong.append(rateName)
        }
        guard wrong.isEmpty else { throw OptimizerStateError.unexpectedNames(wrong.sorted()) }
        self.states = states
        if let rated, let rate { rated.learningRate = rate.item(Float.self) }
    }
}

extension MultiOptimizer: StoringOptimizer {
    /// The states of all optimizers, each under `states.` and its number.
    public func namedState() -> [String: MLXArray] {
        var named: [String: MLXArray] = [:]
        for (index, optimizer) in optimizers.enumerated() {
            guard let optimizer = optimizer as? any StoringOptimizer else { continue }
            for (name, array) in optimizer.namedState() {
                named["states.\(index).\(name)"] = array
            }
        }
        return named
    }

    /// Puts the states of all optimizers back.
    /// - Throws: `OptimizerStateError`; all optimizers are as before then.
    public func setNamedState(_ state: [String: MLXArray]) throws {
        var parts: [Int: [String: MLXArray]] = [:]
        var wrong: [String] = []
        for (name, array) in state {
            let pieces = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            guard pieces.count == 3, pieces[0] == "states", let index = Int(pieces[1]),
                optimizers.indices.contains(index), optimizers[index] is any StoringOptimizer
            else {
                wrong.append(name)
                continue
            }
            parts[index, default: [:]][String(pieces[2])] = array
        }
        guard wrong.isEmpty else { throw OptimizerStateError.unexpectedNames(wrong.sorted()) }
        var before: [(any StoringOptimizer, [String: MLXArray])] = []
        do {
            for (index, optimizer) in optimizers.enumerated() {
                guard let optimizer = optimizer as? any StoringOptimizer else { continue }
                before.append((optimizer, optimizer.namedState()))
                try optimizer.setNamedState(parts[index] ?? [:])
            }
        } catch {
            // The ones before the offending one get back what they had.
            for (optimizer, state) in before { try optimizer.setNamedState(state) }
            throw error
        }
    }
}

// MARK: - What a state is expected to be

/// An optimizer that can say what its state looks like before it has one.
private protocol FreshState {
    func freshNamedState(for parameters: [(String, MLXArray)]) -> [String: MLXArray]
}

extension StoringOptimizer {
    /// The state that these parameters would have before the first step, to compare the shapes of
    /// a stored one with; nil for an optimizer that cannot say.
    package func freshNamedState(
        for parameters: [(String, MLXArray)]
    ) -> [String: MLXArray]? {
        (self as? any FreshState)?.freshNamedState(for: parameters)
    }
}

extension OptimizerBase: FreshState {
    fileprivate func freshNamedState(
        for parameters: [(String, MLXArray)]
    ) -> [String: MLXArray] {
        var named: [String: MLXArray] = [:]
        for (path, parameter) in parameters {
            let state = freshState(parameter) as? any NamedState
            for (name, array) in state?.namedArrays ?? [:] { named["\(path).\(name)"] = array }
        }
        if let rated = self as? any RatedOptimizer {
            named[rateName] = MLXArray(rated.learningRate)
        }
        return named
    }
}

extension MultiOptimizer: FreshState {
    fileprivate func freshNamedState(
        for parameters: [(String, MLXArray)]
    ) -> [String: MLXArray] {
        var named: [String: MLXArray] = [:]
        for (index, optimizer) in optimizers.enumerated() {
            let own = parameters.filter { choice($0.0, $0.1) == index }
            let state = (optimizer as? any StoringOptimizer)?.freshNamedState(for: own)
            for (name, array) in state ?? [:] {
                named["states.\(index).\(name)"] = array
            }
        }
        return named
    }
}
