import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXGraph
import MLXNN
import MLXRuntime

/// `mlx demo`: trains on real handwritten digits, saves, reloads in a second process, quantizes
/// to int8, and shows which device did what.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Train on real digits, end to end, on three devices.")

    @Option(help: "An npz file with images (N,8,8) and labels (N) instead of the bundled one.")
    var data: String?
    @Option(help: "Where the report goes.") var report = "demo-report"
    @Flag(help: "Print the SHA-256 of the final weights.") var digest = false
    @Option(help: "Seed of everything random.") var seed: UInt64 = 0
    @Option(help: "Passes over the training digits.") var epochs = 30
    @Flag(help: "Train on permuted labels, from which nothing can be learned.")
    var permuteLabels = false

    func run() async throws {
        let start = Timing.nanoseconds()
        let digits =
            try data.map { try Digits(contentsOf: URL(fileURLWithPath: $0)) }
            ?? Digits.bundled()
        let labels = permuteLabels ? try permuted(digits.training.labels) : nil
        let task = try DigitsTask(digits, seed: seed, labels: labels)
        let trainer = task.trainer(
            seed: seed, steps: epochs * task.training.batchesPerEpoch)
        let trace = Runtime.engine.trace
        let wasTracing = trace.isOn
        let training = DemoTraining(digits) { trace.setOn(true) }
        try await training.run(trainer, task, epochs: epochs)
        let outcome = try await conclude(trainer.model, digits.test, training, start)
        trace.setOn(wasTracing)
        try DemoReport.write(outcome, to: URL(fileURLWithPath: report))
        print(outcome.table)
        if digest { print("digest: \(outcome.digest)") }
        print(outcome.lastLine)
    }

    /// Labels in an order drawn from the seed.
    private func permuted(_ labels: MLXArray) throws -> MLXArray {
        try checkedEval(labels)
        var generator = RandomKey(seed: seed).generator()
        return MLXArray(labels.asArray(Int32.self).shuffled(using: &generator))
    }

    /// Tests, saves, reloads, quantizes.
    private func conclude(
        _ model: DigitsNet, _ test: Digits, _ training: DemoTraining, _ start: UInt64
    ) async throws -> DemoOutcome {
        model.train(false)
        let folder = URL(fileURLWithPath: report)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let weights = folder.appendingPathComponent("digits.safetensors")
        let parameters = Dictionary(
            model.parameters().flattened(), uniquingKeysWith: { first, _ in first })
        try save(arrays: parameters, metadata: ["model": "digits-net"], url: weights)
        let digest = try WeightDigest.of(parameters)
        let predictions = try await DemoTraining.predictions(model, test.images)
        let reloaded = try ReloadCommand.inSecondProcess(weights, data: self.data)
        let isIdentical = reloaded == .init(digest: digest, predictions: predictions)
        let float32 = try DemoTraining.accuracy(model, test)
        let int8 = try DemoTraining.accuracy(try DemoTraining.int8(model), test)
        return DemoOutcome(
            training: training, float32: float32, int8: int8, isReloadIdentical: isIdentical,
            digest: digest, labels: test.labels.asArray(Int32.self).map(Int.init),
            predictions: predictions,
            counters: DeviceKind.allCases.map { Runtime.engine.counters(of: $0) },
            seconds: Double(Timing.nanoseconds() - start) / 1e9)
    }
}

/// What the demo found.
struct DemoOutcome {
    var training: DemoTraining
    var float32: Double
    var int8: Double
    var isReloadIdentical: Bool
    var digest: String
    var labels: [Int]
    var predictions: [Int]
    var counters: [DeviceCounters]
    var seconds: Double

    /// Percent of the devices' busy time.
    var shares: [Double] {
        let total = counters.reduce(0.0) { $0 + Double($1.busyNanoseconds) }
        return counters.map { Double($0.busyNanoseconds) / max(total, 1) * 100 }
    }

    var table: String {
        var lines = [
            row("accuracy, float32", String(format: "%.4f", float32)),
            row("accuracy, int8", String(format: "%.4f", int8)),
            row("samples/s in training", String(format: "%.0f", training.samplesPerSecond)),
        ]
        for (kind, (counter, share)) in zip(DeviceKind.allCases, zip(counters, shares)) {
            lines.append(
                row(
                    "\(kind.name) busy",
                    String(
                        format: "%.2f s, %.1f %%, %d steps",
                        Double(counter.busyNanoseconds) / 1e9, share, Int(counter.stepCount))))
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ name: String, _ value: String) -> String {
        name.padding(toLength: 24, withPad: " ", startingAt: 0) + value
    }

    var lastLine: String {
        let reload = isReloadIdentical ? "identical" : "different"
        let parts = zip(DeviceKind.allCases, shares).map {
            "\($0.name)=" + String(format: "%.1f", $1)
        }
        return "demo: float32=" + String(format: "%.4f", float32) + " int8="
            + String(format: "%.4f", int8) + " reload=\(reload) "
            + parts.joined(separator: " ") + String(format: " seconds=%.1f", seconds)
    }
}
