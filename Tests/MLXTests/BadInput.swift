import MLX
import Testing

/// A call that must fail: its row of the catalogue of bad input, and the error it must make. The
/// call stands on the line of its `BadInput(`, or shortly after, so that the error's call site can
/// be checked.
struct BadInput: Sendable, CustomTestStringConvertible {
    let row: Int
    let name: String
    let kind: ArrayError.Kind
    let operation: String
    let shapes: [[Int]]?
    let line: Int
    let call: @Sendable () -> MLXArray

    init(
        _ row: Int, _ name: String, _ kind: ArrayError.Kind, _ operation: String,
        shapes: [[Int]]? = nil, line: Int = #line, _ call: @escaping @Sendable () -> MLXArray
    ) {
        self.row = row
        self.name = name
        self.kind = kind
        self.operation = operation
        self.shapes = shapes
        self.line = line
        self.call = call
    }

    var testDescription: String { "D.2 \(row): \(name)" }

    static let all: [BadInput] =
        windows + integers + sizes + indices + shapes + axes + ranges + dtypes + graphs
        + sequences + volumes + spectra + matrices + contractions + packed
}

/// Numbers 0, 1, 2, … in a shape.
private func x(_ shape: Int...) -> MLXArray {
    arange(shape.reduce(1, *), dtype: .float32).reshaped(shape)
}

/// Hides a constant from the compiler's own checks of arithmetic.
private let key = MLXRandom.key(0)
private let lowest = Int.min
private let highest = Int.max

