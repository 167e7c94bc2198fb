import MLXBase
import MLXGraph
import MLXMemory
import MLXOps
import SimulationSupport
import Synchronization
import Testing

@testable import MLXRuntime

/// A result is written over an array that nobody holds but the graph, and over no other.
@Suite("Donations") struct DonationTests {
    private static let count = 2048

    /// An array of ones, and where it lies.
    private func ones(_ shape: [Int] = [count]) -> (MLXArray, UnsafeMutableRawPointer) {
        let x = array([Float](repeating: 1, count: shape.reduce(1, *)), shape)
        return (x, x.value!.pointer)
    }

    private func plus(_ x: MLXArray, _ value: Float) -> MLXArray {
        Ops.binary(.add, x, constant(value))
    }

    private func update(_ x: MLXArray, _ value: Float, at start: Int) -> MLXArray {
        Ops.record(
            .sliceUpdate, [x, array([value, value], [2])],
            Attributes(words: [start, 1]))
    }

    /// Evaluates a function of an array that is given up, and tells whether it lies where the
    /// array lay.
    private func overwrites(
        keeping: (MLXArray) -> AnyObject? = { _ in nil }, _ body: (MLXArray) -> MLXArray
    ) throws -> (isOverwritten: Bool, values: [Float]) {
        var (x, place): (MLXArray?, UnsafeMutableRawPointer) = ones()
        let kept = keeping(x!)
        let y = body(x!)
        x = nil
        try engine.evaluateBlocking(.init(roots: [y]))
        let result = (y.value!.pointer == place, try values(y))
        withExtendedLifetime(kept) {}
        return result
    }

    @Test("sums, slices assigned to and scatters take the place of an array given up")
    func rows() throws {
        let sum = try overwrites { plus($0, 2) }
        #expect(sum.isOverwritten && sum.values.allSatisfy { $0 == 3 })
        let assigned = try overwrites { update($0, 5, at: 3) }
        #expect(assigned.isOverwritten && assigned.values[..<6] == [1, 1, 1, 5, 5, 1])
        let scattered = try overwrites {
            let indices = Ops.cast(array([7, 7], [2]), to: .int32)
            return Ops.record(
                .scatterAdd, [$0, indices, array([2, 3], [2, 1])], Attributes(words: [1, 1]))
        }
        #expect(scattered.isOverwritten && scattered.values[6..<9] == [1, 6, 1])
    }

    @Test("a chain of assignments stays in one place") func chain() throws {
        var (x, place) = ones()
        for start in 0..<100 {
            x = update(x, Float(start), at: start)
            try engine.evaluateBlocking(.init(roots: [x]))
            #expect(x.value!.pointer == place)
        }
        #expect(try values(x)[..<102] == ((0..<100).map { Float($0) } + [99, 1])[...])
        // Within one graph.
        for start in 0..<100 { x = update(x, 7, at: start) }
        #expect(try values(x)[..<102] == ([Float](repeating: 7, count: 101) + [1])[...])
    }

    @Test("what somebody else may read is left alone") func others() throws {
        let held = try overwrites(keeping: { $0.aliased() }) { plus($0, 2) }
        #expect(!held.isOverwritten)
        let value = try overwrites(keeping: { $0.value }) { plus($0, 2) }
        #expect(!value.isOverwritten)
        let buffer = try overwrites(keeping: { $0.value?.buffer }) { plus($0, 2) }
        #expect(!buffer.isOverwritten)
        let window = try overwrites(
            keeping: { x in
                let window = Ops.reshape(x, [2, DonationTests.count / 2])
                try? engine.evaluateBlocking(.init(roots: [window]))
                return window
            }, { plus($0, 2) })
        #expect(!window.isOverwritten)
        let unevaluated = try overwrites(keeping: { Ops.reshape($0, [2, 1024]) }) { plus($0, 2) }
        #expect(!unevaluated.isOverwritten)
        let twice = try overwrites { x in
            Ops.binary(.multiply, plus(x, 1), Ops.record(.sum, [x], Attributes(word: 1)))
        }
        #expect(!twice.isOverwritten)
        #expect(twice.values.allSatisfy { $0 == Float(2 * DonationTests.count) })
    }

