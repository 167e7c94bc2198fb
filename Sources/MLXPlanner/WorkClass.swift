import MLXBase
import MLXGraph
import MLXOps

/// Kinds of work that a machine is measured for: operations of one class cost about the same for
/// each operation they count.
package enum WorkClass: String, CaseIterable, Codable, Sendable {
    case matmul, convolution, elementwise, reduction, int8
    case sort, scan, gather, fft, linalg, memory, random
    case other
}

/// The class of each operation. It moves into the rows; until then this is the one list.
package func workClass(of op: OpCode) -> WorkClass {
    switch op {
    case .matmul, .gatherMM, .segmentedMM, .quantizedMatmul, .gatherQuantizedMatmul, .attention:
        .matmul
    case .conv2d, .convInputGradient, .convWeightGradient: .convolution
    case .int8Matmul, .int8Conv2d: .int8
    case .sum, .product, .max, .min, .all, .any, .argMax, .argMin, .logSumExp, .softmax,
        .rmsNorm, .rmsNormGradient, .layerNorm, .layerNormGradient, .maxPool, .averagePool:
        .reduction
    case .sort, .argSort, .partition, .argPartition, .searchSorted: .sort
    case .cumulativeSum, .cumulativeProduct, .cumulativeMaximum, .cumulativeMinimum,
        .logCumulativeSum:
        .scan
    case .gather, .scatterAdd, .scatterAssign, .scatterMax, .scatterMin, .scatterProduct,
        .takeAlong, .putAlong:
        .gather
    case .fft, .rfft, .irfft, .hadamard: .fft
    case .reshape, .transpose, .broadcastTo, .slice, .sliceUpdate, .concatenate, .pad, .viewAs,
        .asStrided, .dynamicSlice, .dynamicSliceUpdate, .depends, .load:
        .memory
    case .arange, .randomBits: .random
    default:
        if (OpCode.svd.raw...OpCode.logDeterminant.raw).contains(op.raw) {
            .linalg
        } else {
            OpTable.elementwiseCodes[Int(op.raw)] != -1 ? .elementwise : .other
        }
    }
}

extension WorkClass {
    /// Places in `allCases` by op code: planning asks for every step.
    private static let indexes: [UInt8] = (0..<512).map { raw in
        UInt8(WorkClass.allCases.firstIndex(of: workClass(of: OpCode(UInt16(raw))))!)
    }

    @inline(__always) static func index(of op: OpCode) -> Int { Int(indexes[Int(op.raw)]) }

    /// Its place in `allCases`, where rates are listed.
    package var index: Int { WorkClass.allCases.firstIndex(of: self)! }
}
