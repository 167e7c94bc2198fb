import MLX

/// `NestedDictionary` of arrays: parameters, gradients.
public typealias ModuleParameters = NestedDictionary<String, MLXArray>

/// `NestedDictionary` of modules.
public typealias ModuleChildren = NestedDictionary<String, Module>

/// The stored properties of a module.
public typealias ModuleItems = NestedDictionary<String, ModuleValue>

/// One stored property of a module.
public typealias ModuleItem = NestedItem<String, ModuleValue>

/// What a stored property of a module holds, as reflection finds it. Arrays, dictionaries and
/// tuples become the structure of the surrounding `ModuleItem`, if there is an array or a module
/// anywhere in them.
public enum ModuleValue {
    /// nil
    case none
    /// An array.
    case parameters(MLXArray)
    /// A module.
    case module(Module)
    /// Anything that is neither: configuration, say.
    case other(Any)

    /// The key and item of a stored property; nil when the property cannot be read.
    public static func fromMirror(_ c: Mirror.Child) -> (String, ModuleItem)? {
        // The storage of a lazy property changes when it is first read; it is left out.
        guard let label = c.label, !label.hasPrefix("$__lazy_storage_$_") else { return nil }
        guard let info = c.value as? any PropertyInfo else {
            return (label, item(c.value))
        }
        return (info.key ?? String(label.dropFirst()), info.currentValue.map(item) ?? .value(.none))
    }

    private static func item(_ value: Any) -> ModuleItem {
        switch value {
        case let array as MLXArray: return .value(.parameters(array))
        case let module as Module: return .value(.module(module))
        case is Int, is Float, is Double, is Bool, is String: return .value(.other(value))
        default: break
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional:
            return mirror.children.first.map { item($0.value) } ?? .value(.none)
        case .tuple, .collection:
            let items = mirror.children.map { item($0.value) }
            return items.contains(where: hasContent) || isEmptyContainer(value)
                ? .array(items) : .value(.other(value))
        case .dictionary:
            return dictionary(value) ?? .value(.other(value))
        default:
            return .value(.other(value))
        }
    }

    private static func dictionary(_ value: Any) -> ModuleItem? {
        guard let table = value as? [String: Any] else { return nil }
        let items = table.mapValues(item)
        guard items.values.contains(where: hasContent) || isEmptyContainer(value) else {
            return nil
        }
        return .dictionary(items)
    }

    /// Whether there is an array or a module in an item.
    private static func hasContent(_ item: ModuleItem) -> Bool {
        switch item {
        case .none, .value(.none), .value(.other): false
        case .value: true
        case .array, .dictionary: true
        }
    }

    private static func isEmptyContainer(_ value: Any) -> Bool {
        (value as? any ModuleContainer).map { $0.isEmpty && $0.holdsModules } ?? false
    }
}

/// Arrays and dictionaries, by the static type of what they hold: an empty one still counts as a
/// container of modules.
private protocol ModuleContainer {
    var isEmpty: Bool { get }
    var holdsModules: Bool { get }
}

private func isContent(_ type: Any.Type) -> Bool {
    type is Module.Type || type is MLXArray.Type || type == (any UnaryLayer).self
}

extension Array: ModuleContainer {
    var holdsModules: Bool { isContent(Element.self) }
}

extension Dictionary: ModuleContainer {
    var holdsModules: Bool { isContent(Value.self) }
}
