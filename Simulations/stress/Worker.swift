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
    /// Whether errors about memory are expected.
    private let isLimited: Bool

    init(
        number: Int, random: SplitMix64, ledger: Ledger, cells: SharedCells,
        deadline: ContinuousClock.Instant, isLimited: Bool
    ) {
        self.number = number
        self.random = random
        self.ledger = ledger
        self.cells = cells
        self.deadline = deadline
        self.isLimited = isLimited
    }

    private var isTimeUp: Bool { ContinuousClock.now >= deadline }

    nonisolated(nonsending) func run() async {
        while !isTimeUp {
            switch random.below(9) {
            case 0, 1: attempt("blocking", evaluateBlocking)
            case 2, 3: await evaluateAsync()
            case 4: attempt("background", startAndRead)
            case 5: attempt("gradient", differentiate)
            case 6: await cancel()
            case 7: attempt("storm", storm)
            default: attempt("shared", share)
            }
            await Task.yield()
        }
    }

    /// The same on a thread that Swift concurrency knows nothing of.
    nonisolated(nonsending) func runOnPlainThread() async {
        await withCheckedContinuation { continuation in
            let thread = Thread { [self] in
                while !isTimeUp {
                    switch random.below(5) {
                    case 0: attempt("background", startAndRead)
                    case 1: attempt("gradient", differentiate)
                    case 2: attempt("shared", share)
                    case 3: attempt("storm", storm)
                    default: attempt("blocking", evaluateBlocking)
                    }
                }
                continuation.resume()
            }
            thread.start()
        }
    }

    // MARK: - What may go wrong

    private func attempt(_ way: String, _ body: () throws -> Void) {
        do { try body() } catch { note(error, way) }
    }

    /// A refusal of memory under a limit is what was asked for; every other error is a violation.
    private func note(_ error: any Error, _ way: String) {
        if isLimited, (error as? ArrayError)?.kind == .memory { return ledger.noteRefusal() }
        ledger.violate("worker \(number), \(way): \(error)")
    }

    // MARK: - Ways

    private func evaluateBlocking() throws {
        let wanted = record()
        try measure("blocking") { try checkedEval(wanted.map(\.array)) }
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
            note(error, "async")
        }
    }

    private func startAndRead() throws {
        let wanted = record()
        let start = now()
        asyncEval(wanted.map(\.array))
        let sum = wanted[0].array.sum()
        try checkedEval([sum])
        let found = sum.item(Float.self)
        ledger.note("background", nanoseconds: now() - start)
        let expected = wanted[0].expected.values.reduce(0, +)
        if found != expected {
            ledger.violate("worker \(number), background: a sum is \(found), not \(expected)")
        }
        try checkedEval(wanted.map(\.array))
        check(wanted, "background")
    }

    /// The derivative of Σ x² is 2 x.
    private func differentiate() throws {
        let x = record()[0]
        let gradient = grad { (x: MLXArray) in (x * x).sum() }
        let slope = Tracked(gradient(x.array), x.expected.map { 2 * $0 })
        try measure("gradient") { try checkedEval([slope.array]) }
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
            if !(error is CancellationError) { note(error, "cancelled") }
            attempt("retry") {
                try measure("retry") { try checkedEval(arrays) }
                check(wanted, "retry")
            }
        }
    }

    /// Reads and replaces arrays that others read and replace.
    private func share() throws {
        let start = now()
        if let difference = try cells.use(&random) {
            ledger.violate("worker \(number), shared: \(difference)")
        }
        ledger.note("shared", nanoseconds: now() - start)
    }

    /// Many arrays of very different sizes at once, each full of a number of its own; some are let
    /// go before others are made, and what is left must still have its number.
    private func storm() throws {
        var held: [(array: MLXArray, number: Float)] = []
        // Under a limit some are so large that a few of them meet it.
        let largest = isLimited ? 25 : 18
        for turn in 0..<random.within(4...24) {
            let number = Float(random.within(1...1000))
            let count = random.within(1...(1 << random.within(0...largest)))
            let array = MLXArray.full([count], values: MLXArray(number))
            try measure("storm") { try checkedEval([array]) }
            held.append((array, number))
            if turn % 3 == 2 { held.remove(at: random.below(held.count)) }
        }
        for (array, number) in held {
            let (least, greatest) = (array.min(), array.max())
            try measure("storm") { try checkedEval([least, greatest]) }
            let found = (least.item(Float.self), greatest.item(Float.self))
            if found != (number, number) {
                ledger.violate(
                    "worker \(number), storm: \(array.size) elements are \(found), not \(number)")
            }
        }
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

    private func measure(_ way: String, _ body: () throws -> Void) rethrows {
        let start = now()
        try body()
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
    /// - Throws: what evaluating throws.
    func use(_ random: inout SplitMix64) throws -> String? {
        let array = arrays[random.below(arrays.count)]
        switch random.below(3) {
        case 0:
            // In place, on top of whatever is there now.
            var target = array
            target += 1
            try checkedEval([array])
            return nil
        case 1:
            array.replace(
                with: MLXArray(
                    [Float](repeating: Float(random.within(1...8)), count: SharedCells.count)))
            return nil
        default:
            let doubled = array * 2
            try checkedEval([doubled])
            let values = doubled.asArray(Float.self)
            let isUniform =
                values.count == SharedCells.count && values.allSatisfy { $0 == values[0] }
            return isUniform ? nil : "a reader saw \(values.prefix(8))"
        }
    }
}
