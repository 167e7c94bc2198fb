import Foundation
import MLX
import MLXData
import MLXFormats
import MLXNN
import MLXOptimizers

// Writing and reading the checkpoints of a trainer. What is read is compared with the model, the
// optimizer and the options first; the trainer is changed only when all of it fits.
extension Trainer {
    /// Goes on from the newest checkpoint: parameters, optimizer, callbacks, the number of the step
    /// and the batch that comes next.
    ///
    /// - Returns: whether there was one.
    /// - Throws: `TrainingError.checkpoint` for one that does not fit or is damaged, `WeightsError`
    ///   with all parameters that do not fit; the trainer is as before then.
    @discardableResult public func resume() throws -> Bool {
        guard let newest = checkpoints?.newest() else { return false }
        try resume(from: newest)
        return true
    }

    /// Goes on from a checkpoint's directory. See ``resume()``.
    public func resume(from checkpoint: URL) throws {
        let path = checkpoint.path
        let state = try TrainerState(parsing: try contents(checkpoint, "state.json"), path: path)
        let kind = "\(type(of: optimizer))"
        guard state.optimizer == kind else {
            throw TrainingError.checkpoint(
                path, "it is one of \(state.optimizer), the optimizer is \(kind)")
        }
        guard state.seed == options.seed else {
            throw TrainingError.checkpoint(
                path, "its seed is \(state.seed), that of the options \(options.seed)")
        }
        let weights = try arrays(checkpoint, "model")
        let optimizerState = try arrays(checkpoint, "optimizer")
        let callbackStates = try arrays(checkpoint, "callbacks")
        try checkDTypes(weights, path)
        try checkShapes(optimizerState, path)

        let before = TrainedState(model, optimizer)
        do {
            try optimizer.setNamedState(optimizerState)
            try model.setWeights(weights)
            for (index, callback) in callbacks.enumerated() {
                let prefix = Self.prefix(index, callback)
                let own = callbackStates.filter { $0.key.hasPrefix(prefix) }
                    .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
                try callback.restore(Dictionary(own) { first, _ in first })
            }
        } catch {
            try before.restore()
            throw error
        }
        (run.step, position, run.epoch) = (state.step, state.position, state.position.epoch)
        (run.latest, run.latestValidation) = (state.latest, state.latestValidation)
        (best, savedStep) = (state.best, state.step)
    }

    /// Whether a checkpoint is to be written after a step. Notes the best one.
    func isTimeToSave(_ record: TrainingRecord, endsEpoch: Bool) -> Bool {
        guard let checkpoints else { return false }
        var isDue = checkpoints.everySteps.map { record.step % $0 == 0 } ?? false
        if endsEpoch, let epochs = checkpoints.everyEpochs {
            isDue = isDue || run.epoch % epochs == 0
        }
        if let goal = checkpoints.best, let value = record[goal.name],
            goal.isImproved(value, over: best?.value)
        {
            best = (record.step, value)
            isDue = true
        }
        return isDue
    }

    /// Writes a checkpoint of the present step, unless there is one already.
    func save() throws {
        guard let checkpoints, run.step > 0, savedStep != run.step else { return }
        let kind = "\(type(of: optimizer))"
        let state = TrainerState(
            step: run.step, position: position, seed: options.seed, optimizer: kind, best: best,
            latest: run.latest, latestValidation: run.latestValidation)
        var callbackStates: [String: MLXArray] = [:]
        for (index, callback) in callbacks.enumerated() {
            for (name, array) in try callback.savedState() {
                callbackStates[Self.prefix(index, callback) + name] = array
            }
        }
        try checkpoints.write(step: run.step) { place in
            func file(_ name: String) -> URL {
                place.appendingPathComponent("\(name).safetensors")
            }
            try model.saveWeights(to: file("model"))
            try optimizer.saveState(to: file("optimizer"))
            try MLX.save(arrays: callbackStates, url: file("callbacks"))
            let sink = try AtomicFileSink(path: place.appendingPathComponent("state.json").path)
            try state.json.withUnsafeBytes { try sink.write($0) }
            try sink.commit()
        }
        savedStep = run.step
        try checkpoints.prune(best: best?.step)
    }

    private static func prefix(_ index: Int, _ callback: any TrainingCallback) -> String {
        "\(index).\(type(of: callback))."
    }

    // MARK: - Reading

    private func contents(_ checkpoint: URL, _ name: String) throws -> [UInt8] {
        do {
            return try FileSource(path: checkpoint.appendingPathComponent(name).path).contents()
        } catch {
            throw TrainingError.checkpoint(checkpoint.path, "\(name) cannot be read")
        }
    }

    private func arrays(_ checkpoint: URL, _ name: String) throws -> [String: MLXArray] {
        let file = checkpoint.appendingPathComponent("\(name).safetensors")
        do {
            let arrays = try loadArrays(url: file)
            // A file may be read as late as its arrays are used: here, while nothing is changed.
            try checkedEval(Array(arrays.values))
            return arrays
        } catch let error as ArrayError {
            throw TrainingError.checkpoint(checkpoint.path, error.summary)
        }
    }

    /// `setWeights` compares keys and shapes; a parameter in another dtype would go on otherwise
    /// than it did.
    private func checkDTypes(_ weights: [String: MLXArray], _ path: String) throws {
        for (key, parameter) in model.parameters().flattened() {
            guard let array = weights[key], array.dtype != parameter.dtype else { continue }
            throw TrainingError.checkpoint(
                path, "\(key) is \(parameter.dtype) in the model, \(array.dtype) in the file")
        }
    }

    private func checkShapes(_ state: [String: MLXArray], _ path: String) throws {
        guard
            let expected = optimizer.freshNamedState(
                for: model.trainableParameters().flattened())
        else { return }
        for (name, array) in state.sorted(by: { $0.key < $1.key }) {
            guard let model = expected[name] else {
                throw TrainingError.checkpoint(path, "the optimizer has no place for \(name)")
            }
            guard model.shape == array.shape, model.dtype == array.dtype else {
                throw TrainingError.checkpoint(
                    path,
                    "\(name) is \(model.dtype) \(model.shape) in the optimizer, "
                        + "\(array.dtype) \(array.shape) in the file")
            }
        }
    }
}
