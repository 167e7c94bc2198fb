import CMLXInterface
import MLXBase
import MLXGraph
import MLXOps

// Elementwise functions, recorded by handle: no array object is made for them.

@c @implementation
public func cmlx_operation(_ name: UnsafePointer<CChar>?) -> Int32 {
    guard let name, let row = OpTable.find(name: String(cString: name)), row.isElementwise else {
        return -1
    }
    return Int32(row.code.raw)
}

@c @implementation
public func cmlx_unary(_ operation: Int32, _ x: cmlx_array) -> cmlx_array {
    delivered(Ops.unary(OpCode(UInt16(operation)), NodeHandle(raw: x)))
}

@c @implementation
public func cmlx_binary(_ operation: Int32, _ a: cmlx_array, _ b: cmlx_array) -> cmlx_array {
    delivered(Ops.binary(OpCode(UInt16(operation)), NodeHandle(raw: a), NodeHandle(raw: b)))
}

@c @implementation
public func cmlx_binary_scalar(
    _ operation: Int32, _ a: cmlx_array, _ b: cmlx_scalar, _ reversed: Int32
) -> cmlx_array {
    let handle = NodeHandle(raw: a)
    let own = GraphStore.shared.dtype(of: handle.id)
    do {
        let type = try b.weakType(beside: own)
        return delivered(
            Ops.binary(
                OpCode(UInt16(operation)), handle, scalarBits: b.bits(type) ?? 0, type,
                reversed: reversed != 0))
    } catch {
        Failure.note(error)
        return 0
    }
}
