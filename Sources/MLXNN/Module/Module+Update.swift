import MLX

// Writing parameters into a module and replacing its submodules. Parameters are written in place;
// modules are replaced through the setters of `@ModuleInfo`, a container as a whole with the old
// elements kept where the update has none.
extension Module {
    /// What an update is checked for, besides its structure.
    public struct VerifyUpdate: OptionSet, Sendable {
        public let rawValue: Int

        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Every key of the update is in the model.
        public static let noUnusedKeys = VerifyUpdate(rawValue: 1 << 0)
        /// Every key of the model is in the update.
        public static let allModelKeysSet = VerifyUpdate(rawValue: 1 << 1)
        /// New values have the shapes of the old ones.
        public static let shapeMismatch = VerifyUpdate(rawValue: 1 << 2)
        /// All of these checks.
        public static let all = VerifyUpdate(rawValue: -1)
        /// No check: keys without a counterpart are passed over.
        public static let none = VerifyUpdate([])
    }

    /// Gives parameters new values, in place, without checks.
    ///
    /// A structure that does not fit is reported as errors of array operations are.
    @discardableResult public func update(parameters: ModuleParameters) -> Self {
        reporting { try update(parameters: parameters, verify: .none) }
        return self
    }

    /// Replaces submodules in properties with `@ModuleInfo`, without checks. An entry `.none` takes
    /// the module out of an optional property.
    ///
    /// Errors are reported as those of array operations are.
    @discardableResult public func update(modules: ModuleChildren) -> Self {
        reporting { try update(modules: modules, verify: .none) }
        return self
    }

