import MLX

// What layers say of an input that does not fit them. The operation that would fail is often one
// that the user has not heard of, and by then running statistics would be wrong too.
extension Module {
    /// An array that carries an error, unless `x` has so many channels and axes.
    func wrongInput(_ x: MLXArray, channels: Int, rank: Int) -> MLXArray? {
        if x.ndim >= rank, x.dim(-1) == channels { return nil }
        let wanted = (rank == 1 ? ["…"] : rank == 2 ? ["N", "…"] : ["N"]) + ["\(channels)"]
        return invalidArray(
            ArrayError(
                .shape, "\(type(of: self))",
                "takes (\(wanted.joined(separator: ", "))), not an array of shape \(x.shape)",
                shapes: [x.shape]), inputs: [x])
    }
}
