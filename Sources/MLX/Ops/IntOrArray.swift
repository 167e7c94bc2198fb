// Arguments that are one number for all axes or one for each, when there may be any number of
// axes. `IntOrPair` and `IntOrTriple` are for two and three.

/// One integer, or one for each axis.
public enum IntOrArray: ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, Sendable {
    /// The same for all axes.
    case int(Int)
    /// One for each axis.
    case array([Int])

    /// The same for all axes.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// One for each axis.
    public init(arrayLiteral elements: Int...) { self = .array(elements) }
    /// One for each axis.
    public init(_ values: [Int]) { self = .array(values) }
    /// The same for all axes.
    public init(_ value: Int) { self = .int(value) }

    /// The numbers as they were given: one, or one for each axis.
    public var asArray: [Int] {
        switch self {
        case .int(let value): [value]
        case .array(let values): values
        }
    }

    /// `asArray` in 32 bits; what does not fit becomes the nearest number that does.
    public var asInt32Array: [Int32] { asArray.asInt32 }

    /// How many numbers were given.
    public var count: Int { asArray.count }

    /// One number for each of `rank` axes; nil when another number of them was given.
    func values(_ rank: Int) -> [Int]? {
        switch self {
        case .int(let value): Array(repeating: value, count: rank)
        case .array(let values):
            values.count == 1
                ? Array(repeating: values[0], count: rank) : values.count == rank ? values : nil
        }
    }
}

/// One number, or one for each axis.
public enum FloatOrArray: ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, Sendable {
    /// The same for all axes.
    case float(Float)
    /// One for each axis.
    case array([Float])

    /// The same for all axes.
    public init(floatLiteral value: Float) { self = .float(value) }
    /// One for each axis.
    public init(arrayLiteral elements: Float...) { self = .array(elements) }
    /// One for each axis.
    public init(_ values: [Float]) { self = .array(values) }
    /// The same for all axes.
    public init(_ value: Float) { self = .float(value) }

    /// The numbers as they were given: one, or one for each axis.
    public var asArray: [Float] {
        switch self {
        case .float(let value): [value]
        case .array(let values): values
        }
    }

    /// One number for each axis; numbers that were given for each axis are returned as they are.
    public func asArray(dimensions: Int) -> [Float] {
        switch self {
        case .float(let value): Array(repeating: value, count: dimensions)
        case .array(let values): values
        }
    }

    /// How many numbers were given.
    public var count: Int { asArray.count }
}
