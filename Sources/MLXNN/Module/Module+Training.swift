import MLX

// Modes and freezing, printing, and the arrays that evaluation takes from a module.
extension Module {
    /// Sets the training mode of this module and all submodules.
    public func train(_ mode: Bool = true) {
        visit { _, module in
            module.training = mode
            module.didSetTrain(mode)
        }
    }

    /// Takes parameters out of `trainableParameters()`.
    /// - Parameters:
    ///   - recursive: in submodules too.
    ///   - keys: the properties; nil for all.
    public func freeze(recursive: Bool = true, keys: [String]? = nil) {
        do {
            try freeze(recursive: recursive, keys: keys, strict: false)
        } catch {
            reportFailure(error)
        }
    }

    /// Puts parameters back into `trainableParameters()`.
    /// - Parameters:
    ///   - recursive: in submodules too.
    ///   - keys: the properties; nil for all.
    public func unfreeze(recursive: Bool = true, keys: [String]? = nil) {
        do {
            try unfreeze(recursive: recursive, keys: keys, strict: false)
        } catch {
            reportFailure(error)
        }
    }

    func freezeLocally(_ keys: [String]?, strict: Bool) throws {
        let local = localKeys
        if strict, let keys { try check(keys, local) }
        frozenKeys.formUnion(keys ?? Array(local))
        didSetNoGrad(frozenKeys)
    }

    package func unfreezeLocally(_ keys: [String]?, strict: Bool) throws {
        if strict, let keys { try check(keys, localKeys) }
        frozenKeys = keys.map { frozenKeys.subtracting($0) } ?? []
        didSetNoGrad(frozenKeys)
    }

    private var localKeys: Set<String> {
        let local = filterMap(filter: Self.filterLocalParameters, map: Self.mapParameters())
        return Set(local.keys)
    }

    private func check(_ keys: [String], _ local: Set<String>) throws {
        guard let missing = keys.first(where: { !local.contains($0) }) else { return }
        throw UpdateError.keyNotFound(path: [missing], modules: ["\(type(of: self))"])
    }
}

extension Module {
    /// For the forms that do not throw: the error goes where errors of array operations go.
    func reportFailure(_ error: any Error) {
        let message = (error as? UpdateError)?.errorDescription ?? "\(error)"
        MLX.reportFailure(ArrayError(.argument, "\(type(of: self))", message))
    }
}

extension Module: IndentedDescription {
    /// The type, what `describeExtra` says, and the submodules.
    public func description(indent: Int) -> String {
        let head = "\(type(of: self))\(describeExtra(indent))"
        let children = children()
        if children.isEmpty { return head }
        let margin = String(repeating: " ", count: indent)
        let lines = children.sorted { $0.key < $1.key }.map {
            "\(margin)  \($0.key): \($0.value.description(indent: indent + 2)),\n"
        }
        return "\(head) {\n\(lines.joined())\(margin)}"
    }
}

extension Module: Updatable, Evaluatable {
    /// All parameters.
    public func innerState() -> [MLXArray] { parameters().flattenedValues() }
}
