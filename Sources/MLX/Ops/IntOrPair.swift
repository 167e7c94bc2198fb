// Arguments that are one number for all spatial axes or one for each.

/// One number for both axes, or one for each.
public struct IntOrPair: Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// Both numbers.
    public let values: (Int, Int)
    /// The number for the first axis, the height.
    public var first: Int { values.0 }
    /// The number for the second axis, the width.
    public var second: Int { values.1 }

    public init(integerLiteral value: IntegerLiteralType) { values = (value, value) }

    /// Two numbers; a single one counts for both axes, others are ignored.
    public init(arrayLiteral elements: Int...) {
        values = (elements.first ?? 0, elements.dropFirst().first ?? elements.first ?? 0)
    }

    /// Two numbers, of a shape say; a single one counts for both axes, others are ignored.
    public init(_ values: some Collection<Int>) {
        let first = values.first ?? 0
        self.values = (first, values.dropFirst().first ?? first)
    }

    /// One number for each axis.
    public init(_ values: (Int, Int)) { self.values = values }
    /// The same for both axes.
    public init(_ value: Int) { values = (value, value) }
}

/// One number for all three axes, or one for each.
public struct IntOrTriple: Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// All three numbers.
    public let values: (Int, Int, Int)
    /// The number for the first axis, the depth.
    public var first: Int { values.0 }
    /// The number for the second axis, the height.
    public var second: Int { values.1 }
    /// The number for the third axis, the width.
    public var third: Int { values.2 }

    public init(integerLiteral value: IntegerLiteralType) { values = (value, value, value) }

    /// Three numbers; missing ones repeat the first.
    public init(arrayLiteral elements: Int...) {
        let first = elements.first ?? 0
        values = (
            first, elements.count > 1 ? elements[1] : first,
            elements.count > 2 ? elements[2] : first
        )
    }

    /// Three numbers, of a shape say; missing ones repeat the first.
    public init(_ values: some Collection<Int>) {
        let numbers = Array(values.prefix(3))
        let first = numbers.first ?? 0
        self.values = (
            first, numbers.count > 1 ? numbers[1] : first, numbers.count > 2 ? numbers[2] : first
        )
    }

    /// One number for each axis.
    public init(_ values: (Int, Int, Int)) { self.values = values }
    /// The same for all axes.
    public init(_ value: Int) { values = (value, value, value) }
}
