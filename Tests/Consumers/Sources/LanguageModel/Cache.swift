import MLX

/// What attention keeps of the tokens before: room for `step` tokens is added at a time, and each
/// token is assigned to its place.
final class KVCache {
    private var keys: MLXArray?
    private var values: MLXArray?
    private(set) var offset = 0
    private let step = 16

    func update(keys new: MLXArray, values newValues: MLXArray) -> (MLXArray, MLXArray) {
        let (previous, count) = (offset, new.dim(2))
        if previous + count > (keys?.dim(2) ?? 0) {
            let room = (count + step - 1) / step * step
            let shape = [new.dim(0), new.dim(1), room, new.dim(3)]
            let more = (
                MLXArray.zeros(shape, dtype: new.dtype), MLXArray.zeros(shape, dtype: new.dtype)
            )
            if let keys, let values {
                let kept = (
                    keys[.ellipsis, ..<previous, 0...], values[.ellipsis, ..<previous, 0...]
                )
                self.keys = concatenated([kept.0, more.0], axis: 2)
                self.values = concatenated([kept.1, more.1], axis: 2)
            } else {
                (keys, values) = more
            }
        }
        offset += count
        keys![.ellipsis, previous..<offset, 0...] = new
        values![.ellipsis, previous..<offset, 0...] = newValues
        return (keys![.ellipsis, ..<offset, 0...], values![.ellipsis, ..<offset, 0...])
    }
}
