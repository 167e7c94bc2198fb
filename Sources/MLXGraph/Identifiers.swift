import MLXBase

/// A row of the graph store: lane in the top 8 bits, index within the lane below. Only meaningful
/// to whoever owns a reference to the row. 0 is no node.
@usableFromInline package struct NodeID: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline package let raw: UInt32
    @inlinable @inline(__always) package init(raw: UInt32) { self.raw = raw }
    @inlinable @inline(__always) package static var none: NodeID { NodeID(raw: 0) }
    @inlinable @inline(__always) package var lane: Int { Int(raw >> 24) }
    @inlinable @inline(__always) package static func == (a: NodeID, b: NodeID) -> Bool {
        a.raw == b.raw
    }
}

/// A node id together with the generation of its row: a handle that outlives its node is
/// recognised, because freeing a row advances the generation.
@usableFromInline package struct NodeHandle: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline package let raw: UInt64
    @inlinable @inline(__always) package init(raw: UInt64) { self.raw = raw }
    @inlinable @inline(__always) package init(id: NodeID, generation: UInt32) {
        raw = UInt64(generation) << 32 | UInt64(id.raw)
    }
    @inlinable @inline(__always) package var id: NodeID {
        NodeID(raw: UInt32(truncatingIfNeeded: raw))
    }
    @inlinable @inline(__always) package var generation: UInt32 { UInt32(raw >> 32) }
}

/// The number of an op's row in the op table.
@usableFromInline package struct OpCode: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline package let raw: UInt16
    @inlinable @inline(__always) package init(_ raw: UInt16) { self.raw = raw }
    @inlinable @inline(__always) package static func == (a: OpCode, b: OpCode) -> Bool {
        a.raw == b.raw
    }

    /// An operation that could not be recorded; its payload carries the error.
    @inlinable @inline(__always) package static var invalid: OpCode { OpCode(0) }
    /// A value given by the user: always evaluated.
    @inlinable @inline(__always) package static var data: OpCode { OpCode(1) }
    /// A zero-dimensional constant whose bits are in the row's word. Plans see it as an input, so
    /// changing a learning rate changes no structure.
    @inlinable @inline(__always) package static var scalar: OpCode { OpCode(2) }
    /// Stands for an array that is not there yet, while a function is recorded to be mapped or
    /// compiled. Evaluating it is an error.
    @inlinable @inline(__always) package static var placeholder: OpCode { OpCode(3) }
}

/// The kinds of device. The raw value is part of stream ids and of plan signatures.
package enum DeviceKind: UInt8, Hashable, Sendable, CaseIterable, Codable, BitwiseCopyable {
    case cpu = 1
    case gpu = 2
    case npu = 3

    @inline(__always) package var index: Int { Int(rawValue) - 1 }
    package var name: String {
        switch self {
        case .cpu: "cpu"
        case .gpu: "gpu"
        case .npu: "npu"
        }
    }
}

/// An in-order lane of one device: the kind in the top 4 bits, the lane's number below.
/// 0 leaves the choice to the scheduling policy.
@usableFromInline package struct StreamID: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline package let raw: UInt16
    @inlinable @inline(__always) package init(raw: UInt16) { self.raw = raw }
    @inlinable @inline(__always) package static func == (a: StreamID, b: StreamID) -> Bool {
        a.raw == b.raw
    }
    package init(_ kind: DeviceKind, lane: Int) {
        assert(lane >= 0 && lane <= StreamID.maximumLane)
        raw = UInt16(kind.rawValue) << 12 | UInt16(lane)
    }
    @inlinable @inline(__always) package static var unpinned: StreamID { StreamID(raw: 0) }
    @inlinable @inline(__always) package static var maximumLane: Int { 4095 }
    package var kind: DeviceKind? { DeviceKind(rawValue: UInt8(raw >> 12)) }
    package var lane: Int { Int(raw & 0xFFF) }
}
