/// A value whose description has several lines and can be set in by some columns: modules and
/// nested structures, which print inside each other. The first line is never set in, because
/// whatever prints the value has already placed it.
public protocol IndentedDescription: CustomStringConvertible {
    /// The description with every line but the first set in by `indent` spaces.
    func description(indent: Int) -> String
}

extension IndentedDescription {
    public var description: String { description(indent: 0) }
}

/// The description of any value, set in by `indent` spaces if the value can be.
public func indentedDescription(_ value: Any, _ indent: Int) -> String {
    (value as? any IndentedDescription)?.description(indent: indent) ?? String(describing: value)
}
