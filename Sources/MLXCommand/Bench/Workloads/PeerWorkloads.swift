/// The table of workloads that are measured here and in other libraries; `Benchmarks/peers` has
/// the others' side. A family has a file.
enum PeerWorkloads {
    static let all: [PeerWorkload] =
        products + elementwise + dispatch + convolutions + training + transformers + quantized
        + numbers + linearAlgebra + recurrent
}
