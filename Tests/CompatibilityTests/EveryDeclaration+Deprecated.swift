import Foundation
import MLX

// Calls of what mlx-swift keeps for older programs.

struct DeprecatedFunctions: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        try f.works(addmm(f.x, f.x, f.x, alpha: 1, beta: 1, stream: .cpu))
        try f.works(
            gatherMatmul(
                f.x, f.x, lhsIndices: nil, rhsIndices: nil, sortedIndices: false, stream: .cpu))
        try f.works(
            gatherQuantizedMatmul(
                f.wide, f.packed, scales: f.scales, biases: f.biases, lhsIndices: nil,
                rhsIndices: nil, transpose: true, groupSize: 32, bits: 4, mode: .affine,
                sortedIndices: false, stream: .cpu))
        try f.works(
            quantizedMatmul(
                f.wide, f.packed, scales: f.scales, biases: f.biases, transpose: true,
                groupSize: 32, bits: 4, mode: .affine, stream: .cpu))
        try f.works(softMax(f.x, axes: [0], precise: true, stream: .cpu))
        try f.works(softMax(f.x, axis: 0, precise: true, stream: .cpu))
        try f.works(softMax(f.x, precise: true, stream: .cpu))
        try f.works(MLXArray.repeat(f.x, count: 2, axis: 0, stream: .cpu))
        try f.works(MLXArray.repeat(f.x, count: 2, stream: .cpu))
        try f.works(MLX.`repeat`(f.x, count: 2, axis: 0, stream: .cpu))
        try f.works(MLX.`repeat`(f.x, count: 2, stream: .cpu))
    }
}

struct DeprecatedArrays: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        _ = f.x.asData(noCopy: false, disambiguate: false)
        _ = f.x.strides
        try f.works(f.x[1, axis: 0, stream: .cpu])
        try f.works(f.x[1..<3, axis: 0, stream: .cpu])
        try f.works(f.x[from: 0, to: 4, stride: 2, axis: 0, stream: .cpu])
        _ = MLXArray.mlxNone
        let mode = MLXFast.ScaledDotProductAttentionMaskMode.arrays([f.b])
        _ = mode.mask
    }
}

struct DeprecatedState: EveryDeclaration.Calls {
    @available(*, deprecated) func run(_ f: EveryDeclaration) async throws {
        _ = Device()
        let device = Device.defaultDevice()
        Device.setDefault(device: nil)
        using(device: device) {}
        _ = MLX.Stream(index: 0, .cpu)
        setErrorHandler(fatalErrorHandler, data: nil, dtor: nil)
        setErrorHandler(nil)
        _ = (GPU.activeMemory, GPU.cacheMemory, GPU.peakMemory, GPU.cacheLimit, GPU.memoryLimit)
        let snapshot: GPU.Snapshot = GPU.snapshot()
        _ = snapshot.activeMemory
        GPU.set(cacheLimit: GPU.cacheLimit)
        GPU.set(memoryLimit: GPU.memoryLimit, relaxed: true)
        GPU.withWiredLimit(1 << 20) {}
        await GPU.withWiredLimit(1 << 20) { await Task.yield() }
        Memory.withWiredLimit(1 << 20) {}
        await Memory.withWiredLimit(1 << 20) { await Task.yield() }
        GPU.clearCache()
    }
}
