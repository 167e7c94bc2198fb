import MLXBase
import MLXGraph
import MLXOps

/// An array and what it must hold: what `GraphGenerator`, below, makes and simulations compare.
package struct Tracked: Sendable {
    package let array: MLXArray
    package let expected: Dense

    package init(_ array: MLXArray, _ expected: Dense) {
        self.array = array
        self.expected = expected
    }
}

/// Records random valid operations on a growing pool of arrays and computes the reference beside
/// them. Values stay integers of at most `bound`, which float32 adds and multiplies exactly.
package struct GraphGenerator: Sendable {
    package var random: SplitMix64
    package private(set) var pool: [Tracked]
    /// Pin some operations to a stream, so that graphs cross devices.
    package var pinsStreams = true
    /// Products sum this many terms of 2^8 at most and stay below 2^24.
    private static let bound: Float = 16
    private static let maximumElements = 6000

    package init(random: SplitMix64, leaves: [Tracked]) {
        self.random = random
        pool = leaves
    }

    /// A random array for a leaf, small mostly.
    package static func leaf(_ random: inout SplitMix64) -> Dense {
        let sizes = [1, 2, 3, 4, 5, 7]
        var shape = (0..<random.within(1...3)).map { _ in sizes[random.below(sizes.count)] }
        if random.oneIn(20) { shape = [random.within(33...70), random.within(33...70)] }
        var source = random.split()
        random = random.split()
        return Dense(shape: shape) { _ in Float(source.within(-8...8)) }
    }

    /// Adds an array from elsewhere.
    package mutating func adopt(_ tracked: Tracked) { pool.append(tracked) }

    /// Lets go of all but the last few arrays.
    package mutating func keepLast(_ count: Int) {
        if pool.count > count { pool.removeFirst(pool.count - count) }
    }

    /// Records one operation.
    @discardableResult package mutating func step() -> Tracked {
        let x = pool[random.below(pool.count)]
        let stream = pick()
        let result: Tracked? =
            switch random.below(12) {
            case 0...3: binary(x, stream)
            case 4: unary(x, stream)
            case 5, 6: reduction(x, stream)
            case 7: product(x, stream)
            case 8: window(x, stream)
            case 9: transposition(x, stream)
            case 10: flattened(x, stream)
            default: selection(x, stream)
            }
        let tracked = result ?? scaled(x, stream)
        pool.append(tracked)
        return tracked
    }

    private mutating func pick() -> StreamID {
        guard pinsStreams, random.oneIn(2) else { return .unpinned }
        let kind = DeviceKind.allCases[random.below(DeviceKind.allCases.count)]
        return StreamID(kind, lane: random.below(3))
    }

    // MARK: - Operations

    private static func scalar(_ value: Float) -> UInt64 { UInt64(value.bitPattern) }

    /// Brings values back between -bound and bound.
    private func clamped(_ x: Tracked, _ stream: StreamID) -> Tracked {
        let bound = GraphGenerator.bound
        let low = Ops.binary(
            .maximum, x.array, scalarBits: GraphGenerator.scalar(-bound), .float32,
            stream: stream)
        return Tracked(
            Ops.binary(
                .minimum, low, scalarBits: GraphGenerator.scalar(bound), .float32,
                stream: stream),
            x.expected.map { min(max($0, -bound), bound) })
    }

    private mutating func scaled(_ x: Tracked, _ stream: StreamID) -> Tracked {
        let factor = Float(random.within(-2...2))
        return clamped(
            Tracked(
                Ops.binary(
                    .multiply, x.array, scalarBits: GraphGenerator.scalar(factor), .float32,
                    reversed: random.oneIn(2), stream: stream),
                x.expected.map { $0 * factor }), stream)
    }

    private mutating func binary(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        let y = pool[random.below(pool.count)]
        guard let shape = Dense.broadcast(x.expected.shape, y.expected.shape),
            shape.reduce(1, *) <= GraphGenerator.maximumElements
        else { return nil }
        let ops: [(OpCode, (Float, Float) -> Float)] = [
            (.add, { $0 + $1 }), (.subtract, { $0 - $1 }), (.multiply, { $0 * $1 }),
            (.maximum, { max($0, $1) }), (.minimum, { min($0, $1) }),
        ]
        let (code, function) = ops[random.below(ops.count)]
        guard let expected = x.expected.combined(y.expected, function) else { return nil }
        return clamped(
            Tracked(Ops.binary(code, x.array, y.array, stream: stream), expected), stream)
    }

    private mutating func unary(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        let ops: [(OpCode, (Float) -> Float)] = [
            (.negative, { 0 - $0 }), (.abs, { Swift.abs($0) }), (.square, { $0 * $0 }),
        ]
        let (code, function) = ops[random.below(ops.count)]
        return clamped(
            Tracked(Ops.unary(code, x.array, stream: stream), x.expected.map(function)), stream)
    }

    private mutating func reduction(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        guard !x.expected.shape.isEmpty else { return nil }
        let axis = random.below(x.expected.shape.count)
        let keepsDims = random.oneIn(2)
        let mask = Attributes(word: AxisMask([axis], keepDims: keepsDims).word)
        if random.oneIn(3) {
            return Tracked(
                Ops.record(.max, [x.array], mask, stream: stream),
                x.expected.reduced(axis: axis, keepsDims: keepsDims, -.infinity) { max($0, $1) })
        }
        return clamped(
            Tracked(
                Ops.record(.sum, [x.array], mask, stream: stream),
                x.expected.reduced(axis: axis, keepsDims: keepsDims, 0, +)), stream)
    }

    private func product(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        guard x.expected.shape.count == 2 else { return nil }
        let inner = x.expected.shape[1]
        let other =
            pool.last { $0.expected.shape.count == 2 && $0.expected.shape[0] == inner }
            ?? Tracked(Ops.transpose(x.array, [1, 0]), x.expected.transposed([1, 0]))
        let count = x.expected.shape[0] * other.expected.shape[1]
        guard count <= GraphGenerator.maximumElements,
            count * inner <= 64 * GraphGenerator.maximumElements
        else { return nil }
        return clamped(
            Tracked(
                Ops.matmul(x.array, other.array, stream: stream),
                x.expected.times(other.expected)), stream)
    }

    private mutating func window(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        var starts: [Int] = []
        var steps: [Int] = []
        var sizes: [Int] = []
        for size in x.expected.shape {
            let count = random.within(1...size)
            let step = count > 1 ? random.within(1...max(1, (size - 1) / (count - 1))) : 1
            let slack = size - 1 - (count - 1) * step
            let start = random.within(0...slack)
            let isReversed = random.oneIn(4)
            starts.append(isReversed ? start + (count - 1) * step : start)
            steps.append(isReversed ? -step : step)
            sizes.append(count)
        }
        return Tracked(
            Ops.slice(x.array, starts: starts, steps: steps, sizes: sizes, stream: stream),
            x.expected.sliced(starts: starts, steps: steps, sizes: sizes))
    }

    private mutating func transposition(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        let axes = Array(x.expected.shape.indices).shuffled(using: &random)
        return Tracked(
            Ops.transpose(x.array, axes, stream: stream), x.expected.transposed(axes))
    }

    private func flattened(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        let count = x.expected.values.count
        let shape = count % 2 == 0 ? [2, count / 2] : [count]
        return Tracked(
            Ops.reshape(x.array, shape, stream: stream),
            Dense(shape: shape, values: x.expected.values))
    }

    private mutating func selection(_ x: Tracked, _ stream: StreamID) -> Tracked? {
        let other = Float(random.within(-3...3))
        let constant = Ops.scalar(bits: GraphGenerator.scalar(other), .float32)
        let condition = Ops.binary(.greater, x.array, constant, stream: stream)
        return Tracked(
            Ops.select(condition, x.array, constant, stream: stream),
            x.expected.map { $0 > other ? $0 : other })
    }
}
