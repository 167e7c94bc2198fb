import MLX
import MLXData
import MLXNN
import MLXOptimizers

// An inference service beside a training loop, in one process: an actor owns the model that is
// served, 32 client tasks ask it as fast as they get answers, and a training loop gives it better
// parameters after each epoch. Nobody stops for anybody: a request takes the handle that is
// current, and its evaluation suspends the task instead of blocking a thread.

final class Net: Module, UnaryLayer {
    @ModuleInfo var hidden = Linear(64, 256)
    @ModuleInfo var output = Linear(256, 10)

    /// Logits (N, 10) of images (N, 8, 8, 1).
    func callAsFunction(_ images: MLXArray) -> MLXArray {
        output(relu(hidden(images.reshaped([images.dim(0), 64]))))
    }
}

/// What clients ask. Entering it costs a hop; computing happens outside of it.
actor Service {
    private var model: InferenceModel<Net>
    private var version = 0

    init() throws { model = try InferenceModel { Net() } }

    /// The digit in each image, and the version of the model that says so.
    func classify(_ images: MLXArray) async throws -> (digits: [Int32], version: Int) {
        let (model, version) = (model, version)
        // While this request waits for its values the actor takes the next one.
        let digits = argMax(model(images), axis: -1).asType(.int32)
        return (try await digits.values(Int32.self), version)
    }

    func replace(with next: InferenceModel<Net>) {
        model = next
        version += 1
    }
}

/// What happened to the requests, by version of the model.
actor Journal {
    private var answers: [Int: (right: Int, count: Int, latencies: [Duration])] = [:]

    func note(version: Int, right: Int, of count: Int, latency: Duration) {
        var entry = answers[version] ?? (0, 0, [])
        entry.right += right
        entry.count += count
        entry.latencies.append(latency)
        answers[version] = entry
    }

    func line(version: Int) -> String {
        guard let (right, count, latencies) = answers[version] else { return "no requests" }
        let sorted = latencies.sorted()
        let (median, late) = (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
        let accuracy = Double(right * 1000 / count) / 10
        return "\(sorted.count) requests, \(accuracy) % right, p50 \(median.milliseconds) ms,"
            + " p99 \(late.milliseconds) ms"
    }
}

extension Duration {
    var milliseconds: Double { Double(Int(self / .microseconds(10))) / 100 }
}

/// Asks for four digits at a time until it is cancelled.
func client(_ number: Int, _ service: Service, _ journal: Journal, _ test: Digits) async throws {
    var next = number * 11
    let clock = ContinuousClock()
    while !Task.isCancelled {
        let start = next % (test.count - 4)
        next += 4
        let part = test[start..<start + 4]
        let labels = try await part.labels.values(Int32.self)
        let asked = clock.now
        let (digits, version) = try await service.classify(part.images)
        let right = zip(digits, labels).count { $0 == $1 }
        await journal.note(
            version: version, right: right, of: 4, latency: clock.now - asked)
    }
}

/// Trains for some epochs and gives the service the parameters after each.
func train(_ service: Service, _ journal: Journal, _ data: Digits, epochs: Int) async throws {
    let model = Net()
    let optimizer = Adam(learningRate: 2e-3)
    let lossAndGrad = valueAndGrad(model: model) { (model: Net, x: MLXArray, y: MLXArray) in
        crossEntropy(logits: model(x), targets: y, reduction: .mean)
    }
    for epoch in 0..<epochs {
        var losses: [Float] = []
        for start in stride(from: 0, to: data.count - 32, by: 32) {
            let batch = data[start..<start + 32]
            let (loss, gradients) = lossAndGrad(model, batch.images, batch.labels)
            optimizer.update(model: model, gradients: gradients)
            try await evaluate(loss, model, optimizer)
            losses.append(try await loss.value(Float.self))
        }
        print("version \(epoch): \(await journal.line(version: epoch))")
        await service.replace(
            with: try InferenceModel(parameters: model.parameters()) { Net() })
        let mean = losses.reduce(0, +) / Float(losses.count)
        print("  trained epoch \(epoch + 1), loss \(mean)")
    }
}

@main enum InferenceService {
    static func main() async throws {
        MLXRandom.seed(1)
        let digits = try Digits.bundled()
        let (service, journal) = (try Service(), Journal())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask { try await client(number, service, journal, digits.test) }
            }
            try await train(service, journal, digits.training, epochs: 5)
            try await Task.sleep(for: .milliseconds(300))
            group.cancelAll()
            // Clients end with what they were cancelled in.
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
        print("version 5: \(await journal.line(version: 5))")
    }
}
