import MLX

// The property wrappers of module properties: they name a property in files of parameters, and
// let `update(modules:)` replace what the property holds. A wrapper tells its module when its
// value changes, because modules cache what reflection finds.

/// A property wrapper as reflection sees it, without its type.
protocol PropertyInfo: AnyObject {
    var key: String? { get }
    /// nil when nothing has been set.
    var currentValue: Any? { get }
    var owner: Module? { get set }
}

/// A property whose value can be replaced without knowing its type.
public protocol TypeErasedSetterProvider {
    /// Replaces the value.
    /// - Throws: `UpdateError` when the value does not fit the property.
    func setTypeErased(_ value: Any) throws
}

/// What both wrappers store.
private final class WrappedStorage<T> {
    var value: T?
    weak var owner: Module?

    init(_ value: T?) { self.value = value }

    /// An optional property that was never set is nil.
    func read(_ wrapper: StaticString) -> T {
        if let value { return value }
        if let type = T.self as? any ExpressibleByNilLiteral.Type,
            let none = type.init(nilLiteral: ()) as? T
        {
            return none
        }
        preconditionFailure("a \(wrapper) property of type \(T.self) is read before it is set")
    }

    func write(_ value: T) {
        self.value = value
        owner?.propertyDidChange()
    }
}

/// An array property of a module: `MLXArray`, an optional, an array, a dictionary, or a tuple.
///
/// ```swift
/// @ParameterInfo(key: "running_mean") var runningMean: MLXArray?
/// ```
///
/// Properties that keep their name need no wrapper. In an initialiser write
/// `_runningMean.wrappedValue = ...` before `super.init()`.
@propertyWrapper public class ParameterInfo<T>: PropertyInfo {
    let key: String?
    private let storage: WrappedStorage<T>

    /// The array. Reading one that was never set and is not optional ends the process.
    public var wrappedValue: T {
        get { storage.read("@ParameterInfo") }
        set { storage.write(newValue) }
    }

    /// - Parameters:
    ///   - defaultValue: the array to begin with.
    ///   - key: the name in files of parameters; the property's name if nil.
    public init(wrappedValue defaultValue: T, key: String? = nil) {
        self.key = key
        storage = WrappedStorage(defaultValue)
    }

    /// A property that the module's initialiser sets.
    /// - Parameter key: the name in files of parameters; the property's name if nil.
    public init(key: String? = nil) {
        self.key = key
        storage = WrappedStorage(nil)
    }

    var currentValue: Any? { storage.value }
    var owner: Module? {
        get { storage.owner }
        set { storage.owner = newValue }
    }
}

/// A module property that `update(modules:)` can replace: a module, an optional, an array, a
/// dictionary, or a tuple of two to five modules.
///
/// ```swift
/// @ModuleInfo(key: "out_proj") var outProjection: Linear
/// ```
@propertyWrapper public class ModuleInfo<T>: PropertyInfo, TypeErasedSetterProvider {
    let key: String?
    private let storage: WrappedStorage<T>

    /// The module. Reading one that was never set and is not optional ends the process.
    public var wrappedValue: T {
        get { storage.read("@ModuleInfo") }
        set { storage.write(newValue) }
    }

    /// - Parameters:
    ///   - defaultValue: the module to begin with.
    ///   - key: the name in files of parameters; the property's name if nil.
    public init(wrappedValue defaultValue: T, key: String? = nil) {
        self.key = key
        storage = WrappedStorage(defaultValue)
    }

    /// A property that the module's initialiser sets.
    /// - Parameter key: the name in files of parameters; the property's name if nil.
    public init(key: String? = nil) {
        self.key = key
        storage = WrappedStorage(nil)
    }

    var currentValue: Any? { storage.value }
    var owner: Module? {
        get { storage.owner }
        set { storage.owner = newValue }
    }

    public func setTypeErased(_ value: Any) throws {
        let cast: T? =
            if case .some(.none) = value as? Module? {
                none
            } else {
                value as? T ?? (value as? [Any?]).flatMap(tuple)
            }
        guard let cast else { throw UpdateError.unableToCast(String(describing: T.self)) }
        storage.write(cast)
    }

    /// What an optional property has without a module.
    private var none: T? {
        (T.self as? any ExpressibleByNilLiteral.Type).flatMap { $0.init(nilLiteral: ()) as? T }
    }

    /// The tuple of the values, each cast to the type of its place.
    private func tuple(_ values: [Any?]) -> T? {
        let v = values.map { $0 as Any }
        return switch v.count {
        case 2: (v[0], v[1]) as? T
        case 3: (v[0], v[1], v[2]) as? T
        case 4: (v[0], v[1], v[2], v[3]) as? T
        case 5: (v[0], v[1], v[2], v[3], v[4]) as? T
        default: nil
        }
    }
}
