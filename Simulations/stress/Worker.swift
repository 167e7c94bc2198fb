import MLXBase
import Foundation
import MLX
import MLXGraph
import MLXMemory
import MLXRuntime
import SimulationSupport

/// One worker: rounds of random graphs, each evaluated in one of the ways there are, until the
/// time is up. Its own state is touched by one thread at a time; the cells are everybody's.
final class Worker: @unchecked Sendable {
    // SAFETY: a worker runs in one task or on one thread, which is the only one to call it.
    private let number: Int
    private var random: SplitMix64
    private let ledger: Ledger
    private let cells: SharedCells
    private let deadline: ContinuousClock.Instant

    init(
        number: Int, random: SplitMix64, ledger: Ledger, cells: SharedCells,
        deadline: ContinuousClock.Instant
    ) {
        self.number = number
        self.random = random
        self.ledger = ledger
        self.cells = cells
        self.deadline = deadline
    }

    private var isTimeUp: Bool { ContinuousClock.now >= deadline }

    nonisolated(nonsending) func run() async {
        while !isTimeUp {
            switch random.below(8) {
            case 0, 1: evaluateBlocking()
            case 2, 3: await evaluateAsync()
            case 4: startAndRead()
            case 5: differentiate()
            case 6: await cancel()
            default: share()
            }
            await Task.yield()
        }
    }

    /// The same on a thread that Swift concurrency knows nothing of.
    nonisolated(nonsending) func runOnPlainThread() async {
        await withCheckedContinuation { continuation in
            let thread = Thread { [self] in
                while !isTimeUp {
                    switch random.below(4) {
                    case 0: startAndRead()
                    case 1: differentiate()
                    case 2: share()
                    default: evaluateBlocking()
                    }
                }
                continuation.resume()
            }
            thread.start()
        }
    }

    // MARK: - Ways

    private func evaluateBlocking() {
        let wanted = record()
        measure("blocking") { eval(wanted.map(\.array)) }
        check(wanted, "blocking")
    }

    private nonisolated(nonsending) func evaluateAsync() async {
        let wanted = record()
        let start = now()
        do {
            try await evaluate(wanted.map(\.array))
            ledger.note("async", nanoseconds: now() - start)
            check(wanted, "async")
        } catch {
            ledger.violate("worker \(number), async: \(error)")
        }
    }

    private func startAndRead() {
        let wanted = record()
        let start = now()
        asyncEval(wanted.map(\.array))
        let sum = wanted[0].array.sum()
        let found = sum.item(Float.self)
        ledger.note("background", nanoseconds: now() - start)
        let expected = wanted[0].expected.values.reduce(0, +)
        if found != expected {
            ledger.violate("worker \(number), background: a sum is \(found), not \(expected)")
        }
        eval(wanted.map(\.array))
        check(wanted, "background")
    }

    /// The derivative of Σ x² is 2 x.
    private func differentiate() {
        let x = record()[0]
        let gradient = grad { (x: MLXArray) in (x * x).sum() }
        let slope = Tracked(gradient(x.array), x.expected.map { 2 * $0 })
        measure("gradient") { eval(slope.array) }
        check([slope], "gradient")
    }

    /// An evaluation that is cancelled somewhere; tried again it must be right.
    private nonisolated(nonsending) func cancel() async {
        let wanted = record()
        let arrays = wanted.map(\.array)
        let task = Task { try await evaluate(arrays) }
        if random.oneIn(2) { await Task.yield() }
        task.cancel()
        switch await task.result {
        case .success: check(wanted, "cancelled late")
        case .failure(let error):
            ledger.noteCancellation()
            if !(error is CancellationError) {
                ledger.violate("worker \(number), cancelled: \(error)")
            }
            measure("retry") { eval(arrays) }
            check(wanted, "retry")
        }
    }

    /// Reads and replaces arrays that others read and replace.
    private func share() {
        let start = now()
        if let difference = cells.use(&random) {
            ledger.violate("worker \(number), shared: \(difference)")
        }
        ledger.note("shared", nanoseconds: now() - start)
    }

    // MARK: - Parts

    private func record() -> [Tracked] {
        var leaves: [Tracked] = []
        for _ in 0..<random.within(1...3) {
            let contents = GraphGenerator.leaf(&random)
            leaves.append(Tracked(MLXArray(contents.values, contents.shape), contents))
        }
        var generator = GraphGenerator(random: random.split(), leaves: leaves)
        for _ in 0..<random.within(1...16) { generator.step() }
        let count = random.within(1...3)
        return (0..<count).map { _ in generator.pool[random.below(generator.pool.count)] }
    }

    private func check(_ wanted: [Tracked], _ way: String) {
        for tracked in wanted {
            if let difference = tracked.difference {
                ledger.violate("worker \(number), \(way): a result \(difference)")
            }
        }
    }

    private func measure(_ way: String, _ body: () -> Void) {
        let start = now()
        body()
        ledger.note(way, nanoseconds: now() - start)
    }

    private func now() -> UInt64 { MonotonicClock().nanoseconds() }
}

/// Arrays that all workers read and replace in place. Every element of a cell has one value, so
/// whatever node a reader catches, a mixture of two would show.
final class SharedCells: Sendable {
    private let arrays: [MLXArray]
    private static let count = 64

    init(_ random: inout SplitMix64) {
        arrays = (0..<4).map { _ in
            MLXArray([Float](repeating: Float(random.within(1...8)), count: SharedCells.count))
        }
    }

    /// - Returns: what is wrong, if anything.
    func use(_ random: inout SplitMix64) -> String? {
        let array = arrays[random.below(arrays.count)]
        switch random.below(3) {
        case 0:
            // In place, on top of whatever is there now.
            var target = array
            target += 1
            eval(array)
            return nil
        case 1:
            array.replace(
                with: MLXArray(
                    [Float](repeating: Float(random.within(1...8)), count: SharedCells.count)))
            return nil
        default:
            let values = (array * 2).asArray(Float.self)
            let isUniform =
                values.count == SharedCells.count && values.allSatisfy { $0 == values[0] }
            return isUniform ? nil : "a reader saw \(values.prefix(8))"
        }
    }
}
