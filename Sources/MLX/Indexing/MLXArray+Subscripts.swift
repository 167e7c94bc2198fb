import MLXBase
import MLXGraph
import MLXOps

// Subscripts. Reading gives a window where slices suffice and a gather where index arrays are
// involved; assigning makes the array stand for an updated copy.
extension MLXArray {
    /// Part of the array; assigning replaces it. Integers drop their axis, ranges keep it,
    /// `.newAxis` adds one, `.ellipsis` stands for all axes between, integer arrays gather along
    /// their axis, and missing indices take the whole axis. Negative numbers count from the end.
    ///
    /// Ranges are cut off at the ends. An integer outside its axis makes the result invalid; an
    /// index array outside it fails when evaluated. An assigned value is broadcast and cast to the
    /// array's dtype. Windows of a row-major array share its memory.
    ///
    /// ```swift
    /// let a = MLXArray(0 ..< 12, [3, 4])
    /// let row = a[1]                              // (4): 4 5 6 7
    /// let column = a[0..., 2]                     // (3): 2 6 10
    /// let picked = a[MLXArray([2, 0] as [Int32])] // (2, 4): rows 2 and 0
    /// a[0, 1 ..< 3] = MLXArray(-1)
    /// ```
    public subscript(
        indices: any MLXArrayIndex..., stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        get { read(indices.map(\.mlxArrayIndexOperation), stream.id) }
        set { write(indices.map(\.mlxArrayIndexOperation), newValue, stream.id) }
    }

    /// Part of the array, by indices in a Swift array; as the subscript that takes them one by one.
    public subscript(
        indices: [any MLXArrayIndex], stream stream: StreamOrDevice = .default
    ) -> MLXArray {
        get { read(indices.map(\.mlxArrayIndexOperation), stream.id) }
        set { write(indices.map(\.mlxArrayIndexOperation), newValue, stream.id) }
    }

    /// A literal for the elements of a subscript: `a[0] = 7`.
    @_disfavoredOverload
    public subscript(
        indices: any MLXArrayIndex..., stream stream: StreamOrDevice = .default
    ) -> MLXScalarLiteral {
        get { MLXScalarLiteral(read(indices.map(\.mlxArrayIndexOperation), stream.id)) }
        set { write(indices.map(\.mlxArrayIndexOperation), newValue.array, stream.id) }
    }

    package func read(_ operations: [MLXArrayIndexOperation], _ stream: StreamID) -> MLXArray {
        recording([self]) { () throws(ArrayError) in
            if isShapeWatched, let places = newAxes(operations) {
                return Ops.singleAxes(
                    .expandDims, self, AxisMask(places, keepDims: false).word, stream: stream)
            }
            let plan = try IndexPlan(operations, shape: shape)
            return plan.gathered(from: windowed(by: plan, stream), stream)
        }
    }

    /// Where a subscript has new axes, if it has axes in full besides and nothing else: that can be
    /// said whatever the shape is.
    private func newAxes(_ operations: [MLXArrayIndexOperation]) -> [Int]? {
        var places: [Int] = []
        let ellipsis = ndim - operations.count(where: \.isAxis)
        var axis = 0
        for operation in operations {
            switch operation {
            case .newAxis:
                places.append(axis)
                axis += 1
            case .ellipsis: axis += ellipsis
            case .slice(let slice) where slice.isWhole: axis += 1
            default: return nil
            }
        }
        let fits = ellipsis >= 0 && ndim + places.count <= Shape.maximumRank
        return fits && !places.isEmpty ? places : nil
    }

    /// The window of a subscript's slices.
    private func windowed(by plan: IndexPlan, _ stream: StreamID) -> MLXArray {
        plan.isFullWindow(of: shape)
            ? self
            : Ops.slice(
                self, starts: plan.starts, steps: plan.steps, sizes: plan.sizes, stream: stream)
    }

    private func write(
        _ operations: [MLXArrayIndexOperation], _ values: MLXArray, _ stream: StreamID
    ) {
        replace(with: updated(operations, values, .assign, stream))
    }

    /// The array with the elements of a subscript combined with values.
    package func updated(
        _ operations: [MLXArrayIndexOperation], _ values: MLXArray, _ update: IndexUpdate,
        _ stream: StreamID
    ) -> MLXArray {
        recording([self, values]) { () throws(ArrayError) in
            if case .array(let mask)? = operations.first, operations.count == 1,
                mask.dtype == .bool, case .assign = update
            {
                return try masked(mask, values, stream)
            }
            let plan = try IndexPlan(operations, shape: shape)
            let values = try fitted(Ops.cast(values, to: dtype, stream: stream), plan, stream)
            let window = windowed(by: plan, stream)
            let changed: MLXArray
            if plan.gathered.isEmpty {
                let inWindow = Ops.reshape(values, plan.sizes, stream: stream)
                changed = update.combine(window, inWindow, stream)
            } else {
                changed = Ops.record(
                    update.scatter,
                    [window] + plan.gathered.map(\.indices) + [plan.unarranged(values, stream)],
                    Attributes(words: plan.gatherWords), stream: stream)
            }
            if plan.isFullWindow(of: shape) { return changed }
            return Ops.record(
                .sliceUpdate, [self, changed],
                Attributes(words: plan.starts + plan.steps),
                stream: stream)
        }
    }

    /// Values broadcast to the shape of a subscript; leading axes of size one may be too many.
    private func fitted(
        _ values: MLXArray, _ plan: IndexPlan, _ stream: StreamID
    ) throws(ArrayError) -> MLXArray {
        let target = plan.resultShape
        var shape = values.shape
        while shape.count > target.count, shape.first == 1 { shape.removeFirst() }
        return Ops.broadcast(
            Ops.reshape(values, shape, stream: stream), to: target, stream: stream)
    }
}

extension IndexPlan {
    /// The result of a subscript from its window.
    func gathered(from window: MLXArray, _ stream: StreamID) -> MLXArray {
        if gathered.isEmpty { return Ops.reshape(window, resultShape, stream: stream) }
        let picked = Ops.record(
            .gather, [window] + gathered.map(\.indices), Attributes(words: gatherWords),
            stream: stream)
        return arranged(picked, stream)
    }
}

/// How an indexed update combines old and new elements.
package enum IndexUpdate {
    case assign, add, multiply, minimum, maximum

    var scatter: OpCode {
        switch self {
        case .assign: .scatterAssign
        case .add: .scatterAdd
        case .multiply: .scatterProduct
        case .minimum: .scatterMin
        case .maximum: .scatterMax
        }
    }

    /// Where no element is named twice.
    func combine(_ old: MLXArray, _ new: MLXArray, _ stream: StreamID) -> MLXArray {
        switch self {
        case .assign: new
        case .add: Ops.binary(.add, old, new, stream: stream)
        case .multiply: Ops.binary(.multiply, old, new, stream: stream)
        case .minimum, .maximum: scattered(old, new, stream)
        }
    }

    /// As where an element can be named twice, so that the derivative is the same: it goes to old
    /// and new where both are the result.
    private func scattered(_ old: MLXArray, _ new: MLXArray, _ stream: StreamID) -> MLXArray {
        let all = old.size
        let line = Ops.record(
            scatter,
            [
                Ops.reshape(old, [1, all], stream: stream), Ops.scalar(0, .int32),
                Ops.reshape(new, [1, all], stream: stream),
            ], Attributes(words: [1, 1, all]), stream: stream)
        return Ops.reshape(line, old.shape, stream: stream)
    }
}