extension BadInput {
    static let windows: [BadInput] = [
        BadInput(16, "stride 0", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), stride: 0)
        },
        BadInput(16, "negative stride", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), stride: [1, -1])
        },
        BadInput(16, "dilation 0", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), dilation: 0)
        },
        BadInput(16, "dilation INT_MIN", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), dilation: IntOrPair(lowest))
        },
        BadInput(16, "groups 0", .shape, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), groups: 0)
        },
        BadInput(16, "groups INT_MIN", .shape, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), groups: lowest)
        },
        BadInput(16, "groups INT_MAX", .shape, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(0, 2, 2, 2), groups: highest)
        },
        BadInput(
            16, "channels do not match", .shape, "conv2d", shapes: [[1, 4, 4, 2], [3, 2, 2, 3]]
        ) {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 3))
        },
        BadInput(16, "kernel larger than input", .shape, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 5, 5, 2))
        },
        BadInput(16, "empty kernel", .shape, "conv2d") { conv2d(x(1, 4, 4, 2), x(3, 0, 2, 2)) },
        BadInput(16, "input without rows", .shape, "conv2d") {
            conv2d(x(1, 0, 4, 2), x(3, 2, 2, 2))
        },
        BadInput(16, "padding INT_MAX", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), padding: IntOrPair(highest))
        },
        BadInput(16, "padding INT_MIN", .argument, "conv2d") {
            conv2d(x(1, 4, 4, 2), x(3, 2, 2, 2), padding: IntOrPair(lowest / 4))
        },
        BadInput(16, "rank 3", .shape, "conv2d") { conv2d(x(4, 4, 2), x(3, 2, 2, 2)) },
        BadInput(16, "integers", .dtype, "conv2d") {
            conv2d(x(1, 4, 4, 2).asType(.int32), x(3, 2, 2, 2).asType(.int32))
        },
        BadInput(16, "0 parts", .shape, "split") { split(x(4), parts: 0)[0] },
        BadInput(16, "negative parts", .shape, "split") { split(x(4), parts: lowest)[0] },
        BadInput(16, "unequal parts", .shape, "split") { split(x(4), parts: 3)[0] },
        BadInput(16, "2^62 parts of nothing", .shape, "split") { split(x(0), parts: 1 << 62)[0] },
    ]

    /// Integer division never fails; what can is a number that does not fit.
    static let integers: [BadInput] = [
        BadInput(17, "uint8 + 300", .argument, "array") { MLXArray([1, 2] as [UInt8]) + 300 },
        BadInput(17, "uint32 - 1", .argument, "array") { MLXArray([1] as [UInt32]) + (-1) },
        BadInput(17, "an Int beyond 32 bits", .argument, "array") { MLXArray(1 << 40) },
        BadInput(17, "argMax of nothing", .argument, "argmax") { argMax(x(0)) },
        BadInput(17, "argMin over an empty axis", .argument, "argmin") { argMin(x(2, 0), axis: 1) },
        BadInput(17, "max over an empty axis", .argument, "max") { max(x(2, 0), axis: 1) },
        BadInput(17, "min of nothing", .argument, "min") { min(x(0)) },
    ]

    static let sizes: [BadInput] = [
        BadInput(18, "zeros of 2^62 elements", .limit, "full") { zeros([1 << 31, 1 << 31]) },
        BadInput(18, "2^60 elements of 8 bytes", .limit, "full") {
            zeros([1 << 60], dtype: .int64)
        },
        BadInput(18, "product wraps to 0", .limit, "full") { zeros([1 << 32, 1 << 32]) },
        BadInput(18, "0 times 2^63 - 1 times 4", .limit, "full") { zeros([0, highest, 4]) },
        BadInput(18, "negative dimension", .shape, "full") { zeros([2, -3]) },
        BadInput(18, "INT_MIN", .shape, "full") { zeros([lowest]) },
        BadInput(18, "concatenate wraps", .limit, "concatenate") {
            let wide = broadcast(x(1), to: [1 << 59])
            return concatenated([wide, wide, wide])
        },
        BadInput(18, "repeat wraps", .limit, "broadcast_to") {
            repeated(x(4), count: 1 << 60, axis: 0)
        },
        BadInput(18, "repeat overflows", .limit, "repeat") {
            repeated(x(4), count: highest, axis: 0)
        },
        BadInput(18, "negative repeat", .argument, "repeat") { repeated(x(4), count: -1, axis: 0) },
        BadInput(18, "tile overflows", .argument, "tile") { tiled(x(4), repetitions: highest) },
        BadInput(18, "negative tile", .argument, "tile") { tiled(x(4), repetitions: [2, -1]) },
        BadInput(18, "tile wraps in two axes", .limit, "broadcast_to") {
            tiled(x(4), repetitions: [1 << 31, 1 << 31])
        },
        BadInput(18, "pad overflows", .argument, "pad") { padded(x(4), width: IntOrPair(highest)) },
        BadInput(18, "negative pad", .argument, "pad") { padded(x(4), width: -1) },
        BadInput(18, "edge pad overflows", .limit, "broadcast_to") {
            padded(x(4), width: IntOrPair(highest), mode: .edge)
        },
        BadInput(18, "outer product wraps", .limit, "add") {
            broadcast(x(1), to: [1 << 40, 1]) + broadcast(x(1), to: [1 << 40])
        },
        BadInput(18, "matmul result wraps", .limit, "matmul") {
            matmul(broadcast(x(1), to: [1 << 40, 1]), broadcast(x(1), to: [1, 1 << 40]))
        },
        BadInput(18, "random of 2^62", .limit, "random_bits") {
            MLXRandom.uniform(0..<1, [1 << 62], key: key)
        },
        BadInput(18, "negative random", .shape, "random_bits") { MLXRandom.normal([-1], key: key) },
    ]

    static let indices: [BadInput] = [
        BadInput(19, "int beyond the end", .index, "subscript", shapes: [[3]]) { x(3)[3] },
        BadInput(19, "int before the start", .index, "subscript") { x(3)[-4] },
        BadInput(19, "INT_MIN", .index, "subscript") { x(3)[lowest] },
        BadInput(19, "INT_MAX beside a slice", .index, "subscript") { x(3, 4)[0..., highest] },
        BadInput(19, "array beyond the end", .index, "gather") { x(3)[MLXArray([0, 3])] },
        BadInput(19, "array before the start", .index, "gather") { x(3)[MLXArray([0, -4])] },
        BadInput(19, "uint32 beyond the end", .index, "gather") { x(3)[MLXArray([7] as [UInt32])] },
        BadInput(19, "uint64 that is negative as signed", .index, "gather") {
            x(3)[MLXArray([UInt64.max])]
        },
        BadInput(19, "int64 INT_MIN", .index, "gather") { x(3)[MLXArray([Int64.min])] },
        BadInput(19, "slice and array", .index, "gather") { x(3, 4)[0..<2, MLXArray([4])] },
        BadInput(19, "ellipsis and array", .index, "gather") { x(3, 4)[.ellipsis, MLXArray([-5])] },
        BadInput(19, "int beside an array", .index, "subscript") { x(3, 4)[3, MLXArray([0])] },
        BadInput(19, "two ellipses", .index, "subscript") { x(3)[.ellipsis, .ellipsis] },
        BadInput(19, "too many indices", .index, "subscript") { x(3)[0, 0] },
        BadInput(19, "index of a scalar", .index, "subscript") { x()[0] },
        BadInput(19, "stride 0", .argument, "slice") { x(3)[.stride(by: 0)] },
        BadInput(19, "float index", .dtype, "gather") { x(3)[x(2)] },
        BadInput(19, "bool index", .dtype, "gather") { x(3)[MLXArray([true, false, true])] },
        BadInput(19, "indices that do not broadcast", .shape, "broadcast_shapes") {
            x(3, 4)[MLXArray([0, 1]), MLXArray([0, 1, 2])]
        },
        BadInput(19, "take from nothing", .index, "take") { take(x(0), MLXArray([0])) },
        BadInput(19, "take beyond the end", .index, "gather") {
            take(x(3, 2), MLXArray([3]), axis: 0)
        },
        BadInput(19, "takeAlong of another rank", .shape, "take_along_axis") {
            takeAlong(x(3, 2), MLXArray([0]), axis: 0)
        },
        BadInput(19, "takeAlong beyond the end", .index, "take_along_axis") {
            takeAlong(x(3, 2), MLXArray([5, 0], [1, 2]), axis: 0)
        },
        BadInput(19, "putAlong beyond the end", .index, "put_along_axis") {
            putAlong(x(3, 2), MLXArray([5, 0], [1, 2]), values: x(1, 2), axis: 0)
        },
        BadInput(19, "assign beyond the end", .index, "scatter") {
            let target = x(3)
            target[MLXArray([3])] = x(1)
            return target
        },
        BadInput(19, "at.add before the start", .index, "scatter") {
            x(3).at[MLXArray([-4])].add(1)
        },
        BadInput(19, "assign a wrong shape", .shape, "broadcast_shapes") {
            let target = x(3)
            target[0..<2] = x(5)
            return target
        },
    ]
}
