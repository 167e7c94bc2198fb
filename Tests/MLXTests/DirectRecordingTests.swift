import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

/// The short ways in which common operations are recorded make the nodes that the rows' own rules
/// make, and leave errors to them.
@Suite("Direct recording") struct DirectRecordingTests {
    private struct Node: Equatable {
        let op: OpCode
        let dtype: DType
        let shape: Shape
        let word: UInt64
        let stream: StreamID
        let isPoisoned: Bool

        init(_ array: MLXArray) {
            let node = NodeReference(array)
            (op, dtype, shape) = (node.op, node.dtype, node.shape)
            (word, stream, isPoisoned) = (node.word, node.stream, node.isPoisoned)
        }
    }

    private static let reductions: [OpCode] = [
        .sum, .product, .max, .min, .all, .any, .argMax, .argMin, .logSumExp, .softmax,
    ]
    private static let shapes: [[Int]] = [[], [1], [5], [2, 3], [4, 1, 2], [2, 0, 3]]

    @Test("reductions over one axis and over all", arguments: [DType.float32, .int8, .bool])
    func reductions(dtype: DType) {
        for dims in DirectRecordingTests.shapes {
            let x = MLXArray.zeros(dims, dtype: dtype)
            for code in DirectRecordingTests.reductions {
                for keepDims in code == .softmax ? [false] : [false, true] {
                    // A number no axis has, too: the error is the row's.
                    for axis in -dims.count - 1...dims.count {
                        let direct = Ops.reduce(code, x, axis: axis, keepDims: keepDims)
                        let general = Ops.reduce(code, x, axes: [axis], keepDims: keepDims)
                        #expect(Node(direct) == Node(general), "\(code) \(dims) \(axis)")
                    }
                    let direct = Ops.reduceAll(code, x, keepDims: keepDims)
                    let general = Ops.reduce(code, x, axes: nil, keepDims: keepDims)
                    #expect(Node(direct) == Node(general), "\(code) \(dims)")
                }
            }
        }
    }

    @Test("reshapes, with a dimension that is left over, and wrong ones") func reshapes() {
        let x = MLXArray.zeros([2, 6])
        for dims in [[12], [3, 4], [-1], [3, -1], [1, 12, 1], [2, 6], [-1, 2, 3]] {
            let y = x.reshaped(dims)
            let known = dims.filter { $0 >= 0 }.reduce(1, *)
            #expect(y.shape == dims.map { $0 == -1 ? 12 / known : $0 })
        }
        #expect(x.reshaped([2, 6]) !== x)
        #expect(MLXArray.zeros([0, 3]).reshaped([3, 0]).shape == [3, 0])
        let wrong = [
            [5], [-1, -1], [-2, -6], [7, -1], [0, -1], [Int.max, Int.max], [Int.max, -1],
            Array(repeating: 1, count: 40), [-1, 0],
        ]
        for dims in wrong {
            #expect(throws: (any Error).self, "\(dims)") {
                try withError { eval(x.reshaped(dims)) }
            }
        }
    }

    @Test("products of vectors, matrices and batches") func products() {
        let cases: [([Int], [Int], [Int])] = [
            ([3], [3], []), ([3], [3, 4], [4]), ([2, 3], [3], [2]), ([2, 3], [3, 4], [2, 4]),
            ([5, 2, 3], [3], [5, 2]), ([5, 2, 3], [3, 4], [5, 2, 4]),
            ([5, 2, 3], [5, 3, 4], [5, 2, 4]), ([3], [5, 3, 4], [5, 4]),
            ([5, 1, 2, 3], [6, 3, 4], [5, 6, 2, 4]), ([0], [0], []), ([2, 0], [0, 3], [2, 3]),
        ]
        for (left, right, wanted) in cases {
            let y = matmul(MLXArray.ones(left), MLXArray.ones(right))
            #expect(y.shape == wanted, "\(left) \(right)")
            #expect(
                y.asType(.float64).sum().item(Double.self)
                    == Double(wanted.reduce(1, *) * left.last!))
        }
        let half = matmul(MLXArray.ones([3], dtype: .float16), MLXArray.ones([3]))
        #expect(half.dtype == .float32 && half.item(Float.self) == 3)
        for (left, right) in [([3], [4]), ([2, 3], [2, 3]), ([], [3]), ([2, 2, 3], [3, 3, 4])] {
            #expect(throws: (any Error).self) {
                try withError { eval(matmul(MLXArray.ones(left), MLXArray.ones(right))) }
            }
        }
        let integers = MLXArray.ones([3], dtype: .int32)
        #expect(throws: (any Error).self) { try withError { eval(matmul(integers, integers)) } }
    }

    @Test("a stream, a trace and an error go with the node") func marks() {
        let x = MLXArray.ones([4])
        let bad = x + MLXArray.ones([3])
        #expect(Node(bad.sum()).isPoisoned && Node(matmul(bad, bad)).isPoisoned)
        #expect(Node(bad.reshaped([2, 2])).isPoisoned)
        #expect(NodeReference(sum(x, stream: .gpu)).stream.kind == .gpu)
        Device.withDefaultDevice(.cpu) {
            #expect(NodeReference(matmul(x, x)).stream.kind == .cpu)
            #expect(NodeReference(x.reshaped([2, 2])).stream.kind == .cpu)
        }
        let slope = grad { (x: MLXArray) in matmul(softmax(x, axis: -1), x).reshaped([1]).sum() }
        let wanted = grad { (x: MLXArray) in (softmax(x, axes: [0]) * x).sum() }
        let point = MLXArray([0.1, 0.5, -1, 2] as [Float])
        #expect(allClose(slope(point), wanted(point)).item(Bool.self))
    }
}
