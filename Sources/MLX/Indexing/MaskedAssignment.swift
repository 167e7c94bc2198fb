import MLXBase
import MLXGraph
import MLXOps

// Assigning where a mask is true: `a[mask] = values`. Which values go where depends on how many
// places before are true, so it is a running sum, a gather and a selection, all lazy.
extension MLXArray {
    /// The array with values at the places where a bool array of its leading axes is true.
    ///
    /// Values that broadcast to one place (the axes that the mask does not have) go to all of them.
    /// Values with one axis more are taken in order, one for each place; when they run out, the
    /// result is an error once it is evaluated.
    func masked(
        _ mask: MLXArray, _ values: MLXArray, _ stream: StreamID
    ) throws(ArrayError) -> MLXArray {
        let (own, leading) = (shape, mask.shape)
        guard leading.count <= own.count, Array(own.prefix(leading.count)) == leading else {
            throw ArrayError(
                .shape, "masked assignment",
                "a mask of shape \(mask.nodeShape) for an array of"
                    + " shape \(nodeShape)", shapes: [own, leading])
        }
        let place = Array(own.dropFirst(leading.count))
        let values = Ops.cast(values, to: dtype, stream: stream)
        let isThere = Ops.reshape(
            mask, leading + [Int](repeating: 1, count: place.count), stream: stream)
        if values.size == 1 || values.ndim <= place.count {
            let one = values.size == 1 ? Ops.reshape(values, [], stream: stream) : values
            return Ops.select(
                isThere, Ops.broadcast(one, to: own, stream: stream), self, stream: stream)
        }
        guard values.ndim == place.count + 1 else {
            throw ArrayError(
                .shape, "masked assignment",
                "values of shape \(values.nodeShape) for places of"
                    + " shape \(Shape.describe(place))", shapes: [own, leading, values.shape])
        }
        let rows = Ops.broadcast(values, to: [values.dim(0)] + place, stream: stream)
        let flat = Ops.reshape(mask, [mask.size], stream: stream)
        let before = Ops.scan(
            .cumulativeSum, flat, axis: 0, reverse: false, inclusive: false, stream: stream)
        let numbers = Ops.select(flat, before, Ops.scalar(0, .int32), stream: stream)
        let taken = Ops.record(
            .gather, [rows, numbers], Attributes(words: [1, 1] + place), stream: stream)
        return Ops.select(
            isThere, Ops.reshape(taken, own, stream: stream), self, stream: stream)
    }
}
