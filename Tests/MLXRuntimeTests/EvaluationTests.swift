import MLXBase
import MLXGraph
import MLXOps
import MLXPlanner
import MLXRuntime
import Testing

/// The engine from graphs to values: broadcasting, windows, chains, plans that are found again,
/// errors, half precision.
@Suite("Evaluation") struct EvaluationTests {
    @Test("elementwise operations broadcast") func broadcasting() throws {
        let a = array([1, 2, 3, 4, 5, 6], [2, 3])
        let b = array([10, 20, 30], [3])
        #expect(try values(Ops.binary(.add, a, b)) == [11, 22, 33, 14, 25, 36])
        let c = array([100, 200], [2, 1])
        #expect(try values(Ops.binary(.multiply, a, c)) == [100, 200, 300, 800, 1000, 1200])
    }

    @Test("windows read through strides and offsets") func windows() throws {
        let a = array((0..<24).map(Float.init), [2, 3, 4])
        let t = Ops.transpose(a, [2, 0, 1])
        #expect(try values(Ops.slice(t, axis: 0, 1, 1)) == [1, 5, 9, 13, 17, 21])
        let s = Ops.slice(a, starts: [1, 2, 3], steps: [-1, -2, -1], sizes: [2, 2, 2])
        #expect(try values(s) == [23, 22, 15, 14, 11, 10, 3, 2])
        #expect(try values(Ops.unary(.negative, s)) == [-23, -22, -15, -14, -11, -10, -3, -2])
    }

    @Test("a chain of 1,000 additions equals sequential additions") func chain() throws {
        var x = array([0.1], [1])
        var expected: Float = 0.1
        for _ in 0..<1000 {
            x = Ops.binary(
                .add, x, scalarBits: UInt64(Float(0.3).bitPattern), .float32)
            expected += 0.3
        }
        #expect(try values(x) == [expected])
    }

    @Test("long chains are recorded, evaluated and released")
    func deep() throws {
        // A million take a minute without the optimiser.
        let count = isFullRun ? 1_000_000 : 100_000
        var x = array([0], [1])
        for _ in 0..<count {
            x = Ops.binary(.add, x, scalarBits: UInt64(Float(1).bitPattern), .float32)
        }
        #expect(try values(x) == [Float(count)])
    }

    @Test("scalars and slice starts are values, not structure") func onePlan() throws {
        // An engine of its own: other tests make plans on the shared one meanwhile.
        let engine = makeEngine()
        defer { engine.shutdown() }
        let before = engine.statistics.planMisses
        let a = array((0..<8).map(Float.init), [8])
        for step in 0..<5 {
            let part = Ops.slice(a, axis: 0, step, 2)
            let y = Ops.binary(
                .multiply, part, scalarBits: UInt64(Float(step).bitPattern), .float32)
            try engine.evaluateBlocking(.init(roots: [y]))
            #expect(try values(y, on: engine)[1] == Float(step * (step + 1)))
        }
        #expect(engine.statistics.planMisses - before <= 2)
    }

    @Test("an invalid operation is an error of the evaluation, with its chain") func poison() throws
    {
        let bad = Ops.binary(.add, array([1, 2], [2]), array([1, 2, 3], [3]))
        let y = Ops.unary(.exp, Ops.unary(.negative, bad))
        let error = #expect(throws: ArrayError.self) {
            try engine.evaluateBlocking(.init(roots: [y]))
        }
        #expect(error?.kind == .shape)
        #expect(error?.shapes == [[2], [3]])
        #expect(error?.chain == ["negative", "exp"])
    }

    @Test("half precision rounds after every operation") func halves() throws {
        let x = Ops.cast(array([0.1, 1000, 3], [3]), to: .float16)
        let y = Ops.cast(
            Ops.binary(.multiply, Ops.binary(.add, x, x), x), to: .float32)
        let expected = [Float16(0.1), 1000, 3].map { Float(Float16(($0 + $0)) * $0) }
        #expect(try values(y) == expected)
    }
}
