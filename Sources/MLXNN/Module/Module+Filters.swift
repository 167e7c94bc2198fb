import MLX

// The filters and maps that `filterMap` is called with, and its walk. All of them look at one
// property at a time; containers pass the filters, and what is in them is asked about again.
extension Module {
    /// Names with a leading underscore are not parameters.
    public static func parameterIsValid(_ key: String) -> Bool { !key.hasPrefix("_") }

    /// Everything.
    public static var filterAll: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, _ in true }
    }

    /// Modules, and containers that may hold them.
    public static var filterValidChild: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, item in
            switch item {
            case .array, .dictionary, .value(.module): true
            default: false
            }
        }
    }

    /// Parameters, and modules and containers that may hold them.
    public static var filterValidParameters: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, key, item in
            switch item {
            case .array, .dictionary, .value(.parameters), .value(.module): parameterIsValid(key)
            default: false
            }
        }
    }

    /// Parameters of the module itself.
    public static var filterLocalParameters: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, key, item in
            switch item {
            case .array, .dictionary, .value(.parameters): parameterIsValid(key)
            default: false
            }
        }
    }

    /// Parameters that are not frozen.
    public static var filterTrainableParameters: @Sendable (Module, String, ModuleItem) -> Bool {
        { module, key, item in
            filterValidParameters(module, key, item) && !module.noGrad().contains(key)
        }
    }

    /// What is neither array nor module.
    public static var filterOther: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, item in
            if case .value(.other) = item { true } else { false }
        }
    }

    /// Maps parameters and drops the rest.
    public static func mapParameters<Result>(
        map: @escaping (MLXArray) -> Result? = { $0 }
    ) -> (ModuleItem) -> Result? {
        { if case .value(.parameters(let array)) = $0 { map(array) } else { nil } }
    }

    /// Maps modules and drops the rest.
    public static func mapModule<Result>(
        map: @escaping (Module) -> Result? = { $0 }
    ) -> (ModuleItem) -> Result? {
        { if case .value(.module(let module)) = $0 { map(module) } else { nil } }
    }

    /// Maps what is neither array nor module and drops the rest.
    public static func mapOther<Result>(
        map: @escaping (Any) -> Result? = { $0 }
    ) -> (ModuleItem) -> Result? {
        { if case .value(.other(let other)) = $0 { map(other) } else { nil } }
    }

    /// Anything but modules and containers is a leaf.
    public static var isLeafDefault: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, item in
            switch item {
            case .array, .dictionary, .value(.module): false
            default: true
            }
        }
    }

    /// Anything but containers is a leaf.
    public static var isLeafModule: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, item in
            switch item {
            case .array, .dictionary: false
            default: true
            }
        }
    }

    /// Modules without submodules are leaves.
    public static var isLeafModuleNoChildren: @Sendable (Module, String, ModuleItem) -> Bool {
        { _, _, item in
            switch item {
            case .array, .dictionary: false
            case .value(.module(let module)): module.children().isEmpty
            default: true
            }
        }
    }

    /// One step of `filterMap`: what becomes of an item.
    func collect<Result>(
        _ key: String, _ item: ModuleItem, filter: (Module, String, ModuleItem) -> Bool,
        map: (ModuleItem) -> Result?, isLeaf: (Module, String, ModuleItem) -> Bool
    ) -> NestedItem<String, Result> {
        func element(_ name: String, _ item: ModuleItem) -> NestedItem<String, Result> {
            guard filter(self, name, item) else { return .none }
            return collect(name, item, filter: filter, map: map, isLeaf: isLeaf)
        }
        func isPresent(_ item: NestedItem<String, Result>) -> Bool {
            if case .none = item { false } else { true }
        }
        if isLeaf(self, key, item) { return map(item).map { .value($0) } ?? .none }
        switch item {
        case .none: return .none
        case .value(.module(let module)):
            let collected = module.filterMap(filter: filter, map: map, isLeaf: isLeaf)
            return collected.isEmpty ? .none : collected.asItem()
        case .value: return map(item).map { .value($0) } ?? .none
        case .array(let items):
            // Gaps stay, so that the others keep their indexes.
            let collected = items.enumerated().map { element("\(key).\($0.offset)", $0.element) }
            return collected.contains(where: isPresent) ? .array(collected) : .none
        case .dictionary(let items):
            var collected: [String: NestedItem<String, Result>] = [:]
            for (name, item) in items {
                let result = element("\(key).\(name)", item)
                if isPresent(result) { collected[name] = result }
            }
            return collected.isEmpty ? .none : .dictionary(collected)
        }
    }
}
