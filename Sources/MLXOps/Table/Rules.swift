import MLXBase
import MLXGraph

/// Shape and dtype rules that several rows share.
extension DTypeRule {
    /// All inputs promote to one dtype, the result has it.
    static let promote = DTypeRule { context in
        let type = promoted(context)
        return (type, type)
    }

    /// As `promote`, and integers and bool become float32.
    static let promoteFloat = DTypeRule { context in
        let type = promoted(context).atLeastFloat
        return (type, type)
    }

    /// As `promoteFloat`, without complex numbers.
    static let promoteRealFloat = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context).atLeastFloat
        if type == .complex64 { throw context.error(.dtype, "does not take complex64") }
        return (type, type)
    }

    /// The inputs promote to one inexact dtype; integers are refused.
    static let inexact = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        if !type.isFloatingPoint {
            throw context.error(.dtype, "needs a floating-point type, not \(type)")
        }
        return (type, type)
    }

    static let comparison = DTypeRule { context in (promoted(context), .bool) }
    static let logical = DTypeRule { _ in (.bool, .bool) }
    static let predicate = DTypeRule { _ in (nil, .bool) }

    static let bitwise = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        if type.isFloatingPoint {
            throw context.error(.dtype, "needs integers or bool, not \(type)")
        }
        return (type, type)
    }

    /// Shifts of bool happen in uint8.
    static let shift = DTypeRule { (context) throws(ArrayError) in
        let type = promoted(context)
        if type.isFloatingPoint { throw context.error(.dtype, "needs integers, not \(type)") }
        let shifted = type == .bool ? DType.uint8 : type
        return (shifted, shifted)
    }

    /// The result has the first input's dtype; no input is cast.
    static let same = DTypeRule { context in (nil, context.dtypes[0]) }

    /// The result has the dtype the operation was told.
    static let told = DTypeRule { context in
        (nil, context.attributes.outputDType ?? context.dtypes.first ?? .float32)
    }

    static func promoted(_ context: RuleContext) -> DType {
        context.dtypes.reduce(.bool, DType.promote)
    }
}

extension ShapeRule {
    static let broadcast = ShapeRule { (context) throws(ArrayError) in
        try Broadcasting.shape(context.shapes, operation: context.row.name)
    }

    static let same = ShapeRule { context in context.shapes[0] }

    /// The shape the operation was told.
    static let told = ShapeRule { (context) throws(ArrayError) in
        guard let shape = context.attributes.outputShape else {
            throw context.error(.argument, "needs the shape of its result")
        }
        return shape
    }

    /// Axes of the mask in the word's low 16 bits disappear, or stay with size one when bit 16
    /// is set.
    static let reduce = ShapeRule { (context) throws(ArrayError) in
        let input = context.shapes[0]
        let axes = try AttributeChecks.axisMask(context, rank: input.ndim)
        var dims: [Int] = []
        for axis in 0..<input.ndim {
            if !axes.contains(axis) {
                dims.append(input[axis])
            } else if axes.keepsDims {
                dims.append(1)
            }
        }
        return try Shape(validating: dims, operation: context.row.name)
    }
}

/// A set of axes as bits, with the flag that keeps reduced axes.
package struct AxisMask: Sendable {
    package let word: UInt64
    package init(_ word: UInt64) { self.word = word }
    package init(_ axes: some Sequence<Int>, keepDims: Bool) {
        word = axes.reduce(keepDims ? 1 << 16 : 0) { $0 | 1 << UInt64($1) }
    }
    package func contains(_ axis: Int) -> Bool { word >> UInt64(axis) & 1 == 1 }
    package var keepsDims: Bool { word >> 16 & 1 == 1 }
    package var bits: Int { Int(word & 0xFFFF) }
    package func axes(rank: Int) -> [Int] { (0..<rank).filter(contains) }
}

package enum Broadcasting {
    /// NumPy's rule: aligned at the last axis, sizes equal or one.
    package static func shape(
        _ shapes: [Shape], operation: String
    ) throws(ArrayError) -> Shape {
        var result = shapes[0]
        for shape in shapes.dropFirst() where shape != result {
            result = try pair(result, shape, operation, shapes)
        }
        return result
    }

    private static func pair(
        _ a: Shape, _ b: Shape, _ operation: String, _ all: [Shape]
    ) throws(ArrayError) -> Shape {
        let rank = max(a.ndim, b.ndim)
        var dims = [Int](repeating: 1, count: rank)
        for back in 1...max(rank, 1) where back <= rank {
            let x = back <= a.ndim ? a[a.ndim - back] : 1
            let y = back <= b.ndim ? b[b.ndim - back] : 1
            guard x == y || x == 1 || y == 1 else {
                throw ArrayError(
                    .shape, "broadcast_shapes",
                    "Shapes \(a) and \(b) cannot be broadcast. (\(operation): \(x) against \(y)"
                        + " at axis \(-back))",
                    shapes: all.map(\.array))
            }
            dims[rank - back] = x == 1 ? y : x
        }
        return try Shape(validating: dims, operation: operation)
    }
}

/// Axis arguments, where negative ones count from the end.
package enum Axes {
    package static func normalize(
        _ axis: Int, rank: Int, operation: String
    ) throws(ArrayError) -> Int {
        guard axis >= -rank, axis < rank else {
            throw ArrayError(
                .axis, operation,
                "Axis \(axis) is out of bounds for array with \(rank) dimensions.")
        }
        return axis < 0 ? axis + rank : axis
    }

    /// - Throws: when an axis is out of range or named twice.
    package static func normalize(
        _ axes: some Sequence<Int>, rank: Int, operation: String
    ) throws(ArrayError) -> [Int] {
        var result: [Int] = []
        for axis in axes {
            let normal = try normalize(axis, rank: rank, operation: operation)
            if result.contains(normal) {
                throw ArrayError(.axis, operation, "axis \(axis) is named twice")
            }
            result.append(normal)
        }
        return result
    }
}
