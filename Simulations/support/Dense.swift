/// What an array must hold, computed in plain Swift next to the graph: the reference. Slow and
/// obvious. Simulations keep to small integers, so sums and products are exact in any order and
/// a result is either equal or wrong.
package struct Dense: Sendable, Equatable {
    package let shape: [Int]
    package var values: [Float]

    package init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count)
        self.shape = shape
        self.values = values
    }

    package init(shape: [Int], _ value: ([Int]) -> Float) {
        self.shape = shape
        values = []
        values.reserveCapacity(shape.reduce(1, *))
        Dense.forEachIndex(shape) { values.append(value($0)) }
    }

    /// Calls `body` with every index in row-major order.
    package static func forEachIndex(_ shape: [Int], _ body: ([Int]) -> Void) {
        var index = [Int](repeating: 0, count: shape.count)
        for _ in 0..<shape.reduce(1, *) {
            body(index)
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < shape[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
    }

    /// The element at an index of a shape that this broadcasts to.
    package subscript(_ index: [Int]) -> Float {
        var offset = 0
        let lead = index.count - shape.count
        for axis in 0..<shape.count {
            offset = offset * shape[axis] + (shape[axis] == 1 ? 0 : index[lead + axis])
        }
        return values[offset]
    }

    package func map(_ transform: (Float) -> Float) -> Dense {
        Dense(shape: shape, values: values.map(transform))
    }

    /// nil where the shapes do not broadcast.
    package static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
        var result: [Int] = []
        for back in 1...max(a.count, b.count, 1) {
            let x = back <= a.count ? a[a.count - back] : 1
            let y = back <= b.count ? b[b.count - back] : 1
            guard back <= max(a.count, b.count) else { break }
            guard x == y || x == 1 || y == 1 else { return nil }
            result.append(x == 1 ? y : x)
        }
        return result.reversed()
    }

    package func combined(_ other: Dense, _ transform: (Float, Float) -> Float) -> Dense? {
        guard let shape = Dense.broadcast(shape, other.shape) else { return nil }
        return Dense(shape: shape) { transform(self[$0], other[$0]) }
    }

    /// Reduced over one axis, which stays with size one if `keepsDims`.
    package func reduced(
        axis: Int, keepsDims: Bool, _ initial: Float, _ combine: (Float, Float) -> Float
    ) -> Dense {
        var kept = shape
        kept[axis] = 1
        let result = Dense(shape: kept) { index in
            var at = index
            return (0..<shape[axis]).reduce(initial) { partial, position in
                at[axis] = position
                return combine(partial, self[at])
            }
        }
        if keepsDims { return result }
        kept.remove(at: axis)
        return Dense(shape: kept, values: result.values)
    }

    package func transposed(_ axes: [Int]) -> Dense {
        Dense(shape: axes.map { shape[$0] }) { index in
            var source = index
            for (position, axis) in axes.enumerated() { source[axis] = index[position] }
            return self[source]
        }
    }

    package func sliced(starts: [Int], steps: [Int], sizes: [Int]) -> Dense {
        Dense(shape: sizes) { index in
            self[zip(index, zip(starts, steps)).map { $1.0 + $0 * $1.1 }]
        }
    }

    /// The product of two matrices.
    package func times(_ other: Dense) -> Dense {
        Dense(shape: [shape[0], other.shape[1]]) { index in
            (0..<shape[1]).reduce(0) { $0 + self[[index[0], $1]] * other[[$1, index[1]]] }
        }
    }
}
