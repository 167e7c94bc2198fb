import CMLXInterface
import MLX
import MLXBase
import MLXGraph
import MLXOps
import MLXRuntime

// Between handles and array objects. Only what is not recorded by handle needs objects.

extension MLXArray {
    /// An array object of a node that somebody else holds a reference to.
    convenience init(borrowing handle: cmlx_array) {
        let handle = NodeHandle(raw: handle)
        GraphStore.shared.retain(handle.id)
        self.init(owning: handle)
    }

    /// The node with a reference for C.
    func given() -> cmlx_array { acquire().raw }

    /// The node with a reference for C.
    /// - Throws: why the array cannot be computed.
    func checked() throws -> cmlx_array {
        let handle = acquire()
        if let error = poison(of: handle) {
            GraphStore.shared.release(handle.id)
            throw error
        }
        return handle.raw
    }
}

/// Why a node cannot be computed, nil if nothing is wrong with it. The caller owns a reference.
func poison(of handle: NodeHandle) -> ArrayError? {
    guard GraphStore.shared.isPoisoned(handle.id) else { return nil }
    return Poison.firstError(
        in: Subgraph(roots: [handle], retainsNodes: true))
        ?? ArrayError(.argument, "array", "is invalid")
}

/// The node, or 0 with the thread's failure set if it cannot be computed. Takes the reference.
@inline(__always) func delivered(_ handle: NodeHandle) -> cmlx_array {
    if GraphStore.shared.isPoisoned(handle.id) { return refused(handle) }
    return handle.raw
}

@inline(never) private func refused(_ handle: NodeHandle) -> cmlx_array {
    Failure.note(poison(of: handle) ?? ArrayError(.argument, "array", "is invalid"))
    GraphStore.shared.release(handle.id)
    return 0
}

extension UnsafePointer<cmlx_array> {
    func objects(_ count: Int32) -> [MLXArray] {
        (0..<Int(count)).map { MLXArray(borrowing: self[$0]) }
    }
}

extension Optional where Wrapped == UnsafePointer<cmlx_array> {
    func objects(_ count: Int32) -> [MLXArray] { self?.objects(count) ?? [] }
}

extension UnsafeMutablePointer<cmlx_list> {
    /// Appends the arrays.
    /// - Throws: why one of them cannot be computed; the list is as before then.
    func append(_ arrays: [MLXArray]) throws {
        var handles: [cmlx_array] = []
        do {
            for array in arrays { handles.append(try array.checked()) }
        } catch {
            for handle in handles { cmlx_release(handle) }
            throw error
        }
        for handle in handles { try append(handle) }
    }

    /// Appends a node, whose reference the list takes over.
    func append(_ handle: cmlx_array) throws {
        if cmlx_list_append(self, handle) == 0 { return }
        cmlx_release(handle)
        throw ArrayError(.memory, "list", "no memory for the results")
    }
}

func dtype(_ number: Int32) throws -> DType {
    guard let raw = UInt8(exactly: number), let dtype = DType(rawValue: raw) else {
        throw ArrayError(.dtype, "array", "there is no dtype \(number)")
    }
    return dtype
}
