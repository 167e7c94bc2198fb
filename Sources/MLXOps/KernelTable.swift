import MLXBase
import MLXKernels

/// Which kernels the rows name: one for each device kind that has one of its own.
enum KernelTable {
    static let copy = KernelSet(cpu: CPUKernels.copy, gpu: GPUKernels.copy)
    static let sliceUpdate = KernelSet(cpu: CPUKernels.sliceUpdate, gpu: GPUKernels.sliceUpdate)
    static let concatenate = KernelSet(cpu: CPUKernels.concatenate, gpu: GPUKernels.concatenate)
    static let pad = KernelSet(cpu: CPUKernels.pad, gpu: GPUKernels.pad)
    static let matmul = KernelSet(cpu: CPUKernels.matmul, gpu: GPUKernels.matmul)

    /// A truth value is 0 or 1, so `all` is the smallest and `any` the largest.
    static func reduce(_ name: String) -> KernelSet {
        switch name {
        case "sum": KernelSet(cpu: CPUKernels.sum, gpu: GPUKernels.sum)
        case "prod": KernelSet(cpu: CPUKernels.product, gpu: GPUKernels.product)
        case "max", "any": KernelSet(cpu: CPUKernels.maximum, gpu: GPUKernels.maximum)
        case "min", "all": KernelSet(cpu: CPUKernels.minimum, gpu: GPUKernels.minimum)
        case "argmax": KernelSet(cpu: CPUKernels.argMax, gpu: GPUKernels.argMax)
        case "argmin": KernelSet(cpu: CPUKernels.argMin, gpu: GPUKernels.argMin)
        case "logsumexp": KernelSet(cpu: CPUKernels.logSumExp, gpu: GPUKernels.logSumExp)
        default: KernelSet(cpu: CPUKernels.softmax, gpu: GPUKernels.softmax)
        }
    }
    static let gather = KernelSet(), arange = KernelSet(), randomBits = KernelSet()
    static func scatter(_ name: String) -> KernelSet { KernelSet() }
    static func convolution(_ name: String) -> KernelSet { KernelSet() }
    static func pooling(_ name: String) -> KernelSet { KernelSet() }
    static func quantized(_ name: String) -> KernelSet { KernelSet() }
}
