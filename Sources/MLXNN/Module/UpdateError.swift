import FoundationEssentials
import MLX

/// Why parameters or modules could not be updated. `path` leads to the place from the model;
/// `modules` are the types of the modules on the way.
public enum UpdateError: Error {
    /// The modules in a container cannot be told apart from its other contents.
    case unableToCollectModulesFromContainer(path: [String], modules: [String])
    /// An array where there is a dictionary, or the other way round.
    case mismatchedContainers(base: String, key: String)
    /// The update's array has another shape than the model's.
    case mismatchedSize(
        path: [String], modules: [String], expectedShape: [Int], actualShape: [Int])
    /// The update has nothing for a key of the model, or `freeze` names a key that is not there.
    case keyNotFound(path: [String], modules: [String])
    /// Only properties with `@ModuleInfo` can be given another module.
    case needModuleInfo(String)
    /// A property that could not be set, with the reason. Nothing in this package throws it.
    case unableToSet(String)
    /// A module that is not of the property's type, which is named.
    case unableToCast(String)
    /// The update has keys that the model does not have.
    case unhandledKeys(path: [String], modules: [String], keys: [String])
    /// One module for a property that holds an array of them.
    case settingArrayWithModule(path: [String], modules: [String])
    /// A value of another kind than the model's: an array for a module, say.
    case incompatibleItems(path: [String], modules: [String], item: String, value: String)
    /// The update's structure fits nothing that a module can hold at this key. Nothing in this
    /// package throws it.
    case unexpectedStructure(key: String, item: String)
}

extension UpdateError: LocalizedError {
    /// The texts of mlx-swift, which programs may look for.
    public var errorDescription: String? {
        func joined(_ names: [String]) -> String { names.joined(separator: ".") }
        return switch self {
        case .unableToCollectModulesFromContainer(let path, let modules):
            "Unable to collect modules from container: \(joined(path)) in \(joined(modules))"
        case .mismatchedContainers(let base, let key): "Mismatched containers: \(base) \(key)"
        case .mismatchedSize(let path, let modules, let expected, let actual):
            "Mismatched parameter \(joined(path)) in \(joined(modules)) shape."
                + " Actual \(actual), expected \(expected)"
        case .keyNotFound(let path, let modules):
            "Key \(joined(path)) not found in \(joined(modules))"
        case .needModuleInfo(let text), .unableToSet(let text): text
        case .unableToCast(let type):
            "Unable to cast value\nThe module does not fit a property of type \(type)"
        case .unhandledKeys(let path, let modules, let keys):
            "Unhandled keys \(keys) in \(joined(path)) in \(joined(modules))"
        case .settingArrayWithModule(let path, let modules):
            "Unable to set \(joined(path)) on \(joined(modules)):"
                + " parameters (MLXArray) cannot be updated with a Module"
        case .incompatibleItems(let path, let modules, let item, let value):
            "Unable to set \(joined(path)) on \(joined(modules)):"
                + " \(item) not compatible with \(value)"
        case .unexpectedStructure(let key, let item):
            "Unexpected structure for \(key) on \(item): not @ModuleInfo var modules = [...]"
        }
    }
}
