import MLXBase
import MLXGraph
import MLXOps

/// How long a step takes on a device, from figures measured on the machine: a start-up cost, a
/// rate for arithmetic by class of operation, and a rate for memory traffic. The slower of the
/// two rates binds (the roofline model, Williams, Waterman and Patterson 2009).
package struct CostModel: Codable, Hashable, Sendable {
    package struct Rates: Codable, Hashable, Sendable {
        /// Nanoseconds before a step does anything.
        package var startNanoseconds: Double
        /// Operations per nanosecond in matrix products.
        package var matmul: Double
        package var convolution: Double
        /// Elementwise operations per nanosecond, while the data is in cache.
        package var elementwise: Double
        package var reduction: Double
        package var int8: Double
        /// Everything else.
        package var other: Double
        /// Bytes per nanosecond from and to memory.
        package var bandwidth: Double

        package init(
            startNanoseconds: Double, matmul: Double, convolution: Double, elementwise: Double,
            reduction: Double, int8: Double, other: Double, bandwidth: Double
        ) {
            self.startNanoseconds = startNanoseconds
            self.matmul = matmul
            self.convolution = convolution
            self.elementwise = elementwise
            self.reduction = reduction
            self.int8 = int8
            self.other = other
            self.bandwidth = bandwidth
        }

        /// Operations per nanosecond in a class of work.
        package func rate(_ workClass: WorkClass) -> Double {
            switch workClass {
            case .matmul: matmul
            case .convolution: convolution
            case .int8: int8
            case .elementwise: elementwise
            case .reduction: reduction
            case .quantized, .attention, .pooling, .scan, .sort, .gather, .fft, .linearAlgebra,
                .memory, .random, .other:
                other
            }
        }
    }

    /// By device kind: cpu, gpu, npu.
    package var rates: [Rates]

    package init(rates: [Rates]) { self.rates = rates }

    /// Typical of a two-core machine with AVX2; stands in until the machine has been measured.
    package static let typical = CostModel(rates: [
        Rates(
            startNanoseconds: 300, matmul: 150, convolution: 60, elementwise: 2, reduction: 4,
            int8: 20, other: 1, bandwidth: 20),
        Rates(
            startNanoseconds: 500, matmul: 140, convolution: 80, elementwise: 4, reduction: 8,
            int8: 20, other: 1, bandwidth: 25),
        Rates(
            startNanoseconds: 500, matmul: 1, convolution: 1, elementwise: 1, reduction: 1,
            int8: 200, other: 1, bandwidth: 20),
    ])

    package func nanoseconds(
        _ op: OpCode, flops: Double, bytes: Double, on kind: DeviceKind
    ) -> Double {
        let rates = rates[kind.index]
        let rate = rates.rate(OpTable.workClasses[Int(op.raw)])
        return rates.startNanoseconds + max(flops / rate, bytes / rates.bandwidth)
    }

    package var cacheKey: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for rate in rates {
            for value in [
                rate.startNanoseconds, rate.matmul, rate.convolution, rate.elementwise,
                rate.reduction, rate.int8, rate.other, rate.bandwidth,
            ] {
                hash = (hash ^ value.bitPattern) &* 0x100_0000_01B3
            }
        }
        return hash
    }
}
