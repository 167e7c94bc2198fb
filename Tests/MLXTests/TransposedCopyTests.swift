import MLX
import MLXBase
import Testing

/// Large arrays read across their rows: the same numbers as element by element.
@Suite("Transposed copies") struct TransposedCopyTests {
    /// Shapes, the axes in their new order, and how many elements; all above the size from which
    /// inputs are copied first, some with sides that are no multiple of a square's.
    private static let cases: [(shape: [Int], axes: [Int])] = [
        ([300, 700], [1, 0]), ([512, 1024], [1, 0]), ([7, 257, 190], [0, 2, 1]),
        ([120, 11, 250], [2, 1, 0]), ([33, 100, 101], [2, 0, 1]),
        ([1, 400, 1, 700], [3, 0, 2, 1]),
    ]

    /// Numbers that every type has, different for neighbours in every direction.
    private func numbers(_ count: Int) -> [Int32] { (0..<count).map { Int32($0 * 7919 % 113) } }

    private func transposed(_ flat: [Int32], _ shape: [Int], _ axes: [Int]) -> [Int32] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        let sizes = axes.map { shape[$0] }
        return flat.indices.map { place in
            var (rest, from) = (place, 0)
            for axis in axes.indices.reversed() {
                from += rest % sizes[axis] * strides[axes[axis]]
                rest /= sizes[axis]
            }
            return flat[from]
        }
    }

    @Test(
        "Copies and tapes agree with a walk by hand",
        arguments: [DType.uint8, .int16, .float16, .bfloat16, .float32, .int64, .complex64])
    func values(_ dtype: DType) throws {
        for (shape, axes) in Self.cases {
            let flat = numbers(shape.reduce(1, *))
            let x = MLXArray(flat, shape).asType(dtype)
            try checkedEval(x)
            let wanted = transposed(flat, shape, axes)
            let turned = x.transposed(axes: axes)
            let copy = contiguous(turned)
            #expect(copy.asType(.int32).asArray(Int32.self) == wanted, "\(dtype) \(shape) \(axes)")
            // A fused expression, and a second reader of the same copy.
            let (sum, total) = (turned + turned + 1, turned.sum(axis: 0))
            try checkedEval(sum, total)
            let doubled: [Int32] = wanted.map { 2 * $0 + 1 }
            #expect(sum.asType(.int32).asArray(Int32.self) == doubled, "\(dtype) \(shape)")
            let again = contiguous(copy.sum(axis: 0))
            #expect(arrayEqual(total, again).item(Bool.self), "\(dtype) \(shape) \(axes)")
        }
    }

    @Test("A transposed slice with an offset, and one that begins at a number that changes")
    func slices() throws {
        let flat = numbers(600 * 700)
        let x = MLXArray(flat, [600, 700])
        for start in [1, 2, 5] {
            let part = x[start..<(start + 500), start..<(start + 600)].T
            var wanted: [Int32] = []
            for column in start..<(start + 600) {
                for row in start..<(start + 500) { wanted.append(flat[row * 700 + column] * 3) }
            }
            let tripled = part * 3
            #expect(tripled.asArray(Int32.self) == wanted)
        }
    }
}
