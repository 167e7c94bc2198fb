import MLXBase
import MLXKernels

/// Which kernels the rows name: one for each device kind that has one of its own.
enum KernelTable {
    static let copy = KernelSet(cpu: CPUKernels.copy, gpu: GPUKernels.copy)
    static let sliceUpdate = KernelSet(cpu: CPUKernels.sliceUpdate, gpu: GPUKernels.sliceUpdate)
    static let concatenate = KernelSet(cpu: CPUKernels.concatenate, gpu: GPUKernels.concatenate)
    static let pad = KernelSet(cpu: CPUKernels.pad, gpu: GPUKernels.pad)
    static let asStrided = KernelSet(cpu: CPUKernels.asStrided, gpu: GPUKernels.asStrided)
    static let dynamicSlice = KernelSet(
        cpu: CPUKernels.dynamicSlice, gpu: GPUKernels.dynamicSlice)
    static let dynamicSliceUpdate = KernelSet(
        cpu: CPUKernels.dynamicSliceUpdate, gpu: GPUKernels.dynamicSliceUpdate)
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

    static func scan(_ name: String) -> KernelSet {
        switch name {
        case "cumsum": KernelSet(cpu: CPUKernels.cumulativeSum, gpu: GPUKernels.cumulativeSum)
        case "cumprod":
            KernelSet(cpu: CPUKernels.cumulativeProduct, gpu: GPUKernels.cumulativeProduct)
        case "cummax":
            KernelSet(cpu: CPUKernels.cumulativeMaximum, gpu: GPUKernels.cumulativeMaximum)
        case "cummin":
            KernelSet(cpu: CPUKernels.cumulativeMinimum, gpu: GPUKernels.cumulativeMinimum)
        default:
            KernelSet(cpu: CPUKernels.logCumulativeSum, gpu: GPUKernels.logCumulativeSum)
        }
    }

    static func indexedProduct(_ name: String) -> KernelSet {
        switch name {
        case "gather_mm": KernelSet(cpu: CPUKernels.gatherMM, gpu: GPUKernels.gatherMM)
        case "segmented_mm": KernelSet(cpu: CPUKernels.segmentedMM, gpu: GPUKernels.segmentedMM)
        default: KernelSet(cpu: CPUKernels.hadamard, gpu: GPUKernels.hadamard)
        }
    }

    static func sorting(_ name: String) -> KernelSet {
        switch name {
        case "sort": KernelSet(cpu: CPUKernels.sort, gpu: GPUKernels.sort)
        case "argsort": KernelSet(cpu: CPUKernels.argSort, gpu: GPUKernels.argSort)
        case "partition": KernelSet(cpu: CPUKernels.partition, gpu: GPUKernels.partition)
        case "argpartition":
            KernelSet(cpu: CPUKernels.argPartition, gpu: GPUKernels.argPartition)
        default: KernelSet(cpu: CPUKernels.searchSorted, gpu: GPUKernels.searchSorted)
        }
    }

    static let gather = KernelSet(cpu: CPUKernels.gather, gpu: GPUKernels.gather)
    static let arange = KernelSet(cpu: CPUKernels.arange, gpu: GPUKernels.arange)
    static let load = KernelSet(cpu: CPUKernels.load, gpu: GPUKernels.load)
    static let randomBits = KernelSet(cpu: CPUKernels.randomBits, gpu: GPUKernels.randomBits)

    static func scatter(_ name: String) -> KernelSet {
        switch name {
        case "scatter_add": KernelSet(cpu: CPUKernels.scatterAdd, gpu: GPUKernels.scatterAdd)
        case "scatter_max": KernelSet(cpu: CPUKernels.scatterMax, gpu: GPUKernels.scatterMax)
        case "scatter_min": KernelSet(cpu: CPUKernels.scatterMin, gpu: GPUKernels.scatterMin)
        case "scatter_prod":
            KernelSet(cpu: CPUKernels.scatterProduct, gpu: GPUKernels.scatterProduct)
        default: KernelSet(cpu: CPUKernels.scatterAssign, gpu: GPUKernels.scatterAssign)
        }
    }

    static func convolution(_ name: String) -> KernelSet {
        switch name {
        case "conv2d": KernelSet(cpu: CPUKernels.conv2d, gpu: GPUKernels.conv2d)
        case "conv2d_input_gradient":
            KernelSet(cpu: CPUKernels.convInputGradient, gpu: GPUKernels.convInputGradient)
        default:
            KernelSet(cpu: CPUKernels.convWeightGradient, gpu: GPUKernels.convWeightGradient)
        }
    }

    static func pooling(_ name: String) -> KernelSet {
        switch name {
        case "max_pool2d": KernelSet(cpu: CPUKernels.maxPool, gpu: GPUKernels.maxPool)
        case "max_pool2d_gradient":
            KernelSet(cpu: CPUKernels.maxPoolGradient, gpu: GPUKernels.maxPoolGradient)
        case "max_pool2d_tangent":
            KernelSet(cpu: CPUKernels.maxPoolTangent, gpu: GPUKernels.maxPoolTangent)
        case "avg_pool2d": KernelSet(cpu: CPUKernels.averagePool, gpu: GPUKernels.averagePool)
        default:
            KernelSet(cpu: CPUKernels.averagePoolGradient, gpu: GPUKernels.averagePoolGradient)
        }
    }

    static func quantized(_ name: String) -> KernelSet {
        name == "int8_matmul"
            ? KernelSet(
                cpu: CPUKernels.int8Matmul, gpu: GPUKernels.int8Matmul, npu: NPUKernels.int8Matmul)
            : KernelSet(
                cpu: CPUKernels.int8Conv2d, gpu: GPUKernels.int8Conv2d, npu: NPUKernels.int8Conv2d)
    }
}
