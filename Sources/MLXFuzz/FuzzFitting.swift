import MLX
import MLXBase
import MLXGraph
import MLXOps

/// Fitting a value to what a row takes: its elements repeated or cut to a number and arranged in a
/// shape, its numbers brought into a domain, its dtype changed. All of it is recorded as steps.
extension FuzzGenerator {
    /// - Parameters:
    ///   - domain: where numbers must lie; nil for anywhere.
    ///   - isFixed: the dtype is the row's own (indices, conditions) and not the program's.
    mutating func fitted(
        _ value: Int, to shape: [Int], _ dtype: DType, _ domain: ClosedRange<Double>?,
        isFixed: Bool
    ) -> Int {
        var result = value
        let isWide = domain.map { $0.lowerBound <= -4 && $0.upperBound >= 4 } ?? true
        if let domain, !isWide || isFixed, dtype != .bool {
            let top = dtype.isFloatingPoint ? domain.upperBound : domain.upperBound + 0.99
            let type: DType = dtype == .float64 ? .float64 : .float32
            result = inDomain(cast(result, type), domain.lowerBound...top, type)
        }
        return shaped(cast(result, dtype), to: shape)
    }

    private mutating func cast(_ value: Int, _ dtype: DType) -> Int {
        if values[value].dtype == dtype { return value }
        return append(.cast, [value], Attributes(outputDType: dtype)) ?? leaf([], dtype)
    }

    /// `low + (x - ⌊x⌋) (high - low)`, and the middle where x is not finite.
    private mutating func inDomain(
        _ value: Int, _ domain: ClosedRange<Double>, _ dtype: DType
    ) -> Int {
        let half = leaf([], dtype, constant: 0.5)
        let low = leaf([], dtype, constant: domain.lowerBound)
        let width = leaf([], dtype, constant: domain.upperBound - domain.lowerBound)
        guard let isFinite = append(.isFinite, [value]),
            let safe = append(.select, [isFinite, value, half]),
            let floor = append(.floor, [safe]), let fraction = append(.subtract, [safe, floor]),
            let scaled = append(.multiply, [fraction, width]),
            let result = append(.add, [scaled, low])
        else { return leaf(values[value].shape, dtype, constant: domain.lowerBound) }
        return result
    }

    private mutating func shaped(_ value: Int, to shape: [Int]) -> Int {
        let own = values[value].shape
        if own == shape { return value }
        let (have, want) = (own.reduce(1, *), shape.reduce(1, *))
        let dtype = values[value].dtype
        if have == 0 && want > 0 { return leaf(shape, dtype, constant: 1) }
        var result = value
        if want > have {
            let repeats = (want + have - 1) / have
            result = reshape(result, [1, have])
            result =
                append(
                    .broadcastTo, [result],
                    Attributes(
                        outputShape: try? Shape(validating: [repeats, have], operation: "fuzz")))
                ?? result
        }
        result = reshape(result, [values[result].size])
        if values[result].size > want {
            result =
                append(
                    .slice, [result],
                    Attributes(
                        words: [random.below(values[result].size - want + 1), 1],
                        outputShape: try? Shape(validating: [want], operation: "fuzz")))
                ?? result
        }
        return reshape(result, shape)
    }

    private mutating func reshape(_ value: Int, _ shape: [Int]) -> Int {
        if values[value].shape == shape { return value }
        return append(
            .reshape, [value],
            Attributes(outputShape: try? Shape(validating: shape, operation: "fuzz"))) ?? value
    }
}
