import MLXBase
import MLXGraph
import MLXOps

/// A subscript worked out for one shape: a window of slices, the axes that are gathered, and how
/// the result's axes are arranged. Reading and assigning follow the same plan in opposite
/// directions. NumPy's rule: index arrays (and integers beside them) broadcast to one shape,
/// which takes their place when they stand together and comes first when they do not.
struct IndexPlan {
    /// The window of the array, with indexed axes in full.
    var starts: [Int] = []
    var steps: [Int] = []
    var sizes: [Int] = []
    /// Index arrays and the axes they pick from.
    var gathered: [(axis: Int, indices: MLXArray)] = []
    /// The broadcast shape of the index arrays.
    var indexShape: [Int] = []
    /// Axes of the window that stay.
    private var kept: [Int] = []
    /// The result's axes: -1 a new one, -2 the index shape's, else an axis of the window.
    private var order: [Int] = []

    init(_ operations: [MLXArrayIndexOperation], shape: [Int]) throws(ArrayError) {
        let operations = try expandEllipsisOperations(shape: shape, operations: operations)
        let hasArray = operations.contains { if case .array = $0 { true } else { false } }
        var axis = 0
        var groups = 0
        var isInGroup = false
        for operation in operations {
            var isIndex = false
            switch operation {
            case .newAxis: order.append(-1)
            case .ellipsis: break
            case .slice(let slice) where slice.position == nil:
                guard slice.step != 0 else {
                    throw ArrayError(.argument, "slice", "a stride of 0", shapes: [shape])
                }
                let (start, count) = slice.resolved(shape[axis])
                appendWindow(start, count > 1 ? slice.step : 1, count)
                kept.append(axis)
                order.append(axis)
                axis += 1
            case .index, .slice:
                let position = try IndexPlan.position(operation.position, axis, shape)
                if hasArray {
                    isIndex = true
                    let index = Int32(exactly: position).map { MLXArray($0) }
                    gathered.append((axis, index ?? MLXArray(int64: position)))
                    appendWindow(0, 1, shape[axis])
                } else {
                    appendWindow(position, 1, 1)
                }
                axis += 1
            case .array(let indices):
                guard indices.dtype.isInteger else {
                    throw ArrayError(
                        .dtype, "gather", "needs integer indices, not \(indices.dtype)",
                        shapes: [shape, indices.shape], dtypes: [indices.dtype])
                }
                isIndex = true
                gathered.append((axis, indices))
                appendWindow(0, 1, shape[axis])
                axis += 1
            }
            if isIndex && !isInGroup {
                groups += 1
                order.append(-2)
            }
            isInGroup = isIndex
        }
        if groups > 0 {
            indexShape = try Broadcasting.shape(
                gathered.map { $0.indices.nodeShape }, operation: "gather"
            ).array
        }
        if groups > 1 { order = [-2] + order.filter { $0 != -2 } }
    }

    private mutating func appendWindow(_ start: Int, _ step: Int, _ size: Int) {
        starts.append(start)
        steps.append(step)
        sizes.append(size)
    }

    private static func position(
        _ index: Int, _ axis: Int, _ shape: [Int]
    ) throws(ArrayError) -> Int {
        let size = shape[axis]
        guard index >= -size, index < size else {
            throw ArrayError(
                .index, "subscript",
                "index \(index) is out of range for axis \(axis) with size \(size)",
                shapes: [shape])
        }
        return index < 0 ? index + size : index
    }

    /// The shape of the result.
    var resultShape: [Int] {
        order.flatMap { $0 == -1 ? [1] : $0 == -2 ? indexShape : [sizes[$0]] }
    }

    func isFullWindow(of shape: [Int]) -> Bool {
        sizes == shape && starts.allSatisfy { $0 == 0 } && steps.allSatisfy { $0 == 1 }
    }

    /// The kernels' words: the mask of indexed axes and the size of each window.
    var gatherWords: [Int] {
        var mask = 0
        var window = sizes
        for (axis, _) in gathered {
            mask |= 1 << axis
            window[axis] = 1
        }
        return [mask] + window
    }

    /// The result's axes that are windows', in the order the kernels have them: index shape
    /// first, then the kept axes.
    private var permutation: [Int] {
        let count = indexShape.count
        return order.filter { $0 != -1 }.flatMap { entry -> [Int] in
            entry == -2
                ? Array(0..<count) : [count + kept.firstIndex(of: entry)!]
        }
    }

    /// From what a gather gives (index shape, window) to the result.
    func arranged(_ gatheredArray: MLXArray, _ stream: StreamID) -> MLXArray {
        let flat = Ops.reshape(gatheredArray, indexShape + kept.map { sizes[$0] }, stream: stream)
        let moved = Ops.transpose(flat, permutation, stream: stream)
        return Ops.reshape(moved, resultShape, stream: stream)
    }

    /// From values in the result's shape to what a scatter takes (index shape, window).
    func unarranged(_ values: MLXArray, _ stream: StreamID) -> MLXArray {
        let permutation = permutation
        let flat = Ops.reshape(
            values,
            order.filter { $0 != -1 }.flatMap { $0 == -2 ? indexShape : [sizes[$0]] },
            stream: stream)
        let back = Ops.transpose(flat, Permutation(permutation).inverse, stream: stream)
        return Ops.reshape(
            back, indexShape + Array(gatherWords.dropFirst()), stream: stream)
    }
}

/// Full slices in place of the ellipsis, and for all axes that the subscript does not name.
func expandEllipsisOperations(
    shape: [Int], operations: [MLXArrayIndexOperation]
) throws(ArrayError) -> [MLXArrayIndexOperation] {
    let named = operations.count { $0.isAxis }
    guard named <= shape.count else {
        throw ArrayError(
            .index, "subscript",
            "Too many indices for array with \(shape.count) dimensions: \(named)",
            shapes: [shape])
    }
    let fill = [MLXArrayIndexOperation](
        repeating: .slice(MLXSlice()), count: shape.count - named)
    let ellipses = operations.indices.filter {
        if case .ellipsis = operations[$0] { true } else { false }
    }
    guard ellipses.count <= 1 else {
        throw ArrayError(.index, "subscript", "more than one ellipsis", shapes: [shape])
    }
    guard let place = ellipses.first else { return operations + fill }
    var result = operations
    result.replaceSubrange(place...place, with: fill)
    return result
}
