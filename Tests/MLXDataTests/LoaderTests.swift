import Foundation
import MLX
import MLXData
import Synchronization
import Testing

/// Loaders: which elements the batches have, that nothing but keys and positions decides it, and
/// what becomes of errors and of iterators that are let go.
@Suite("Data loaders") struct LoaderTests {
    private struct Broken: Error, Equatable { let index: Int }

    /// Numbers; some cannot be read. Counts how many were asked for.
    private final class Numbers: Dataset {
        let count: Int
        let broken: Set<Int>
        let reads = Mutex(0)

        init(_ count: Int, broken: Set<Int> = []) {
            self.count = count
            self.broken = broken
        }

        func element(at index: Int) throws -> Int {
            reads.withLock { $0 += 1 }
            if broken.contains(index) { throw Broken(index: index) }
            return index
        }
    }

    private func loader(
        _ numbers: Numbers, _ batchSize: Int, shuffle: RandomKey? = nil, dropsLast: Bool = false
    ) throws -> DataLoader<[Int]> {
        try DataLoader(
            numbers, batchSize: batchSize, shuffle: shuffle, dropsLast: dropsLast) { $0 }
    }

    private func all<Batch>(
        _ batches: LoaderBatches<Batch>
    ) async throws -> [(position: LoaderPosition, batch: Batch)] {
        var all: [(position: LoaderPosition, batch: Batch)] = []
        for try await element in batches { all.append(element) }
        return all
    }

    @Test("an epoch has each element once, in an order that key and epoch decide")
    func epochs() async throws {
        let shuffled = try loader(Numbers(23), 5, shuffle: 9)
        #expect(shuffled.batchesPerEpoch == 5)
        let batches = try await all(shuffled.batches(epochs: 3))
        #expect(batches.map(\.batch.count) == [5, 5, 5, 5, 3, 5, 5, 5, 5, 3, 5, 5, 5, 5, 3])
        let orders = (0..<3).map { batches[$0 * 5..<$0 * 5 + 5].flatMap(\.batch) }
        for order in orders { #expect(order.sorted() == Array(0..<23)) }
        #expect(Set(orders).count == 3)
        #expect(Set(orders).isDisjoint(with: [Array(0..<23)]))
        let other = try await all(loader(Numbers(23), 5, shuffle: 10).batches(epochs: 1))
        #expect(other.flatMap(\.batch) != orders[0])
        let dropping = try await all(loader(Numbers(23), 5, dropsLast: true).batches(epochs: 1))
        #expect(dropping.flatMap(\.batch) == Array(0..<20))
        let even = try loader(Numbers(20), 5)
        #expect(even.batchesPerEpoch == 4)
        #expect(try even.batch(at: .init(epoch: 7, batch: 3)) == Array(15..<20))
    }

    @Test("batches are the same for every depth and from every position", arguments: [0, 1, 3, 40])
    func positions(depth: Int) async throws {
        var shuffled = try loader(Numbers(23), 5, shuffle: 9)
            .map(key: 4) { batch, key in batch + [Int(key.bits >> 2)] }
        let expected = try await all(shuffled.batches(epochs: 4))
        shuffled.prefetchCount = depth
        for start in [0, 1, 4, 5, 12, 19] {
            let first = expected[start].position
            let rest = try await all(shuffled.batches(from: first, epochs: 4))
            #expect(rest.map(\.position) == expected[start...].map(\.position))
            #expect(rest.map(\.batch) == expected[start...].map(\.batch))
            #expect(try shuffled.batch(at: first) == expected[start].batch)
        }
        for (one, next) in zip(expected, expected.dropFirst()) {
            #expect(shuffled.position(after: one.position) == next.position)
        }
        let end = shuffled.position(after: expected[19].position)
        #expect(end == LoaderPosition(epoch: 4, batch: 0))
        #expect(try await all(shuffled.batches(from: end, epochs: 4)).isEmpty)
    }

    @Test("a position survives JSON") func codable() throws {
        let position = LoaderPosition(epoch: 3, batch: 17)
        let data = try JSONEncoder().encode(position)
        #expect(try JSONDecoder().decode(LoaderPosition.self, from: data) == position)
        let key = RandomKey(seed: .max)
        #expect(try JSONDecoder().decode(RandomKey.self, from: JSONEncoder().encode(key)) == key)
    }

    @Test("an error comes up at its batch, after all before it", arguments: [0, 1, 8])
    func errors(depth: Int) async throws {
        var broken = try loader(Numbers(40, broken: [17, 31]), 5)
        broken.prefetchCount = depth
        var iterator = broken.batches().makeAsyncIterator()
        for batch in 0..<3 { #expect(try await iterator.next()?.position.batch == batch) }
        await #expect(throws: Broken(index: 17)) { _ = try await iterator.next() }
        #expect(try await iterator.next() == nil)
        // The ones after it can be had by going on behind it.
        let after = LoaderPosition(epoch: 0, batch: 4)
        var rest = broken.batches(from: after).makeAsyncIterator()
        #expect(try await rest.next()?.batch == Array(20..<25))
    }

    @Test("no more is made ahead than was asked for, and nothing after letting go")
    func bounded() async throws {
        let numbers = Numbers(1_000_000)
        var ahead = try loader(numbers, 1)
        ahead.prefetchCount = 3
        do {
            var iterator = ahead.batches().makeAsyncIterator()
            for _ in 0..<5 { _ = try await iterator.next() }
        }
        // Five were used and at most three made ahead.
        for _ in 0..<200 { await Task.yield() }
        #expect((5...8).contains(numbers.reads.withLock { $0 }))
    }

    @Test("a cancelled task gets a CancellationError") func cancellation() async throws {
        let endless = try loader(Numbers(4), 2, shuffle: 1)
        let task = Task { () -> Bool in
            do {
                for try await _ in endless.batches() { await Task.yield() }
                return false
            } catch {
                return error is CancellationError
            }
        }
        task.cancel()
        #expect(await task.value)
    }

    @Test("positions and sizes that make no sense are typed errors") func badInput() async throws {
        for size in [0, -1, .min] {
            #expect(throws: ArrayError.self) { try loader(Numbers(4), size) }
        }
        let small = try loader(Numbers(4), 3)
        for (epoch, batch) in [(-1, 0), (0, 2), (0, -1), (.max, .max), (.min, 0), (0, .max)] {
            let position = LoaderPosition(epoch: epoch, batch: batch)
            let error = #expect(throws: ArrayError.self) { try small.batch(at: position) }
            #expect(error?.kind == .index)
            var iterator = small.batches(from: position).makeAsyncIterator()
            if epoch < .max {
                await #expect(throws: ArrayError.self) { _ = try await iterator.next() }
            }
        }
        #expect(try loader(Numbers(4), .max).batch(at: .start) == [0, 1, 2, 3])
        // Nothing to draw from: no batches, also without an end.
        #expect(try await all(loader(Numbers(0), 3).batches()).isEmpty)
        #expect(try await all(loader(Numbers(2), 3, dropsLast: true).batches()).isEmpty)
        #expect(try await all(small.batches(epochs: -4)).isEmpty)
    }

    @Test("a loader of arrays has one plan for all full batches") func arrays() async throws {
        let digits = try Digits.bundled().training
        let loader = try DataLoader(digits, batchSize: 32, shuffle: 7)
        #expect(loader.batchesPerEpoch == 45)
        var seen = 0
        for try await (_, batch) in loader.batches(epochs: 1) {
            try await evaluate(batch.input, batch.target)
            seen += batch.input.dim(0)
        }
        #expect(seen == 1438)
    }
}