    private func reporting(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            reportFailure(error)
        }
    }

    // MARK: - Parameters

    func updateParameters(
        _ parameters: ModuleParameters, _ verify: VerifyUpdate, _ path: [String],
        _ modulePath: [String]
    ) throws {
        let modulePath = modulePath + ["\(type(of: self))"]
        var unused = Set(parameters.keys)
        for (key, item) in items().sorted(by: { $0.key < $1.key })
        where Self.parameterIsValid(key) {
            switch item {
            case .value(.none), .value(.other): continue
            default: unused.remove(key)
            }
            try update(key, item, parameters[key] ?? .none, verify, path, modulePath)
        }
        if verify.contains(.noUnusedKeys), !unused.isEmpty {
            throw UpdateError.unhandledKeys(
                path: path, modules: modulePath, keys: unused.sorted())
        }
    }

    private func update(
        _ key: String, _ item: ModuleItem, _ value: NestedItem<String, MLXArray>,
        _ verify: VerifyUpdate, _ path: [String], _ modulePath: [String]
    ) throws {
        switch (item, value) {
        case (.value(.parameters), .none):
            try updateMissing(
                parameter: key, verify: verify, path: path, modulePath: modulePath)
        case (.value(.parameters(let old)), .value(let new)):
            if verify.contains(.shapeMismatch), old.shape != new.shape {
                throw UpdateError.mismatchedSize(
                    path: path + [key], modules: modulePath, expectedShape: old.shape,
                    actualShape: new.shape)
            }
            old._updateInternal(new)
        case (.value(.module(let module)), .none):
            guard verify.contains(.allModelKeysSet) else { return }
            try module.update(
                parameters: .init(), verify: verify, path: path + [key], modulePath: modulePath)
        case (.value(.module(let module)), .dictionary(let values)):
            try module.update(
                parameters: .init(values: values), verify: verify, path: path + [key],
                modulePath: modulePath)
        case (.none, .none), (.value(.none), .none), (.value(.other), .none): return
        case (.array(let items), .none):
            try update(key, items, [], verify, path, modulePath)
        case (.array(let items), .array(let values)):
            try update(key, items, values, verify, path, modulePath)
        case (.dictionary(let items), .none):
            try update(key, items, [:], verify, path, modulePath)
        case (.dictionary(let items), .dictionary(let values)):
            try update(key, items, values, verify, path, modulePath)
        default:
            throw UpdateError.incompatibleItems(
                path: path + [key], modules: modulePath, item: item.kind, value: value.kind)
        }
    }

    private func update(
        _ key: String, _ items: [ModuleItem], _ values: [NestedItem<String, MLXArray>],
        _ verify: VerifyUpdate, _ path: [String], _ modulePath: [String]
    ) throws {
        for (index, item) in items.enumerated() {
            try update(
                "\(index)", item, index < values.count ? values[index] : .none, verify,
                path + [key], modulePath)
        }
        if verify.contains(.noUnusedKeys), values.count > items.count {
            throw UpdateError.unhandledKeys(
                path: path + [key], modules: modulePath,
                keys: (items.count..<values.count).map { "\($0)" })
        }
    }

    private func update(
        _ key: String, _ items: [String: ModuleItem],
        _ values: [String: NestedItem<String, MLXArray>], _ verify: VerifyUpdate,
        _ path: [String], _ modulePath: [String]
    ) throws {
        for (name, item) in items.sorted(by: { $0.key < $1.key }) {
            try update(
                name, item, values[name] ?? .none, verify, path + [key], modulePath)
        }
        let unused = Set(values.keys).subtracting(items.keys)
        if verify.contains(.noUnusedKeys), !unused.isEmpty {
            throw UpdateError.unhandledKeys(
                path: path + [key], modules: modulePath, keys: unused.sorted())
        }
    }

    // MARK: - Modules

    func updateModules(
        _ modules: ModuleChildren, _ verify: VerifyUpdate, _ path: [String],
        _ modulePath: [String]
    ) throws {
        let modulePath = modulePath + ["\(type(of: self))"]
        let items = items()
        for (key, update) in modules.sorted(by: { $0.key < $1.key }) {
            guard let item = items[key] else {
                guard verify.contains(.noUnusedKeys) else { continue }
                throw UpdateError.unhandledKeys(path: path, modules: modulePath, keys: [key])
            }
            if case (.value(.module), .none) = (item, update) {
                try updateModule(key: key, Module?.none as Any)
                continue
            }
            let merged = try merge(item, update, verify, path + [key], modulePath)
            if merged.isReplaced, let value = merged.value {
                try updateModule(key: key, value)
            }
        }
        guard verify.contains(.allModelKeysSet) else { return }
        for key in children().keys.sorted() where modules[key] == nil {
            throw UpdateError.keyNotFound(path: path + [key], modules: modulePath)
        }
    }

    /// The value of a property with the modules of an update in it, and whether that is another
    /// than before. Updates inside modules are made on the way.
    private func merge(
        _ item: ModuleItem, _ update: NestedItem<String, Module>, _ verify: VerifyUpdate,
        _ path: [String], _ modulePath: [String]
    ) throws -> (value: Any?, isReplaced: Bool) {
        switch (item, update) {
        case (_, .none): return (item.plain, false)
        case (.value(.module), .value(let new)), (.value(.none), .value(let new)),
            (.none, .value(let new)):
            return (new, true)
        case (.value(.module(let module)), .dictionary(let values)):
            try module.update(
                modules: .init(values: values), verify: verify, path: path,
                modulePath: modulePath)
            return (module, false)
        case (.array(let items), .array(let updates)):
            var (values, isReplaced) = ([Any?](), false)
            for index in 0..<max(items.count, updates.count) {
                let merged = try merge(
                    index < items.count ? items[index] : .none,
                    index < updates.count ? updates[index] : .none, verify, path + ["\(index)"],
                    modulePath)
                values.append(merged.value)
                isReplaced = isReplaced || merged.isReplaced
            }
            return (values, isReplaced)
        case (.dictionary(let items), .dictionary(let updates)):
            var (values, isReplaced) = ([String: Any?](), false)
            for key in Set(items.keys).union(updates.keys).sorted() {
                let merged = try merge(
                    items[key] ?? .none, updates[key] ?? .none, verify, path + [key], modulePath)
                values.updateValue(merged.value, forKey: key)
                isReplaced = isReplaced || merged.isReplaced
            }
            return (values, isReplaced)
        case (.array, .value), (.dictionary, .value):
            throw UpdateError.settingArrayWithModule(path: path, modules: modulePath)
        case (.array, .dictionary), (.dictionary, .array):
            throw UpdateError.mismatchedContainers(
                base: "\(type(of: self))", key: path.joined(separator: "."))
        default:
            throw UpdateError.incompatibleItems(
                path: path, modules: modulePath, item: item.kind, value: update.kind)
        }
    }
}

extension NestedItem {
    /// What kind of item it is, for errors.
    fileprivate var kind: String {
        switch self {
        case .none: "nothing"
        case .value(let value): value is ModuleValue ? "\(value)" : "a single value"
        case .array: "an array"
        case .dictionary: "a dictionary"
        }
    }
}

extension NestedItem where Element == ModuleValue {
    /// The property's value as it was before reflection.
    fileprivate var plain: Any? {
        switch self {
        case .none, .value(.none): nil
        case .value(.parameters(let array)): array
        case .value(.module(let module)): module
        case .value(.other(let other)): other
        case .array(let items): items.map(\.plain)
        case .dictionary(let items): items.mapValues(\.plain)
        }
    }
}
