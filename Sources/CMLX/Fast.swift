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

/// How many arrays the elementwise function of a code takes; 0 for what is none.
private let arities: [Int] = {
    var table = [Int](repeating: 0, count: OpCode.limit)
    for row in OpTable.rows where row.isElementwise {
        table[Int(row.code.raw)] = row.arity.lowerBound
    }
    return table
}()

/// The code of a function of so many arrays that are there; nil with the thread's failure set.
private func code(
    _ operation: Int32, arity: Int, _ a: cmlx_array, _ b: cmlx_array
) -> OpCode? {
    guard arities.indices.contains(Int(operation)), arities[Int(operation)] == arity, a != 0, b != 0
    else {
        Failure.note(Int(CMLX_ERROR_ARGUMENT), "no elementwise function of \(arity) arrays")
        return nil
    }
    return OpCode(UInt16(operation))
}

@c @implementation
public func cmlx_unary(_ operation: Int32, _ x: cmlx_array) -> cmlx_array {
    guard let op = code(operation, arity: 1, x, x) else { return 0 }
    return delivered(Ops.unary(op, NodeHandle(raw: x)))
}

@c @implementation
public func cmlx_binary(_ operation: Int32, _ a: cmlx_array, _ b: cmlx_array) -> cmlx_array {
    guard let op = code(operation, arity: 2, a, b) else { return 0 }
    return delivered(Ops.binary(op, NodeHandle(raw: a), NodeHandle(raw: b)))
}

@c @implementation
public func cmlx_binary_scalar(
    _ operation: Int32, _ a: cmlx_array, _ b: cmlx_scalar, _ reversed: Int32
) -> cmlx_array {
    guard let op = code(operation, arity: 2, a, a) else { return 0 }
    let handle = NodeHandle(raw: a)
    let own = GraphStore.shared.dtype(of: handle.id)
    do {
        let type = try b.weakType(beside: own)
        return delivered(
            Ops.binary(
                op, handle, scalarBits: b.bits(type) ?? 0, type,
                reversed: reversed != 0))
    } catch {
        Failure.note(error)
        return 0
    }
}

@c @implementation
public func cmlx_reshape(
    _ x: cmlx_array, _ shape: UnsafePointer<Int64>?, _ rank: Int32
) -> cmlx_array {
    guard x != 0, rank >= 0, rank == 0 || shape != nil else {
        Failure.note(Int(CMLX_ERROR_ARGUMENT), "[reshape] has no array or no shape")
        return 0
    }
    // SAFETY: `Int` and `Int64` are the same 64 bits.
    let base = UnsafeRawPointer(shape)?.assumingMemoryBound(to: Int.self)
    let dims = UnsafeBufferPointer(start: base, count: Int(rank))
    return delivered(Ops.reshape(MLXArray(borrowing: x), dims).acquire())
}
