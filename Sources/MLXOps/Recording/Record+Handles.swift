import MLXBase
import MLXGraph

/// Recording by handles, for callers that keep nodes and not array objects: the C interface.
/// Handles that are passed in stay the caller's; what is returned is a reference for the caller.
extension Ops {
    /// Records an elementwise function of one node.
    package static func unary(_ code: OpCode, _ x: NodeHandle) -> NodeHandle {
        GraphStore.shared.retain(x.id)
        let input = NodeReference(owning: x)
        guard let output = UniformTypes.output(code, input.dtype) else {
            let array = MLXArray(owning: x)
            _ = input.take()
            return record(code, [array]).acquire()
        }
        let shape = input.shape
        return single(code, input, dtype: output, shape: shape, resolve(.unpinned)).given()
    }

    /// Records an elementwise function of two nodes, broadcast against each other.
    package static func binary(_ code: OpCode, _ a: NodeHandle, _ b: NodeHandle) -> NodeHandle {
        GraphStore.shared.retain(a.id)
        GraphStore.shared.retain(b.id)
        let left = NodeReference(owning: a)
        let right = NodeReference(owning: b)
        let dtype = left.dtype
        guard dtype == right.dtype, let output = UniformTypes.output(code, dtype),
            let shape = quickBroadcast(left.shape, right.shape)
        else {
            let arrays = [MLXArray(owning: a), MLXArray(owning: b)]
            _ = left.take()
            _ = right.take()
            return record(code, arrays).acquire()
        }
        return pair(code, left, right, dtype: output, shape: shape, resolve(.unpinned)).given()
    }

    /// Records an elementwise function of a node and a constant.
    package static func binary(
        _ code: OpCode, _ a: NodeHandle, scalarBits bits: UInt64, _ type: DType, reversed: Bool
    ) -> NodeHandle {
        let constant = NodeReference(
            owning: GraphStore.shared.append(scalarEntry(bits: bits, type)))
        return reversed ? binary(code, constant.handle, a) : binary(code, a, constant.handle)
    }
}

extension NodeReference {
    /// The handle, with the reference.
    @inline(__always) fileprivate consuming func given() -> NodeHandle {
        let handle = handle
        _ = take()
        return handle
    }
}
