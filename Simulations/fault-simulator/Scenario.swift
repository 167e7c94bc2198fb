import Foundation
import MLX
import MLXBase
import MLXGraph

/// A use of the library from beginning to end, as a user's program has it: arrays are made,
/// functions recorded, results computed. It gives the same bits each time.
struct Scenario: Sendable {
    let name: String
    /// Everything that may fail throws, or is reported to the `withError` around it.
    let body: @Sendable () throws -> [MLXArray]

    /// All that there are: each row of the op table, its derivative and its batch, layers forwards
    /// and backwards, optimizers, files, transforms, random numbers, quantization.
    static let all: [Scenario] =
        operations + gradients + batches + transforms + layers + optimizers + files + others

    /// How a scenario ended: the bytes of its results, or the error of an operation that does not
    /// like its input.
    enum Outcome: Equatable {
        case values([[UInt8]])
        case failed(String)
        /// A typed error about memory.
        case refused
    }

    func run() -> Outcome {
        do {
            return try withError {
                MLXRandom.seed(7)
                let results = try body()
                try checkedEval(results)
                return .values(try results.map(Scenario.bytes))
            }
        } catch let error as ArrayError {
            return error.kind == .memory ? .refused : .failed("\(error.kind): \(error.message)")
        } catch MLXError.caught(let message) {
            // The error of a call that cannot throw is text; what was injected says so.
            return message.contains("was made to fail") ? .refused : .failed(message)
        } catch {
            return .failed("\(error)")
        }
    }

    /// What an array holds, in row-major order.
    private static func bytes(_ array: MLXArray) throws -> [UInt8] {
        let whole = array.reshaped([-1])
        try checkedEval([whole])
        return Array(whole.asData(access: .copy).data)
    }

    // MARK: - Inputs

    /// Numbers that differ from each other, the same each time.
    static func numbers(
        _ shape: [Int], in domain: ClosedRange<Double> = -2...2, seed: UInt64 = 1
    ) -> MLXArray {
        var random = SplitMix64(seed: seed)
        let count = shape.reduce(1, *)
        let values = (0..<count).map { _ in
            Float(domain.lowerBound + (domain.upperBound - domain.lowerBound) * random.unit())
        }
        return MLXArray(values, shape)
    }
}

/// Every allocation of a scenario refused in turn, once and for good from there on, on the
/// process's own engine: each time it ends in a typed error about memory or in the values it has
/// without, is right when it is run again with memory, and leaves nothing behind.
struct ScenarioFaults {
    private(set) var violations: [String] = []
    private(set) var runs = 0
    private(set) var refusals = 0
    /// Allocations that were refused and did not matter.
    private(set) var survived = 0
    /// Scenarios that end in an error of their own, with memory as without.
    private(set) var failing: [String] = []

    private let engine = Runtime.engine
    /// More allocations than a scenario makes on a device.
    private static let maximumAllocations = 2000

    mutating func run(_ scenario: Scenario) {
        // The first run makes what the library keeps: plans, tables, the state of random numbers.
        let expected = scenario.run()
        if case .refused = expected {
            return violations.append("\(scenario.name): memory is refused without being asked to")
        }
        if case .failed = expected { failing.append(scenario.name) }
        let before = living
        for device in engine.allocators.indices {
            for isForGood in [false, true] {
                for passing in 0..<ScenarioFaults.maximumAllocations {
                    let name =
                        "\(scenario.name), device \(device), allocation \(passing)"
                        + (isForGood ? " and all after it" : "")
                    engine.allocators[device].failNext(isForGood ? .max : 1, after: passing)
                    let outcome = scenario.run()
                    let wasRefused = engine.allocators[device].hasInjectedFailure
                    engine.allocators[device].failNext(0)
                    runs += 1
                    check(outcome, expected, wasRefused, name)
                    guard wasRefused else { break }
                    if passing == ScenarioFaults.maximumAllocations - 1 {
                        violations.append("\(name): there is no end of allocations")
                    }
                    runs += 1
                    if scenario.run() != expected {
                        violations.append("\(name): wrong when run again with memory")
                    }
                }
            }
        }
        checkLeaks(scenario.name, before)
    }

    private mutating func check(
        _ outcome: Scenario.Outcome, _ expected: Scenario.Outcome, _ wasRefused: Bool,
        _ name: String
    ) {
        switch outcome {
        case .refused where wasRefused: refusals += 1
        case expected: survived += wasRefused ? 1 : 0
        case .refused: violations.append("\(name): refused, and nothing was made to fail")
        case .values: violations.append("\(name): other values")
        case .failed(let message): violations.append("\(name): \(message)")
        }
    }

    // MARK: - Leaks

    private var living: [Int] {
        engine.synchronize()
        return [GraphStore.shared.liveCount] + engine.allocators.map(\.statistics.liveCount)
    }

    private mutating func checkLeaks(_ name: String, _ before: [Int]) {
        // A last reference may go a moment later, on another thread.
        for _ in 0..<100 where living != before { usleep(1000) }
        let now = living
        if now != before {
            violations.append("\(name): nodes and buffers were \(before) and are \(now)")
        }
        for allocator in engine.allocators {
            violations += allocator.checkInvariants().map { "\(name): \($0)" }
        }
    }
}
