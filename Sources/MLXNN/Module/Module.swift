import MLX

/// The base class of everything with parameters: layers and models.
///
/// A subclass has its parameters (`MLXArray`) and submodules as plain stored properties, also in
/// arrays, dictionaries, optionals and tuples; reflection finds them under their names.
///
/// ```swift
/// class MLP: Module, UnaryLayer {
///     let hidden = Linear(2, 16)
///     let out = Linear(16, 1)
///     func callAsFunction(_ x: MLXArray) -> MLXArray { out(relu(hidden(x))) }
/// }
/// ```
///
/// `@ParameterInfo(key:)` and `@ModuleInfo(key:)` give a property another name in files, and a
/// module can be replaced by `update(modules:)` only in a property with `@ModuleInfo`. Properties
/// whose name begins with an underscore are not parameters. A module is not `Sendable`: it
/// belongs to one task or actor at a time, while its arrays may be used anywhere.
open class Module {
    /// Whether the module is being trained: dropout and batch normalization differ. `train(_:)`
    /// sets it in all submodules too, and tells those that have to do something about it.
    public var training = true

    package var frozenKeys: Set<String> = []
    /// What reflection found, and the setters of the replaceable properties.
    private var reflected: (items: ModuleItems, setters: [String: any TypeErasedSetterProvider])?

    /// A module in training mode, with nothing frozen. Subclasses set their properties before they
    /// call it.
    public init() {}

    /// The stored properties, found by reflection at the first call and kept.
    ///
    /// Override it to show a module with other properties than it has.
    open func items() -> ModuleItems { reflect().items }

    private func reflect()
        -> (items: ModuleItems, setters: [String: any TypeErasedSetterProvider])
    {
        if let reflected { return reflected }
        var items = ModuleItems()
        var setters: [String: any TypeErasedSetterProvider] = [:]
        var mirror: Mirror? = Mirror(reflecting: self)
        while let level = mirror, level.subjectType != Module.self {
            for child in level.children {
                guard let (key, item) = ModuleValue.fromMirror(child), items[key] == nil else {
                    continue
                }
                items[key] = item
                if let setter = child.value as? any TypeErasedSetterProvider {
                    setters[key] = setter
                }
                (child.value as? any PropertyInfo)?.owner = self
            }
            mirror = level.superclassMirror
        }
        reflected = (items, setters)
        return (items, setters)
    }

    /// A wrapped property has got another value.
    func propertyDidChange() { reflected = nil }

    /// What `description` says after the type: the properties that are neither arrays nor
    /// modules. Override it to say something better, in parentheses.
    open func describeExtra(_ indent: Int) -> String {
        let other = filterMap(filter: Self.filterOther, map: Self.mapOther())
        if other.isEmpty { return "" }
        let entries = other.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "(\(entries.joined(separator: ", ")))"
    }

    // MARK: - Collecting

    /// Walks the module and its submodules and collects what `map` makes of them.
    ///
    /// Subtrees with nothing in them are dropped.
    /// - Parameters:
    ///   - filter: which properties to look at, by module, key and item. Elements of containers
    ///     are asked about too, with a key such as `layers.0`.
    ///   - map: makes a result of a leaf; nil drops it.
    ///   - isLeaf: what is handed to `map` as a whole.
    open func filterMap<Result>(
        filter: (Module, String, ModuleItem) -> Bool, map: (ModuleItem) -> Result? = { $0 },
        isLeaf: (Module, String, ModuleItem) -> Bool = Module.isLeafDefault
    ) -> NestedDictionary<String, Result> {
        var result = NestedDictionary<String, Result>()
        for (key, item) in items() where filter(self, key, item) {
            let collected = collect(key, item, filter: filter, map: map, isLeaf: isLeaf)
            if case .none = collected { continue }
            result[key] = collected
        }
        return result
    }

    /// What `map` makes of all parameters.
    open func mapParameters<Result>(
        map: @escaping (MLXArray) -> Result? = { $0 },
        isLeaf: (Module, String, ModuleItem) -> Bool = Module.isLeafDefault
    ) -> NestedDictionary<String, Result> {
        filterMap(
            filter: Self.filterValidParameters, map: Self.mapParameters(map: map), isLeaf: isLeaf)
    }

    /// All parameters, of submodules too.
    open func parameters() -> ModuleParameters {
        filterMap(filter: Self.filterValidParameters, map: Self.mapParameters())
    }

    /// The parameters that are not frozen.
    open func trainableParameters() -> ModuleParameters {
        filterMap(filter: Self.filterTrainableParameters, map: Self.mapParameters())
    }

    /// The direct submodules.
    open func children() -> ModuleChildren {
        filterMap(
            filter: Self.filterValidChild, map: Self.mapModule(), isLeaf: Self.isLeafModule)
    }

    /// The submodules at any depth that have no submodules themselves.
    open func leafModules() -> ModuleChildren {
        filterMap(
            filter: Self.filterValidChild, map: Self.mapModule(),
            isLeaf: Self.isLeafModuleNoChildren)
    }

    // MARK: - Updating

