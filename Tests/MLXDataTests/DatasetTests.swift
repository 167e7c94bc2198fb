import Foundation
import MLX
import MLXData
import Testing

/// Data sets and what is made of them: rows of arrays, parts, elements that a function makes, and
/// how elements become batches.
@Suite("Data sets") struct DatasetTests {
    private let rows = ElementDataset((0..<10).map { Float($0) })

    private func kind(_ body: () throws -> Void) -> ArrayError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? ArrayError)?.kind
        }
    }

    @Test("batches of rows are gathered and equal stacked elements") func rowsOfArrays() throws {
        let images = MLXArray(0..<60, [10, 3, 2]).asType(.float32)
        let labels = MLXArray(0..<10)
        let dataset = try ArrayDataset(Example(images, labels))
        #expect(dataset.count == 10)
        for indices in [[7, 0, 7, 9], [2, 3, 4], [5]] {
            let batch = try dataset.batch(at: indices)
            let stacked = try Example.collate(indices.map(dataset.element(at:)))
            #expect(batch.input.shape == [indices.count, 3, 2])
            #expect(batch.input.asArray(Float.self) == stacked.input.asArray(Float.self))
            #expect(batch.target.asArray(Int.self) == indices)
            #expect(stacked.target.asArray(Int.self) == indices)
        }
        #expect(try dataset.element(at: 4).input.shape == [3, 2])
        for index in [-1, 10, .min, .max] {
            #expect(kind { _ = try dataset.element(at: index) } == .index)
            #expect(kind { _ = try dataset.batch(at: [0, index]) } == .index)
            #expect(kind { _ = try dataset.subset([index]) } == .index)
        }
        #expect(kind { _ = try ArrayDataset(Example(images, labels[0..<4])) } == .shape)
        #expect(kind { _ = try ArrayDataset(MLXArray(1)) } == .shape)
        #expect(kind { _ = try ArrayDataset([String: MLXArray]()) } == .argument)
    }

    @Test("arrays by name are a data set") func columns() throws {
        let dataset = try ArrayDataset(["x": MLXArray(0..<4), "y": MLXArray(10..<14)])
        let batch = try dataset.batch(at: [3, 1])
        #expect(batch["x"]?.asArray(Int.self) == [3, 1])
        #expect(batch["y"]?.asArray(Int.self) == [13, 11])
    }

    @Test("elements that do not fit each other are typed errors") func misfits() throws {
        let shapes = [MLXArray.zeros([2, 3]), MLXArray.zeros([2, 3]), MLXArray.zeros([3, 2])]
        let error = #expect(throws: ArrayError.self) { try MLXArray.collate(shapes) }
        #expect(error?.kind == .shape)
        #expect(error?.message.contains("element 2") == true)
        #expect(error?.shapes == [[2, 3], [3, 2]])
        #expect(kind { _ = try MLXArray.collate([MLXArray(1), MLXArray(Float(1))]) } == .dtype)
        #expect(kind { _ = try MLXArray.collate([]) } == .argument)
        let one = ["a": MLXArray(1)]
        let two = ["a": MLXArray(1), "b": MLXArray(2)]
        #expect(kind { _ = try [String: MLXArray].collate([one, two]) } == .argument)
    }

    @Test("parts have no element in common and all together") func parts() throws {
        for key in [RandomKey?.none, 5] {
            let (first, second) = try rows.split(fraction: 0.7, key: key)
            #expect(first.count == 7 && second.count == 3)
            #expect(Set(first.indices + second.indices) == Set(0..<10))
            #expect((first.indices == Array(0..<7)) == (key == nil))
            let again = try rows.split(fraction: 0.7, key: key)
            #expect(again.0.indices == first.indices)
        }
        #expect(try rows.split(counts: [2, 3], key: 1).map(\.count) == [2, 3])
        for counts in [[11], [-1], [5, 6], [.max, .max]] {
            #expect(kind { _ = try rows.split(counts: counts) } == .argument)
        }
        for fraction in [-0.1, 1.5, .nan] {
            #expect(kind { _ = try rows.split(fraction: fraction) } == .argument)
        }
    }

    @Test("parts and rows of several") func views() throws {
        let reversed = try rows.subset(stride(from: 9, through: 0, by: -1))
        #expect(try reversed.element(at: 0) == 9)
        let empty = ElementDataset<Float>([])
        let all = empty.concatenated(with: rows, empty, rows, empty)
        #expect(all.count == 20)
        #expect(try (0..<20).map(all.element(at:)) == rows.elements + rows.elements)
        #expect(kind { _ = try all.element(at: 20) } == .index)
        let arrays = try [0..<5, 5..<5, 5..<8, 8..<20].map {
            try ArrayDataset(MLXArray(Array($0)))
        }
        let joined = arrays[0].concatenated(with: arrays[1], arrays[2], arrays[3])
        for indices in [[19, 0, 6, 3, 6, 12], [6, 5], [4, 5], [1, 2, 3]] {
            #expect(try joined.batch(at: indices).asArray(Int.self) == indices)
        }
        let wider = try ArrayDataset(MLXArray.zeros([2, 3], type: Int32.self))
        let uneven = arrays[0].concatenated(with: wider)
        #expect(try uneven.batch(at: [6, 5]).shape == [2, 3])
        #expect(kind { _ = try uneven.batch(at: [0, 6]) } == .shape)
        let doubled = rows.map { $0 * 2 }
        #expect(try doubled.element(at: 4) == 8)
    }

    @Test("a mapped element's key belongs to key, epoch and number") func keys() throws {
        let draws = rows.map(key: 3) { _, key in key.bits }
        func all(_ dataset: some Dataset<UInt64>) throws -> [UInt64] {
            try (0..<dataset.count).map(dataset.element(at:))
        }
        let first = try all(draws)
        #expect(try all(draws) == first)
        #expect(try all(draws.inEpoch(0)) == first)
        let second = try all(draws.inEpoch(1))
        #expect(Set(first + second).count == 20)
        #expect(try all(draws.inEpoch(1).inEpoch(0)) == first)
        // Through views as well.
        let part = try draws.subset([4, 2])
        #expect(try all(part.inEpoch(1)) == [second[4], second[2]])
        #expect(try all(draws.concatenated(with: draws).inEpoch(1)) == second + second)
        #expect(try all(rows.map(key: 4) { _, key in key.bits }) != first)
    }

    @Test("keys are MLX's keys") func randomKeys() throws {
        let key = RandomKey(seed: 0x0123_4567_89AB_CDEF)
        #expect(try RandomKey(MLXRandom.key(key.bits)) == key)
        #expect(key.asRandomKey().asArray(UInt32.self) == [0x0123_4567, 0x89AB_CDEF])
        #expect(kind { _ = try RandomKey(MLXArray([1, 2])) } == .argument)
        #expect(kind { _ = try RandomKey(MLXArray.zeros([2]) + MLXArray.zeros([3])) } == .shape)
        #expect(Set((-50..<50).map { key.derived($0) }).count == 100)
        var one = key.generator()
        var other = key.generator()
        #expect((0..<9).map { _ in one.next() } == (0..<9).map { _ in other.next() })
    }

    @Test("digits are a data set") func digits() throws {
        let digits = try Digits.bundled()
        let batch = try digits.batch(at: [5, 1000, 7])
        #expect(batch.input.shape == [3, 8, 8, 1])
        let own = try digits.element(at: 1000)
        #expect(own.input.asArray(Float.self) == batch.input[1].asArray(Float.self))
        #expect(own.target.item(Int.self) == batch.target[1].item(Int.self))
        #expect(kind { _ = try digits.element(at: 1797) } == .index)
    }
}
