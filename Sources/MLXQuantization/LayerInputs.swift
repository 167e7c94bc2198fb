import MLX
import MLXNN

// What calibration learns of the layers of a model: which calls of linear layers share an input,
// what made it, and sums over the rows of inputs while data runs. Inputs themselves are kept for
// one batch at a time.

/// The identity of an array's node: aliases of an array have the same.
func node(of array: MLXArray) -> UInt64 { array.word.load(ordering: .relaxed) }

/// Linear layers of a model that are called with the same array.
struct LinearGroup {
    /// In the order of their calls.
    var layers: [(path: String, layer: Linear)]
    /// What made the array, if that was a layer that the log knows.
    var source: (path: String, module: Module)?

    var inputs: Int { layers[0].layer.shape.1 }
}

/// A model whose linear layers are observed.
struct ObservedModel<Batch> {
    let model: Module
    let data: [Batch]
    let forward: (Batch) throws -> MLXArray

    init(
        _ model: Module, _ data: [Batch], _ forward: @escaping (Batch) throws -> MLXArray
    ) throws {
        guard !data.isEmpty else { throw QuantizationError("calibration needs data") }
        (self.model, self.data, self.forward) = (model, data, forward)
    }

    /// Calls of layers with a batch, and the model's result.
    func calls(_ batch: Batch) throws -> (calls: [CallLog.Call], output: MLXArray) {
        var output: MLXArray?
        let calls = try CallLog.collect { output = try forward(batch) }
        guard let output else { throw QuantizationError("the model made nothing") }
        return (calls, output)
    }

    /// The model's result for a batch, computed.
    func output(_ batch: Batch) throws -> MLXArray {
        let result = try forward(batch)
        try checkedEval([result])
        return result
    }

    /// The paths of modules. A module in two places has the first.
    func paths() -> [ObjectIdentifier: (path: String, module: Module)] {
        let named = model.namedModules().map { path, module in
            (ObjectIdentifier(module), (path: path, module: module))
        }
        return Dictionary(named) { $0.path <= $1.path ? $0 : $1 }
    }

    /// Ordinary linear layers in the order in which the first batch meets them, those with the same
    /// input together. Layers of subclasses (low-rank ones, quantized ones) are not among them.
    func groups() throws -> [LinearGroup] {
        let paths = paths()
        var groups: [LinearGroup] = []
        var known: [UInt64: Int] = [:]
        var makers: [UInt64: (path: String, module: Module)] = [:]
        var seen = Set<ObjectIdentifier>()
        // The calls are held to the end, so that no node's place is taken by another's.
        let (calls, output) = try calls(data[0])
        try checkedEval([output])
        for call in calls {
            guard let own = paths[call.module] else { continue }
            defer { makers[node(of: call.output)] = own }
            guard type(of: own.module) == Linear.self, let layer = own.module as? Linear,
                let input = call.inputs.first, seen.insert(call.module).inserted
            else { continue }
            let key = node(of: input)
            if let index = known[key] {
                groups[index].layers.append((own.path, layer))
            } else {
                known[key] = groups.count
                groups.append(LinearGroup(layers: [(own.path, layer)], source: makers[key]))
            }
        }
        withExtendedLifetime(calls) {}
        return groups
    }
}

/// Sums over the rows that a layer was given.
struct InputSums {
    /// How many rows.
    var rows = 0
    /// (inputs, inputs), XᵀX / rows.
    /// NUMERICS: products of a batch in float32, their running mean too; GPTQ adds a hundredth of
    /// the diagonal, far more than a mean of thousands of batches loses.
    var moments: MLXArray?
    /// (inputs), the mean magnitudes.
    var magnitudes: MLXArray?
    /// (inputs), the largest magnitudes.
    var largest: MLXArray?

    mutating func add(_ x: MLXArray, wantsMoments: Bool) {
        let flat = x.asType(.float32).reshaped([-1, x.dim(-1)])
        let count = flat.dim(0)
        if count == 0 { return }
        let share = Float(count) / Float(rows + count)
        func mean(_ old: MLXArray?, _ new: MLXArray) -> MLXArray {
            old.map { $0 + (new - $0) * share } ?? new
        }
        if wantsMoments {
            moments = mean(moments, matmul(flat.T, flat) / Float(count))
        }
        let size = abs(flat)
        magnitudes = mean(magnitudes, size.mean(axis: 0))
        let peak = size.max(axis: 0)
        largest = largest.map { maximum($0, peak) } ?? peak
        rows += count
    }

    var arrays: [MLXArray] { [moments, magnitudes, largest].compactMap { $0 } }
}

extension ObservedModel {
    /// Runs all data through the model and sums up the inputs of layers.
    /// - Parameter layers: those to observe, one for each group.
    func sums(
        of layers: [Linear], wantsMoments: Bool
    ) throws -> [ObjectIdentifier: InputSums] {
        var sums = Dictionary(
            layers.map { (ObjectIdentifier($0), InputSums()) }, uniquingKeysWith: { $1 })
        for batch in data {
            try Task.checkCancellation()
            let (calls, output) = try calls(batch)
            for call in calls {
                guard let x = call.inputs.first, x.ndim > 0 else { continue }
                sums[call.module]?.add(x, wantsMoments: wantsMoments)
            }
            try checkedEval([output] + sums.values.flatMap(\.arrays))
        }
        for layer in layers {
            guard let own = sums[ObjectIdentifier(layer)], own.rows > 0 else {
                throw QuantizationError("a layer of the first batch is not called with others")
            }
        }
        return sums
    }

    /// Groups in parts whose moments take no more than so many bytes each, or are one group.
    static func parts(_ groups: [LinearGroup], within bytes: Int) -> [[LinearGroup]] {
        var parts: [[LinearGroup]] = []
        var used = 0
        for group in groups {
            let own = group.inputs * group.inputs * MemoryLayout<Float>.size
            if parts.isEmpty || used + own > bytes {
                parts.append([])
                used = 0
            }
            parts[parts.count - 1].append(group)
            used += own
        }
        return parts
    }
}

extension Module {
    /// Replaces modules by others, wherever the model has them.
    /// - Throws: `UpdateError` for a property without `@ModuleInfo`.
    func replace(_ replacements: [ObjectIdentifier: Module]) throws {
        let updates = leafModules().flattened().compactMap { path, leaf in
            replacements[ObjectIdentifier(leaf)].map { (path, $0) }
        }
        guard !updates.isEmpty else { return }
        try update(modules: ModuleChildren.unflattened(updates), verify: .none)
    }
}