    /// Gives parameters new values, in place: every holder of the arrays sees them.
    ///
    /// Parameters that are not mentioned keep their values.
    /// - Parameters:
    ///   - parameters: the new values by key.
    ///   - verify: what to check besides the structure.
    ///   - path: where the module is in the model, for errors.
    ///   - modulePath: the types of the modules on the way, for errors.
    /// - Throws: `UpdateError`; the parameters before the offending one have their new values.
    @discardableResult open func update(
        parameters: ModuleParameters, verify: VerifyUpdate, path: [String] = [],
        modulePath: [String] = []
    ) throws -> Self {
        try updateParameters(parameters, verify, path, modulePath)
        return self
    }

    /// Called for a parameter that an update does not mention. Override it to allow that.
    /// - Throws: `UpdateError.keyNotFound` if `verify` has `allModelKeysSet`.
    open func updateMissing(
        parameter: String, verify: VerifyUpdate, path: [String], modulePath: [String]
    ) throws {
        guard verify.contains(.allModelKeysSet) else { return }
        throw UpdateError.keyNotFound(path: path + [parameter], modules: modulePath)
    }

    /// Gives each parameter the value that `map` makes of it.
    @discardableResult open func apply(
        filter: (Module, String, ModuleItem) -> Bool = Module.filterValidParameters,
        map: @escaping (MLXArray) -> MLXArray
    ) -> Self {
        update(parameters: filterMap(filter: filter, map: Self.mapParameters(map: map)))
    }

    /// Replaces submodules, in properties with `@ModuleInfo`.
    ///
    /// What is not mentioned, or is `.none`, stays. In arrays and dictionaries single elements can
    /// be replaced, and an array can be given more.
    /// - Throws: `UpdateError`.
    @discardableResult open func update(
        modules: ModuleChildren, verify: VerifyUpdate, path: [String] = [],
        modulePath: [String] = []
    ) throws -> Self {
        try updateModules(modules, verify, path, modulePath)
        return self
    }

    /// Replaces the value of a property with `@ModuleInfo`.
    /// - Parameter value: a module or a container of modules; an `Optional` that is nil for none.
    /// - Throws: `UpdateError` if there is no such property or the value does not fit.
    open func updateModule(key: String, _ value: Any) throws {
        let place = "\(type(of: self)).\(key)"
        guard let setter = reflect().setters[key] else {
            throw UpdateError.needModuleInfo(
                "Unable to get @ModuleInfo for \(place) -- must be wrapped to receive updates")
        }
        do {
            try setter.setTypeErased(value)
        } catch {
            throw UpdateError.needModuleInfo(
                "Unable to set modules for \(place) -- maybe type mismatch:"
                    + " \(type(of: value)), \(error)")
        }
    }

    // MARK: - Visiting

    /// Calls `visitor` with this module and all submodules and their paths; this one's is empty.
    open func visit(modules visitor: (String, Module) throws -> Void) rethrows {
        var stack: [(String, Module)] = [("", self)]
        while let (path, module) = stack.popLast() {
            try visitor(path, module)
            stack += module.children().flattened(prefix: path.isEmpty ? nil : path)
        }
    }

    /// This module and all submodules.
    open func modules() -> [Module] { namedModules().map(\.1) }

    /// This module and all submodules with their paths.
    open func namedModules() -> [(String, Module)] {
        var result: [(String, Module)] = []
        visit { result.append(($0, $1)) }
        return result
    }

    // MARK: - Training

    /// Takes parameters out of `trainableParameters()`.
    /// - Parameters:
    ///   - recursive: in submodules too.
    ///   - keys: the properties; nil for all.
    ///   - strict: a module without one of the keys is an error.
    /// - Throws: `UpdateError.keyNotFound`.
    open func freeze(recursive: Bool = true, keys: [String]? = nil, strict: Bool = false) throws {
        try freezeLocally(keys, strict: strict)
        guard recursive else { return }
        for module in modules() where module !== self {
            try module.freeze(recursive: false, keys: keys, strict: strict)
        }
    }

    /// Puts parameters back into `trainableParameters()`.
    /// - Parameters: see `freeze`.
    /// - Throws: `UpdateError.keyNotFound`.
    open func unfreeze(recursive: Bool = true, keys: [String]? = nil, strict: Bool = false) throws {
        try unfreezeLocally(keys, strict: strict)
        guard recursive else { return }
        for module in modules() where module !== self {
            try module.unfreeze(recursive: false, keys: keys, strict: strict)
        }
    }

    /// The keys of this module's frozen parameters.
    open func noGrad() -> Set<String> { frozenKeys }

    /// Called after `freeze` and `unfreeze` with the frozen keys.
    open func didSetNoGrad(_ noGrad: Set<String>) {}

    /// Called after `train` with the mode.
    open func didSetTrain(_ mode: Bool) {}
}

/// A module that makes one array of one array.
public protocol UnaryLayer: Module {
    /// Applies the layer to an array and returns the result; a wrong shape gives an invalid array.
    func callAsFunction(_ x: MLXArray) -> MLXArray
}
