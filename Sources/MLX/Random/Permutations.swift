import MLXBase
import MLXGraph
import MLXOps

// Random orders, by sorting random numbers.
extension MLXRandom {
    /// The numbers from 0 to before `max` in a random order, uint32.
    /// ```
    /// MLXRandom.permutation(5, key: MLXRandom.key(0))  // [1, 2, 0, 4, 3]
    /// ```
    public static func permutation(
        _ max: Int, key: (some RandomStateOrKey)? = MLXArray?.none,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        argSort(bits([max], resolve(key: key), stream), axis: 0, stream: stream)
    }

    /// The sub-arrays along an axis in a random order.
    /// ```
    /// MLXRandom.permutation(samples, axis: 0)
    /// ```
    public static func permutation(
        _ array: MLXArray, axis: Int = 0, key: (some RandomStateOrKey)? = MLXArray?.none,
        stream: StreamOrDevice = .default
    ) -> MLXArray {
        recording([array]) { () throws(ArrayError) in
            let axis = try Axes.normalize(axis, rank: array.ndim, operation: "permutation")
            let order = permutation(array.dim(axis), key: key, stream: stream)
            return take(array, order, axis: axis, stream: stream)
        }
    }
}
