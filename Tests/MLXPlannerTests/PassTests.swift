import MLX
import MLXBase
import MLXGraph
import MLXOps
import Testing

@testable import MLXPlanner

/// What each pass does by itself: simplify, fuse, emit, place, order, lay out memory.
@Suite("Passes") struct PassTests {
    private let x = leaf([4, 8])

    @Test("simplify: what repeats another value needs no step") func simplify() throws {
        #expect(try plan([x.reshaped([4, 8]), broadcast(x, to: [4, 8])]).steps.isEmpty)
        #expect(try plan([exp(x) + exp(x)]).steps.count == 1)
        // Pins make expressions different.
        let pinned = Ops.unary(.exp, x, stream: StreamID(.gpu, lane: 0))
        #expect(try plan([Ops.binary(.add, exp(x), pinned)]).steps.count == 2)
        // What slices start at may differ next time.
        let sums = [sum(x[0..<2]), sum(x[0..<2])]
        #expect(try plan(sums).steps.count == 2)
    }

    @Test("fuse: a cluster has one shape, one stream and a sink") func fuse() throws {
        #expect(try plan([exp(x) * 2 + sin(x)]).names == ["add"])
        // A reduction between them ends a cluster.
        #expect(try plan([exp(x) - sum(exp(x), axis: 1, keepDims: true)]).steps.count == 3)
        // Another shape does.
        #expect(try plan([exp(leaf([8])) + exp(x)]).steps.count == 2)
        // A value that a step outside uses is stored on the way.
        let inner = exp(x)
        let outputs = try plan([inner + 1, cumsum(inner, axis: 0)])
        #expect(outputs.steps.count == 3)
    }

    @Test("fuse: long chains are cut into tapes") func longChains() throws {
        var y = x
        for _ in 0..<(Planner.maximumTapeSteps + 10) { y = sin(y) }
        #expect(try plan([y]).steps.count == 2)
    }

    @Test("emit: layouts that allow it make windows, others are copied") func emit() throws {
        #expect(try plan([x.transposed(), x[1..., 2...], x.reshaped([2, 16])]).steps.isEmpty)
        #expect(try plan([x.transposed().reshaped([32])]).names == ["reshape"])
        #expect(throws: ArrayError.self) {
            let stand = try Ops.placeholder(Shape(validating: [2]), .float32, trace: 0)
            _ = try plan([Ops.unary(.exp, stand)])
        }
    }

    @Test("order: steps wait for other streams, once") func order() throws {
        let side = StreamID(.gpu, lane: 1)
        let a = Ops.unary(.exp, x, stream: side)
        let b = cumsum(a, axis: 0) + cumsum(a, axis: 1)
        let planned = try plan([b], Planner(costs: .favouring(.cpu)))
        #expect(Array(planned.streams) == [side, StreamID(.cpu, lane: 0)])
        #expect(planned.waits.count == 1 && planned.waits[0].count == 1)
    }

    @Test("memory: a place is reused in stream order, and kept until others have read it")
    func memory() throws {
        func chain(_ streams: [StreamID]) -> MLXArray {
            var y = x
            for step in 0..<8 {
                y = Ops.scan(
                    .cumulativeSum, y, axis: 0, reverse: false, inclusive: true,
                    stream: streams[step % streams.count])
            }
            return y
        }
        let one = try plan([chain([StreamID(.cpu, lane: 0)])])
        #expect(Array(one.arenaBytes) == [256])
        let two = try plan([chain([StreamID(.cpu, lane: 0), StreamID(.cpu, lane: 1)])])
        // A step of one stream waits for the other's last one, which read what lay there before.
        #expect(Array(two.arenaBytes) == [128, 128])
        // A stream that waits for no other does not know when its values have been read.
        let (writer, reader) = (StreamID(.cpu, lane: 1), StreamID(.cpu, lane: 2))
        let sums = (0..<4).map { way in
            let own = Ops.scan(
                .cumulativeSum, x, axis: 0, reverse: way & 1 == 1, inclusive: way & 2 == 2,
                stream: writer)
            return Ops.scan(
                .cumulativeSum, own, axis: 0, reverse: false, inclusive: true, stream: reader)
        }
        let apart = try plan(sums)
        let kept = apart.slots.count { if case .arena = $0.storage { true } else { false } }
        #expect(apart.arenaBytes.max() == kept * 128 && kept == 4)
    }
}
