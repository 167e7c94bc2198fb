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
    }

    @Test("memory: what a result is written over lies in its place") func lending() throws {
        func places(_ plan: Plan) -> [Plan.Storage] {
            plan.slots.filter { $0.producer >= 0 }.map(\.storage)
        }
        let w = leaf([8, 8])
        let planned = try plan([exp(matmul(x, w))])
        #expect(planned.lends && planned.arenaByteCount == 0)
        #expect(places(planned).contains(.result) && places(planned).count == 2)
        // On another device's stream as well.
        let gpu = StreamID(.gpu, lane: 0)
        let far = try plan([Ops.unary(.exp, matmul(x, w, stream: .cpu), stream: gpu)])
        #expect(far.lends && far.streams.count == 2)
        // Not what a later step reads, what has another size, or what is only read in part.
        let product = matmul(x, w)
        let read = try plan([exp(product), cumsum(product, axis: 0)])
        #expect(!places(read).contains { if case .lent = $0 { true } else { false } })
        #expect(!(try plan([sum(product, axis: 0)])).lends)
        #expect(!(try plan([exp(product[1...])])).lends)
    }

    @Test("fuse: what a later step reads too is stored on the way") func fuseShared() throws {
        let inner = exp(x)
        #expect(try plan([inner + 1, cumsum(inner, axis: 0)]).names == ["add", "cumsum"])
        // Not by a cluster that reads what the other one makes.
        let sums = cumsum(inner, axis: 0)
        #expect(try plan([inner + sums]).names == ["exp", "cumsum", "add"])
        #expect(try plan([(inner + sums) * 2, inner[1...] - 1]).steps.count == 4)
        // A recurrence is a tape for each step, with its state and its output.
        var (state, outputs) = (x, [MLXArray]())
        for _ in 0..<3 {
            let cell = sin(state) + 1
            outputs.append(cos(cell))
            state = cumsum(cell, axis: 1)
        }
        let planned = try plan(outputs + [state])
        #expect(planned.names == ["cos", "cumsum", "cos", "cumsum", "cos", "cumsum"])
        #expect(planned.steps[0].outputCount == 2)
    }

    @Test("fuse: clusters that share values depend on each other in one direction")
    func fuseAtRandom() throws {
        for seed in 0..<300 {
            var random = SplitMix64(seed: UInt64(seed))
            func number(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
            var values = [x]
            for _ in 0..<(3 + number(20)) {
                let (a, b) = (values[number(values.count)], values[number(values.count)])
                switch number(5) {
                case 0: values.append(cumsum(a, axis: 1))
                case 1: values.append(sin(a))
                case 2: values.append(a - sum(b, axis: 1, keepDims: true) * 0.125)
                default: values.append(a * 0.5 + b)
                }
            }
            let wanted = (0...number(3)).map { _ in values[number(values.count)] }
            let planned = try plan(wanted)
            var written = Set<Int32>()
            for step in planned.steps {
                let first = step.operandStart
                for operand in (first + step.outputCount)..<(first + step.operandCount) {
                    let slot = planned.operands[Int(operand)].slot
                    let producer = planned.slots[Int(slot)].producer
                    #expect(producer < 0 || written.contains(slot), "seed \(seed)")
                }
                for operand in first..<(first + step.outputCount) {
                    written.insert(planned.operands[Int(operand)].slot)
                }
            }
        }
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
