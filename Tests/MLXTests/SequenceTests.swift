import Foundation
import MLX
import Testing

/// Sorting, selecting and running folds of lengths at which the kernels change their ways: rows
/// that are merged, rows sorted by digits, rows spread over the team. Against Swift's own.
@Suite("Sequences") struct SequenceTests {
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64 = 9
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 31
        }
    }

    private static let lengths = [1, 2, 17, 255, 257, 1000, 5000, 140_000]

    private func floats(_ count: Int) -> [Float] {
        var source = Seeded()
        return (0..<count).map { _ in
            // Zeros of both signs and repeated values among others.
            let value = Float.random(in: -8...8, using: &source)
            return abs(value) < 0.5
                ? (value < 0 ? -0.0 : 0) : abs(value) > 6 ? value.rounded() : value
        }
    }

    @Test("sorting is stable at any length", arguments: lengths) func sorting(count: Int) {
        let values = floats(count)
        let array = MLXArray(values)
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        #expect(argSort(array).asArray(UInt32.self) == order.map { UInt32($0) })
        let got = MLX.sorted(array).asArray(Float.self)
        #expect(got.map(\.bitPattern) == order.map { values[$0].bitPattern })
    }

    @Test("every width of key sorts", arguments: lengths) func widths(count: Int) {
        var source = Seeded()
        let bytes = (0..<count).map { _ in Int8.random(in: .min ... .max, using: &source) }
        #expect(MLX.sorted(MLXArray(bytes)).asArray(Int8.self) == bytes.sorted())
        let words = (0..<count).map { _ in UInt16.random(in: 0 ... .max, using: &source) }
        #expect(MLX.sorted(MLXArray(words)).asArray(UInt16.self) == words.sorted())
        let wide = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &source) }
        #expect(MLX.sorted(MLXArray(wide)).asArray(Int64.self) == wide.sorted())
        let order = wide.indices.sorted { (wide[$0], $0) < (wide[$1], $1) }
        #expect(argSort(MLXArray(wide)).asArray(UInt32.self) == order.map { UInt32($0) })
    }

    @Test("a partition has its rank in place", arguments: lengths) func partitions(count: Int) {
        let values = floats(count)
        let ascending = values.sorted()
        for kth in Set([0, count / 3, count - 1]) {
            let got = partitioned(MLXArray(values), kth: kth).asArray(Float.self)
            #expect(got[kth] == ascending[kth])
            #expect(got[..<kth].allSatisfy { $0 <= got[kth] })
            #expect(got[kth...].allSatisfy { $0 >= got[kth] })
            #expect(got.sorted() == ascending)
            let places = argPartition(MLXArray(values), kth: kth).asArray(UInt32.self)
            #expect(places.map { values[Int($0)] } == got)
            #expect(Set(places).count == count)
        }
    }

    @Test("running folds of long axes", arguments: [4, 100, 33_000, 140_000])
    func folds(count: Int) {
        var source = Seeded()
        let values = (0..<count).map { _ in Int32.random(in: -9...9, using: &source) }
        for reverse in [false, true] {
            var total: Int32 = 0
            var wanted = values
            for place in reverse ? Array(values.indices.reversed()) : Array(values.indices) {
                total += values[place]
                wanted[place] = total
            }
            let got = cumsum(MLXArray(values), reverse: reverse).asArray(Int32.self)
            #expect(got == wanted)
            let shifted = cumsum(MLXArray(values), reverse: reverse, inclusive: false)
            #expect(shifted.asArray(Int32.self) == zip(wanted, values).map { $0 - $1 })
            let columns = cumsum(
                broadcast(MLXArray(values).reshaped(-1, 1), to: [count, 3]), axis: 0,
                reverse: reverse)
            #expect(columns[0..., 2].asArray(Int32.self) == wanted)
        }
        let numbers = floats(count)
        var best = -Float.infinity
        let running = numbers.map { value in
            best = Swift.max(best, value)
            return best
        }
        #expect(cummax(MLXArray(numbers)).asArray(Float.self) == running)
    }

    @Test("sums of exponentials far apart") func wideLogSums() {
        let values: [Float] = [-1000, 0, 1000, -.infinity, 999]
        let got = logCumsumExp(MLXArray(values)).asArray(Float.self)
        let wanted: [Float] = [-1000, 0, 1000, 1000, 1000 + log1p(exp(-1))]
        #expect(zip(got, wanted).allSatisfy { abs($0 - $1) <= 1e-3 })
    }

    @Test("distinct elements of unknown number") func distinct() {
        let array = MLXArray([3, 1, 3, 2, 1, 3])
        let found = uniqueAll(array)
        #expect(found.values.asArray(Int.self) == [1, 2, 3])
        #expect(found.counts.asArray(Int.self) == [2, 1, 3])
        #expect(found.indices.asArray(Int.self) == [1, 3, 0])
        #expect(found.inverse.asArray(Int.self) == [2, 0, 2, 1, 0, 2])
        #expect(unique(MLXArray([Int32]())).size == 0)
    }

    @Test("views of windows share bytes") func views() {
        let source = MLXArray((0..<12).map { Float($0) }, [3, 4])
        #expect(
            source[1].view(dtype: .uint32).asArray(UInt32.self)
                == [4, 5, 6, 7].map {
                    Float($0).bitPattern
                })
        let turned = source.transposed().view(dtype: .int32)
        #expect(
            turned.view(dtype: .float32).asArray(Float.self)
                == source.transposed().asArray(Float.self))
        let halves = source[1..., 0...].view(dtype: .uint16)
        #expect(halves.shape == [2, 8])
        #expect(halves.view(dtype: .float32).asArray(Float.self) == (4..<12).map { Float($0) })
        let columns = source.transposed().view(dtype: .uint8)
        #expect(columns.shape == [4, 12])
        #expect(
            columns.view(dtype: .float32).asArray(Float.self)
                == source.transposed().asArray(Float.self))
        #expect(
            MLXArray([0, 2] as [UInt8]).view(dtype: .bool).asArray(Bool.self) == [false, true])
    }

    @Test("einsum takes the cheap order") func order() throws {
        let (a, b, c) = (zeros([100, 2]), zeros([2, 100]), zeros([100, 2]))
        #expect(try einsumPath("ij,jk,kl->il", a, b, c).path == [[1, 2], [0, 1]])
        #expect(try einsumPath("ij,jk,kl->il", b, c, b).path == [[0, 1], [0, 1]])
        let many = (0..<10).map { _ in ones([2, 2]) }
        let product = einsum("ab,bc,cd,de,ef,fg,gh,hi,ij,jk->ak", operands: many)
        #expect(product.asArray(Float.self) == [512, 512, 512, 512])
    }
}
