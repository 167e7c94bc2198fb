import MLXGraph
import MLXOps

// Products in fewer bits, where that is off by no more than the caller says.

/// What factors of products may be rounded to.
public enum ReducedPrecision: Sendable, Hashable {
    /// Integers of 8 bits: each row of the left factor and each column of the right one with a
    /// scale of its own. Sums are exact.
    case int8

    /// What a product of so many terms may be off by, relative to the norms of its factors:
    /// |y' - y| ≤ bound ‖x‖₂ ‖w‖₂ for every element, whatever the values. It is the least
    /// tolerance with which such products are rounded:
    /// (1 + √terms) / 254 + terms / 254², and what float32 sums and the dtype of the result round.
    /// - Parameters:
    ///   - terms: the length of the sums, that is inputs of a linear layer, or height × width ×
    ///     channels of a convolution's window.
    ///   - dtype: of the factors.
    public func errorBound(terms: Int, dtype: DType = .float32) -> Double {
        ErrorBound.bothSides(terms: terms, itemSize: dtype.size)
    }

    /// What each element of matmul(x, w) may be off by with these values:
    /// max|x| Σ|w| / 254 + max|w| Σ|x| / 254 + K max|x| max|w| / 254², over the K terms of the row
    /// and the column, and what float32 and the dtype of the result round. It is less than
    /// `errorBound(terms:)` times the norms, which holds for all values.
    /// - Parameters:
    ///   - x: (…, M, K).
    ///   - w: (K, N).
    /// - Returns: (…, M, N), float32.
    public func errorBound(_ x: MLXArray, _ w: MLXArray) -> MLXArray {
        let (left, right) = (abs(x.asType(.float32)), abs(w.asType(.float32)).transposed())
        let column = max(right, axis: -1, keepDims: true).T
        let largest = matmul(max(left, axis: -1, keepDims: true), column)
        let ofColumns = matmul(sum(left, axis: -1, keepDims: true), column)
        return int8RoundingError(left, right) + ofColumns * Float(ErrorBound.steps / 254)
            + largest * Float(x.dim(-1)) / (254 * 254)
            + matmul(left, right.T) * Float(ErrorBound.floats(itemSize: x.dtype.size))
    }
}

/// Runs `body`, in which products of arrays with one matrix (`matmul`, `addMM`, linear layers) and
/// one- and two-dimensional convolutions may be computed in fewer bits, where their error stays
/// within a tolerance and the scheduler finds it faster.
///
/// The error of an element y of a product of a row x and a column w is bounded by
/// `precision.errorBound(terms:)` times ‖x‖₂ ‖w‖₂. A product whose bound exceeds the tolerance is
/// computed as it is without `withPrecision`; so are batches of matrices on the right, other dtypes
/// than float32, float16 and bfloat16, attention, and the products of derivatives. `explain` says
/// of each step what the bound is and where it runs. What is decided depends on shapes and on the
/// calibration, not on values, so equal programs have equal bits.
/// ```swift
/// let y = withPrecision(.int8, tolerance: 0.1) { model(x) }
/// ```
/// - Parameters:
///   - tolerance: relative to ‖x‖₂ ‖w‖₂, counted in millionths; at least 0. With another number
///     (negative, NaN) products are invalid arrays.
public func withPrecision<R>(
    _ precision: ReducedPrecision, tolerance: Double, _ body: () throws -> R
) rethrows -> R {
    try Defaults.with({ $0.productTolerance = Tolerance.word(tolerance) }, body)
}

/// Runs an asynchronous `body`, in which products may be computed in fewer bits, where their error
/// stays within a tolerance; the same as for one that is not.
public nonisolated(nonsending) func withPrecision<R>(
    _ precision: ReducedPrecision, tolerance: Double, _ body: () async throws -> R
) async rethrows -> R {
    try await Defaults.with({ $0.productTolerance = Tolerance.word(tolerance) }, body)
}

/// Records a product with the task's tolerance; nil when there is none, or `record` says no.
@inline(__always) func limitedProduct(_ record: (Int) -> MLXArray?) -> MLXArray? {
    guard let defaults = Defaults.current, let tolerance = defaults.value.productTolerance
    else { return nil }
    return record(tolerance)
}

/// What rounding the rows of x to int8 changes products x wᵀ by at most, element by element:
/// half a step of each term, Σ max|x| / 254 Σ|w| over groups that share a step.
/// - Parameters:
///   - x: (…, K), real.
///   - w: (N, K), real.
///   - groupSize: how many terms share a step; all if nil.
/// - Returns: (…, N), float32.
package func int8RoundingError(
    _ x: MLXArray, _ w: MLXArray, groupSize: Int? = nil
) -> MLXArray {
    let size = groupSize ?? Swift.max(x.dim(-1), 1)
    func grouped(_ a: MLXArray) -> MLXArray {
        abs(a.asType(.float32)).reshaped(Array(a.shape.dropLast()) + [a.dim(-1) / size, size])
    }
    let steps = max(grouped(x), axis: -1) * Float(ErrorBound.steps / 254)
    return matmul(steps, sum(grouped(w), axis: -1).T)
}
