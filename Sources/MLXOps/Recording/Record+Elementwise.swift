import MLXBase
import MLXGraph

/// The fast path of the operators: no arrays of inputs, no closures, no attributes when both
/// operands agree in dtype and shape. Everything else falls back to the row's own rules.
extension Ops {
    /// Records an elementwise function of one array.
    package static func unary(
        _ code: OpCode, _ x: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        let input = NodeReference(x)
        guard let output = UniformTypes.output(code, input.dtype) else {
            return record(code, [x], stream: stream)
        }
        let shape = input.shape
        return single(code, input, dtype: output, shape: shape, resolve(stream)).array()
    }

    /// Records an elementwise function of two arrays, broadcast against each other.
    package static func binary(
        _ code: OpCode, _ a: MLXArray, _ b: MLXArray, stream: StreamID = .unpinned
    ) -> MLXArray {
        let left = NodeReference(a)
        let right = NodeReference(b)
        let dtype = left.dtype
        guard dtype == right.dtype, let output = UniformTypes.output(code, dtype),
            let shape = quickBroadcast(left.shape, right.shape)
        else { return record(code, [a, b], stream: stream) }
        return pair(code, left, right, dtype: output, shape: shape, resolve(stream)).array()
    }

    /// Records an elementwise function of an array and a constant that has the array's dtype.
    package static func binary(
        _ code: OpCode, _ a: MLXArray, scalarBits bits: UInt64, _ scalarType: DType,
        reversed: Bool = false, stream: StreamID = .unpinned
    ) -> MLXArray {
        binary(
            code, a, NodeReference(a), scalarBits: bits, scalarType, reversed: reversed,
            stream: stream)
    }

    /// Records an elementwise function of an array and a constant that has the array's dtype.
    /// - Parameter array: a reference to the node that `a` stands for.
    package static func binary(
        _ code: OpCode, _ a: MLXArray, _ array: consuming NodeReference, scalarBits bits: UInt64,
        _ scalarType: DType, reversed: Bool = false, stream: StreamID = .unpinned
    ) -> MLXArray {
        let constant = NodeReference(
            owning: GraphStore.shared.append(scalarEntry(bits: bits, scalarType)))
        guard array.dtype == scalarType, let output = UniformTypes.output(code, scalarType)
        else {
            let other = MLXArray(owning: constant.handle)
            _ = constant.take()
            return record(code, reversed ? [other, a] : [a, other], stream: stream)
        }
        let shape = array.shape
        let stream = resolve(stream)
        return reversed
            ? pair(code, constant, array, dtype: output, shape: shape, stream).array()
            : pair(code, array, constant, dtype: output, shape: shape, stream).array()
    }

    /// Appends a node of one input, with attributes that fit the word. The stream is resolved.
    @inline(__always) static func single(
        _ code: OpCode, _ input: consuming NodeReference, dtype: DType, shape: Shape,
        word: UInt64 = 0, _ stream: StreamID
    ) -> NodeReference {
        var entry = GraphStore.Entry(op: code, dtype: dtype, shape: shape)
        entry.stream = stream
        entry.word = word
        entry.trace = input.trace
        if input.isPoisoned { entry.flags = .poisoned }
        entry.inputs.0 = input.take()
        entry.inputCount = 1
        return NodeReference(owning: GraphStore.shared.append(entry))
    }

    /// Appends a node of two inputs. The stream is resolved.
    @inline(__always) static func pair(
        _ code: OpCode, _ left: consuming NodeReference, _ right: consuming NodeReference,
        dtype: DType, shape: Shape, _ stream: StreamID
    ) -> NodeReference {
        var entry = GraphStore.Entry(op: code, dtype: dtype, shape: shape)
        entry.stream = stream
        entry.trace = left.trace | right.trace
        if left.isPoisoned || right.isPoisoned { entry.flags = .poisoned }
        entry.inputs.0 = left.take()
        entry.inputs.1 = right.take()
        entry.inputCount = 2
        return NodeReference(owning: GraphStore.shared.append(entry))
    }

    /// The broadcast shape; nil when there is none, and the row's rule says why.
    @inline(__always) static func quickBroadcast(_ a: Shape, _ b: Shape) -> Shape? {
        if a == b { return a }
        if b == .scalar { return a }
        if a == .scalar { return b }
        return alignedBroadcast(a, b)
    }

    /// Axes are matched from the last one; an axis of size one takes the other's size.
    @inline(never) private static func alignedBroadcast(_ a: Shape, _ b: Shape) -> Shape? {
        let (long, short) = a.ndim >= b.ndim ? (a, b) : (b, a)
        let offset = long.ndim - short.ndim
        var isLong = true
        for axis in offset..<long.ndim {
            let (x, y) = (long[axis], short[axis - offset])
            if x == y || y == 1 { continue }
            if x != 1 { return nil }
            isLong = false
        }
        if isLong { return long }
        return onStack { dims in
            for axis in 0..<long.ndim {
                let own = long[axis]
                dims[axis] = axis >= offset && own == 1 ? short[axis - offset] : own
            }
            return long.ndim
        }
    }

    /// The array in another dtype: a new array of the same node when it has it already.
    package static func cast(
        _ x: MLXArray, to dtype: DType, stream: StreamID = .unpinned
    ) -> MLXArray {
        if x.dtype == dtype { return x.aliased() }
        return append(
            .cast, [x], dtype: dtype, shape: x.recordedShape, Attributes(outputDType: dtype), stream
        )
    }
}

extension NodeReference {
    /// An array that takes over the reference.
    @inline(__always) consuming func array() -> MLXArray {
        let handle = handle
        _ = take()
        return MLXArray(owning: handle)
    }
}

/// Which result operands of one dtype have where none of them is cast, as a table: the rows' own
/// dtype rules, asked once.
enum UniformTypes {
    @inline(__always) static func output(_ code: OpCode, _ dtype: DType) -> DType? {
        table[Int(code.raw) * 14 + Int(dtype.rawValue)]
    }

    private static let table: SharedTable<DType?> = {
        var table = [DType?](repeating: nil, count: OpCode.limit * 14)
        for row in Unary.rows + Binary.rows + Reduce.rows + Matmul.rows {
            for dtype in DType.allCases {
                let count = row.arity.lowerBound
                let context = RuleContext(
                    code: row.code, shapes: Array(repeating: .scalar, count: count),
                    dtypes: Array(repeating: dtype, count: count), attributes: .none)
                if let types = try? row.dtype.apply(context), types.0 ?? dtype == dtype {
                    table[Int(row.code.raw) * 14 + Int(dtype.rawValue)] = types.1
                }
            }
        }
        return SharedTable(table)
    }()
}
