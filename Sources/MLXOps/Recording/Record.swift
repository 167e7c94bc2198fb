import MLXBase
import MLXGraph

/// Recording: from arrays and attributes to a new node. The general path here serves every row;
/// `Record+Elementwise.swift` has a faster one for the operators. A bad operation becomes an
/// invalid node and never traps; operations on it pass the first error on.
package enum Ops {
    /// Records the row `code`.
    package static func record(
        _ code: OpCode, _ inputs: [MLXArray], _ attributes: Attributes = .none,
        stream: StreamID = .unpinned
    ) -> MLXArray {
        do throws(ArrayError) {
            return try recordChecked(code, inputs, attributes, stream)
        } catch {
            return invalid(error, inputs: inputs, shapeHint: attributes.outputShape)
        }
    }

    private static func recordChecked(
        _ code: OpCode, _ inputs: [MLXArray], _ attributes: Attributes, _ stream: StreamID
    ) throws(ArrayError) -> MLXArray {
        let context = RuleContext(
            code: code, shapes: inputs.map(\.recordedShape), dtypes: inputs.map(\.dtype),
            attributes: attributes)
        guard context.row.arity.contains(inputs.count) else {
            throw context.error(
                .argument, "takes \(context.row.arity) arrays, not \(inputs.count)")
        }
        try AttributeChecks.form(context)
        let (inputType, outputType) = try context.row.dtype.apply(context)
        let shape = try context.row.shape.apply(context)
        let cast = inputType.map { type in
            inputs.map { $0.dtype == type ? $0 : Ops.cast($0, to: type, stream: stream) }
        }
        return append(
            code, cast ?? inputs, dtype: outputType, shape: shape, attributes, stream)
    }

    /// Appends a node whose shape and dtype are known to be right.
    package static func append(
        _ code: OpCode, _ inputs: [MLXArray], dtype: DType, shape: Shape,
        _ attributes: Attributes = .none, _ stream: StreamID = .unpinned
    ) -> MLXArray {
        var entry = GraphStore.Entry(op: code, dtype: dtype, shape: shape)
        entry.stream = resolve(stream)
        entry.word = attributes.word
        var more: [NodeID] = []
        for (number, input) in inputs.enumerated() {
            let reference = NodeReference(input)
            entry.trace |= reference.trace
            if reference.isPoisoned { entry.flags.insert(.poisoned) }
            let id = reference.take()
            switch number {
            case 0: entry.inputs.0 = id
            case 1: entry.inputs.1 = id
            case 2: entry.inputs.2 = id
            default: more.append(id)
            }
        }
        entry.inputCount = min(inputs.count, 3)
        let site = mayFail[Int(code.raw)] ? CallSite.capture() : nil
        if !more.isEmpty || !attributes.words.isEmpty || site != nil
            || attributes.object != nil
        {
            entry.own(
                Payload(
                    words: attributes.words,
                    dynamicCount: dynamicWords[Int(code.raw)].count(of: attributes.words.count),
                    moreInputs: more, site: site, object: attributes.object))
        }
        return MLXArray(owning: GraphStore.shared.append(entry))
    }

    /// Ops whose kernels check values remember where they were recorded; it costs two
    /// microseconds, which no other op pays.
    private static let mayFail = SharedTable(
        (0..<OpCode.limit).map {
            OpTable.find(OpCode(UInt16($0)))?.traits.contains(.mayFail) ?? false
        })

    private static let dynamicWords = SharedTable(
        (0..<OpCode.limit).map { OpTable.find(OpCode(UInt16($0)))?.dynamicWords ?? .none })

    /// An explicit stream wins over the task's default, which may leave the choice open.
    @inline(__always) package static func resolve(_ stream: StreamID) -> StreamID {
        stream != .unpinned ? stream : Defaults.stream
    }

    // MARK: - Errors

    /// Appends an invalid node that carries `error`, or passes on the error of an input that is
    /// invalid itself.
    package static func invalid(
        _ error: ArrayError, inputs: [MLXArray] = [], shapeHint: Shape? = nil,
        dtype: DType? = nil
    ) -> MLXArray {
        let bad = inputs.first { NodeReference($0).isPoisoned }
        var entry = GraphStore.Entry(
            op: .invalid, dtype: dtype ?? inputs.first?.dtype ?? .float32,
            shape: shapeHint ?? inputs.first?.recordedShape ?? .scalar)
        entry.flags = .poisoned
        if let bad {
            entry.inputs.0 = NodeReference(bad).take()
            entry.inputCount = 1
        } else {
            entry.own(Payload(error: error))
            Defaults.current?.value.onInvalid?(error)
        }
        return MLXArray(owning: GraphStore.shared.append(entry))
    }

    // MARK: - Sources

    /// A constant without axes, given by its bits in the low bytes.
    package static func scalar(bits: UInt64, _ dtype: DType) -> MLXArray {
        MLXArray(owning: GraphStore.shared.append(scalarEntry(bits: bits, dtype)))
    }

    @inline(__always) package static func scalarEntry(
        bits: UInt64, _ dtype: DType
    ) -> GraphStore.Entry {
        var entry = GraphStore.Entry(op: .scalar, dtype: dtype, shape: .scalar)
        entry.word = bits
        return entry
    }

    /// A constant of the given dtype, converted from a number.
    package static func scalar(_ value: Double, _ dtype: DType) -> MLXArray {
        scalar(bits: ScalarBits.encode(value, dtype), dtype)
    }
}

/// The bits of a number in each dtype, as scalar nodes and kernels carry them.
package enum ScalarBits {
    /// Rounds to the nearest value of the dtype; integers truncate toward zero and saturate.
    package static func encode(_ value: Double, _ dtype: DType) -> UInt64 {
        switch dtype {
        case .bool: value != 0 ? 1 : 0
        case .float16: UInt64(Float16(value).bitPattern)
        case .bfloat16: UInt64(bfloat16(Float(value)))
        case .float32: UInt64(Float(value).bitPattern)
        case .float64: value.bitPattern
        case .complex64: UInt64(Float(value).bitPattern)
        case .uint64: UInt64(clampingToRange: value)
        default:
            encode(
                value.isNaN ? 0 : Int(max(-9.2e18, min(9.2e18, value.rounded(.towardZero)))), dtype)
        }
    }

    /// Integers keep their low bits.
    package static func encode(_ value: Int, _ dtype: DType) -> UInt64 {
        switch dtype.size {
        case _ where dtype.isFloatingPoint || dtype == .bool: encode(Double(value), dtype)
        case 1: UInt64(UInt8(truncatingIfNeeded: value))
        case 2: UInt64(UInt16(truncatingIfNeeded: value))
        case 4: UInt64(UInt32(truncatingIfNeeded: value))
        default: UInt64(bitPattern: Int64(value))
        }
    }

    /// Rounds to nearest even; NaN stays NaN.
    package static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(bits >> 16) | 0x40 }
        return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }
}

extension UInt64 {
    fileprivate init(clampingToRange value: Double) {
        if value.isNaN || value <= 0 {
            self = 0
        } else {
            self = value >= 1.8446744073709551e19 ? .max : UInt64(value)
        }
    }
}
