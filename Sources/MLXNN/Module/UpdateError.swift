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
    public var errorDescription: String? {
        func place(_ path: [String], _ modules: [String]) -> String {
            "\(path.joined(separator: ".")) (in \(modules.joined(separator: ".")))"
        }
        return switch self {
        case .unableToCollectModulesFromContainer(let path, let modules):
            "Cannot collect the modules in \(place(path, modules))"
        case .mismatchedContainers(let base, let key):
            "\(base): \(key) is not the same kind of container in the model and in the update"
        case .mismatchedSize(let path, let modules, let expected, let actual):
            "Shape of \(place(path, modules)) is \(expected) in the model, \(actual) in the update"
        case .keyNotFound(let path, let modules):
            "Key not found: \(place(path, modules))"
        case .needModuleInfo(let text):
            "Only a property with @ModuleInfo can be replaced: \(text)"
        case .unableToSet(let text): "Unable to set \(text)"
        case .unableToCast(let text): "The module does not fit a property of type \(text)"
        case .unhandledKeys(let path, let modules, let keys):
            "Keys not in the model: \(keys.joined(separator: ", ")) at \(place(path, modules))"
        case .settingArrayWithModule(let path, let modules):
            "A single module given for the container \(place(path, modules))"
        case .incompatibleItems(let path, let modules, let item, let value):
            "\(place(path, modules)) is \(item) in the model, \(value) in the update"
        case .unexpectedStructure(let key, let item): "Unexpected structure of \(key): \(item)"
        }
    }
}
