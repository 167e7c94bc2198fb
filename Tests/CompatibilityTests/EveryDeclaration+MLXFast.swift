import func MLXFast.RoPE
import func MLXFast.layerNorm
import func MLXFast.metalKernel
import func MLXFast.rmsNorm
import func MLXFast.scaledDotProductAttention
import let MLXFast.deprecationWarning
import typealias MLXFast.MLXFastKernel

// Calls of the functions that module MLXFast itself has. Each is imported by name,
// and where MLX has one with other types an argument is written that only the module's own takes.
struct DeprecatedFast: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        deprecationWarning
        let kernel: MLXFastKernel = metalKernel(
            name: "copy", inputNames: ["x"], outputNames: ["y"], source: "y[0] = x[0];", header: "",
            ensureRowContiguous: true, atomicOutputs: false)
        _ = kernel.outputNames
        try f.works(
            RoPE(
                f.heads, dimensions: 4, traditional: false, base: 10_000, scale: 1, offset: 0,
                freqs: nil, stream: .cpu))
        try f.works(
            scaledDotProductAttention(
                queries: f.heads, keys: f.heads, values: f.heads, scale: 1, mask: nil,
                memoryEfficientThreshold: nil, stream: .cpu))
        try f.works(rmsNorm(f.x, weight: f.v, eps: 1e-5, stream: .cpu))
        try f.works(layerNorm(f.x, weight: f.v, bias: f.v, eps: 1e-5, stream: .cpu))
    }
}