    @Test("foreign memory, other widths and windows are left alone") func memory() throws {
        nonisolated(unsafe) let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: 8192, alignment: 64)
        bytes.initializeMemory(as: Float.self, repeating: 1, count: 2048)
        let buffer = Buffer(adopting: bytes, byteCount: 8192) { bytes.deallocate() }
        var x: MLXArray? = MLXArray(
            Value(buffer: buffer, dtype: .float32, shape: try Shape(validating: [2048])))
        let y = plus(x!, 2)
        x = nil
        try engine.evaluateBlocking(.init(roots: [y]))
        #expect(y.value!.pointer != bytes)
        let narrowed = try overwrites { Ops.cast(plus($0, 1), to: .float16) }
        #expect(!narrowed.isOverwritten)
        let turned = try overwrites { plus(Ops.reshape($0, [DonationTests.count, 1]), 1) }
        #expect(turned.isOverwritten, "another shape of the same elements is no other array")
    }

    @Test("a failure gives back what was not overwritten, and keeps what was")
    func failures() throws {
        let bad = Ops.cast(array([4000], [1]), to: .int32)
        for overwrittenFirst in [true, false] {
            var (x, _): (MLXArray?, UnsafeMutableRawPointer) = ones()
            let (other, _) = ones()
            func failing(_ source: MLXArray) -> MLXArray {
                Ops.record(.gather, [source, bad], Attributes(words: [1, 1]))
            }
            let y: MLXArray
            let broken: MLXArray
            if overwrittenFirst {
                y = plus(x!, 2)
                broken = failing(y)
            } else {
                broken = failing(other)
                y = Ops.binary(.add, x!, Ops.reshape(broken, [1]))
            }
            x = nil
            for _ in 0..<2 {
                #expect(throws: ArrayError.self) {
                    try engine.evaluateBlocking(.init(roots: [y, broken]))
                }
            }
            if overwrittenFirst { #expect(try values(y).allSatisfy { $0 == 3 }) }
        }
    }

    @Test("two results of one pass leave the array alone, for one may fail to be kept")
    func branches() throws {
        for isFailing in [false, true] {
            var (x, _): (MLXArray?, UnsafeMutableRawPointer) = ones()
            let sum = plus(x!, 1)
            x = nil
            let double = Ops.binary(.multiply, sum, constant(2))
            let triple = Ops.binary(.multiply, sum, constant(3))
            let bad = Ops.cast(array([4000], [1]), to: .int32)
            let broken = Ops.record(.gather, [double, bad], Attributes(words: [1, 1]))
            if isFailing {
                #expect(throws: ArrayError.self) {
                    try engine.evaluateBlocking(.init(roots: [double, triple, broken]))
                }
            }
            #expect(try values(double).allSatisfy { $0 == 4 })
            #expect(try values(triple).allSatisfy { $0 == 6 })
            #expect(double.value!.pointer != triple.value!.pointer)
        }
    }

    @Test("tasks that want one array while it is overwritten get it", arguments: [32, 100_000])
    func together(count: Int) async throws {
        let wrong = Tally()
        for round in 0..<100 {
            var x: MLXArray? = array([Float](repeating: 1, count: count), [count])
            let y = plus(x!, Float(round))
            x = nil
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let z = Ops.binary(.multiply, y, constant(Float(number)))
                        try? await engine.evaluate(.init(roots: number < 2 ? [y] : [z]))
                        let (result, factor) = number < 2 ? (y, 1) : (z, Float(number))
                        let expected = (Float(round) + 1) * factor
                        // The last element alone: all of them take a debug build a minute.
                        let last = result.value.map {
                            $0.pointer.assumingMemoryBound(to: Float.self)[count - 1]
                        }
                        if last != expected { wrong.add(1) }
                    }
                }
            }
        }
        #expect(wrong.value == 0)
    }
}
