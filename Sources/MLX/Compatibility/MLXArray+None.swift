import MLXBase
import MLXGraph
import MLXOps

// The array that stands for none. Operations whose arrays are optional take it for nil, so that a
// call that must name an array can leave it out: `MLXFast.rmsNorm(x, weight: .mlxNone, eps: 1e-5)`.
extension MLXArray {
    /// No array: nil for an operation that can do without, an error for every other.
    public static var mlxNone: MLXArray {
        var entry = GraphStore.Entry(op: .invalid, dtype: .float32, shape: .scalar)
        entry.flags = .poisoned
        entry.word = noneWord
        entry.own(
            Payload(
                error: ArrayError(
                    .argument, "mlxNone", "stands for no array, and the operation needs one")))
        return MLXArray(owning: GraphStore.shared.append(entry))
    }

    /// What marks the node; a variable that a transform makes of it has it too.
    private static let noneWord: UInt64 = 0x6E6F_6E65

    package var isNone: Bool {
        let reference = NodeReference(self)
        return reference.isPoisoned && reference.word == MLXArray.noneWord
            && (reference.op == .invalid || reference.op == .traced)
    }
}

extension MLXArray? {
    /// The array, unless it is `MLXArray.mlxNone`.
    package var given: MLXArray? { flatMap { $0.isNone ? nil : $0 } }
}
