import MLX
import MLXGraph
import MLXOps
import Testing

/// Explicit streams hold in what transforms record: gradients, tangents and batches of a pinned
/// operation are computed where the operation is.
@Suite("Pins in transforms") struct PinTests {
    private let side = Stream(.cpu)

    /// The streams of all operations below an array, but those of arrays that are there and of
    /// the ones and zeros that a transform starts with.
    private func streams(below array: MLXArray, _ body: (Set<StreamID>) -> Void) {
        withGraph([array]) { graph in
            var found: Set<StreamID> = []
            for node in 0..<graph.count
            where !graph.isLeaf(node) && ![.traced, .full].contains(graph.ops[node]) {
                found.insert(graph.streams[node])
            }
            body(found)
        }
    }

    /// What the graph calls it.
    private var stream: StreamID {
        withGraph([negative(leaf([1]), stream: .stream(side))]) { $0.streams[$0.count - 1] }
    }

    private func loss(_ x: MLXArray) -> MLXArray {
        let on = StreamOrDevice.stream(side)
        let y = matmul(x, x, stream: on)
        return sum(multiply(exp(y, stream: on), y, stream: on), stream: on)
    }

    @Test("gradients, and gradients of gradients") func gradients() {
        let x = MLX.ones([3, 3])
        eval(x)
        streams(below: grad(loss)(x)) { #expect($0 == [stream]) }
        let second = grad { (x: MLXArray) in
            sum(grad(self.loss)(x), stream: .stream(self.side))
        }
        streams(below: second(x)) { #expect($0 == [stream]) }
    }

    @Test("tangents and batches") func others() {
        let x = MLX.ones([3, 3])
        let batch = MLX.ones([2, 3, 3])
        eval(x, batch)
        let (_, tangents) = jvp({ [self.loss($0[0])] }, primals: [x], tangents: [x])
        streams(below: tangents[0]) { #expect($0.contains(stream)) }
        streams(below: vmap(loss)(batch)) { #expect($0 == [stream]) }
    }

    @Test("what is not pinned stays free") func free() {
        let x = MLX.ones([3])
        eval(x)
        streams(below: grad { sum(exp($0)) }(x)) { #expect($0 == [.unpinned]) }
    }
}
