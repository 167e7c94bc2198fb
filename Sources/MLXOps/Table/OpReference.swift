import MLXBase

/// What a row computes, said once more in the simplest way and in double precision. Tests hold
/// every kernel against it, on every device.
package enum OpReference: Sendable {
    /// Of an element of each input; inputs broadcast.
    case elements(@Sendable ([Double]) -> Double)
    /// Of the elements that one result is made of, in row-major order.
    case fold(@Sendable ([Double]) -> Double)

    static func unary(_ f: @escaping @Sendable (Double) -> Double) -> OpReference {
        .elements { f($0[0]) }
    }

    static func binary(_ f: @escaping @Sendable (Double, Double) -> Double) -> OpReference {
        .elements { f($0[0], $0[1]) }
    }
}

/// Attributes for an input of any shape, and how often the input is given.
package struct DrawRule: Sendable {
    package let inputCount: Int
    /// Nil where the row does not take the shape. `below` is a random number from 0 up to its
    /// argument.
    package let attributes: @Sendable (_ shape: [Int], _ below: (Int) -> Int) -> Attributes?

    package init(
        inputs: Int = 1,
        _ attributes: @escaping @Sendable (_ shape: [Int], _ below: (Int) -> Int) -> Attributes?
    ) {
        inputCount = inputs
        self.attributes = attributes
    }

    /// Some of the axes, of arrays that have elements.
    static let axes = DrawRule { shape, below in
        guard !shape.isEmpty, !shape.contains(0) else { return nil }
        let mask = UInt64(1 + below((1 << shape.count) - 1))
        return Attributes(word: mask | (below(2) == 0 ? 1 << 16 : 0))
    }

    /// The mask of one axis, of arrays that have elements.
    static let oneAxis = DrawRule { shape, below in
        guard !shape.isEmpty, !shape.contains(0) else { return nil }
        return Attributes(word: 1 << UInt64(below(shape.count)))
    }

    static let permutation = DrawRule { shape, below in
        var axes = Array(shape.indices)
        for last in axes.indices.reversed() where last > 0 { axes.swapAt(last, below(last + 1)) }
        return Attributes(word: Permutation(axes).word)
    }

    /// All elements in one row.
    static let flat = DrawRule { shape, _ in
        Attributes(
            outputShape: try? Shape(validating: [shape.reduce(1, *)], operation: "reshape"))
    }

    /// The array twice, along one of its axes.
    static let twice = DrawRule(inputs: 2) { shape, below in
        shape.isEmpty ? nil : Attributes(word: UInt64(below(shape.count)))
    }

    /// A window with steps.
    static let window = DrawRule { shape, below in
        guard !shape.isEmpty, !shape.contains(0) else { return nil }
        var (starts, steps, sizes): ([Int], [Int], [Int]) = ([], [], [])
        for length in shape {
            let step = [1, 1, 2, -1, 3][below(5)]
            let start = below(length)
            let room = step > 0 ? (length - 1 - start) / step : start / -step
            starts.append(start)
            steps.append(step)
            sizes.append(1 + below(room + 1))
        }
        return Attributes(
            words: starts + steps,
            outputShape: try? Shape(validating: sizes, operation: "slice"))
    }
}
