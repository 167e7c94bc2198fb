import Foundation
import MLX
import MLXData
import MLXNN
import MLXOptimizers
import Testing

@testable import MLXTrain

/// Steps, accumulation, clipping, mixed precision, validation, and what happens when something is
/// wrong.
@Suite struct TrainerTests {
    @Test("A trainer makes the steps that one would write by hand")
    func plainSteps() async throws {
        let data = try TrainingFixture.data()
        let trainer = TrainingFixture.trainer()
        let recorder = Recorder()
        trainer.callbacks = [recorder]
        let last = try await trainer.train(data, for: .steps(7))
        #expect(last?.step == 7 && last?.epoch == 1)
        #expect(trainer.position == LoaderPosition(epoch: 1, batch: 2))

        let model = TrainingFixture.model()
        let optimizer = Adam(learningRate: 0)
        let differentiate = valueAndGrad(model: model) { (model: SmallNet, x, y) in
            crossEntropy(logits: model(x), targets: y, reduction: .mean)
        }
        var losses: [Double] = []
        for step in 0..<7 {
            let batch = try data.batch(at: .init(epoch: step / 5, batch: step % 5))
            optimizer.learningRate = cosineDecay(0.02, decaySteps: 30)(step)
            let key = RandomKey(seed: 11).derived(step).derived(0)
            let (loss, gradients) = withRandomState(MLXRandom.RandomState(seed: key.bits)) {
                differentiate(model, batch.input, batch.target)
            }
            optimizer.update(model: model, gradients: gradients)
            try await evaluate(loss, model, optimizer)
            losses.append(Double(loss.item(Float.self)))
        }
        #expect(recorder.records.map { $0["loss"] } == losses)
        #expect(recorder.outcome == .finished)
        #expect(try TrainingFixture.bits(trainer.model) == TrainingFixture.bits(model))
    }

    @Test("Several small batches make the step of a large one, also when the last is smaller")
    func accumulation() async throws {
        let x = MLXRandom.normal([10, 3], key: MLXRandom.key(1))
        let dataset = try ArrayDataset(Example(x, x.sum(axis: 1, keepDims: true)))
        func trained(_ batchSize: Int, _ accumulation: Int) async throws -> (Double, [Float]) {
            let layer = Linear(weight: MLXArray.ones([1, 3]) * 0.1)
            let trainer = Trainer(layer, optimizer: SGD(learningRate: 0.1)) {
                (layer: Linear, batch: Example) in
                LossOutput(
                    mseLoss(predictions: layer(batch.input), targets: batch.target),
                    count: batch.input.dim(0))
            }
            trainer.options.accumulation = accumulation
            let last = try await trainer.train(
                try DataLoader(dataset, batchSize: batchSize), for: .epochs(2))
            #expect(last?.step == 2)
            return (last?["loss"] ?? .nan, layer.weight.asArray(Float.self))
        }
        let (whole, parts) = (try await trained(10, 1), try await trained(4, 3))
        #expect(abs(whole.0 - parts.0) < 1e-6)
        for (a, b) in zip(whole.1, parts.1) { #expect(abs(a - b) < 1e-6) }
    }

    @Test("A loss that is not finite ends training, or the step is left out; nothing is changed")
    func notFinite() async throws {
        let x = MLXArray([1, 2, Float.nan, 3], [4, 1])
        let data = try DataLoader(try ArrayDataset(Example(x, x)), batchSize: 1)
        func trainer() -> Trainer<Linear, Example> {
            Trainer(
                Linear(weight: MLXArray([0.5] as [Float], [1, 1])), optimizer: Adam(learningRate: 1)
            ) { layer, batch in
                LossOutput(mseLoss(predictions: layer(batch.input), targets: batch.target))
            }
        }
        let stopping = trainer()
        await #expect(throws: TrainingError.notFinite(step: 3, figure: "loss")) {
            try await stopping.train(data, for: .epochs(1))
        }
        #expect(stopping.run.step == 2)
        let reference = trainer()
        try await reference.train(data, for: .steps(2))
        #expect(try TrainingFixture.bits(stopping.model) == TrainingFixture.bits(reference.model))

        let skipping = trainer()
        skipping.options.nonFinite = .skipStep
        let recorder = Recorder()
        skipping.callbacks = [recorder]
        try await skipping.train(data, for: .epochs(1))
        #expect(recorder.records.map { $0["loss"]!.isNaN } == [false, false, true, false])
        #expect(skipping.model.weight.item(Float.self).isFinite)
    }

    @Test("A wrong shape is thrown with what it says, and the model is as before")
    func wrongShape() async throws {
        let x = MLXArray.zeros([4, 5])
        let data = try DataLoader(
            try ArrayDataset(Example(x, MLXArray.zeros([4], dtype: .int32))), batchSize: 2)
        let trainer = TrainingFixture.trainer()
        let before = try TrainingFixture.bits(trainer.model)
        let recorder = Recorder()
        trainer.callbacks = [recorder]
        let error = await #expect(throws: ArrayError.self) {
            try await trainer.train(data, for: .epochs(1))
        }
        #expect(error?.kind == .shape)
        #expect(recorder.outcome == .failed)
        #expect(try TrainingFixture.bits(trainer.model) == before)
    }

    @Test("Options that make no sense are errors")
    func wrongOptions() async throws {
        let data = try TrainingFixture.data()
        func fails(_ change: (Trainer<SmallNet, Example>) -> Void) async {
            let trainer = TrainingFixture.trainer()
            change(trainer)
            await #expect(throws: TrainingError.self) {
                try await trainer.train(data, for: .steps(1))
            }
        }
        await fails { $0.options.accumulation = 0 }
        await fails { $0.options.validationInterval = 0 }
        await fails { $0.options.clipNorm = -1 }
        await fails { $0.schedules = [{ _ in 1 }, { _ in 2 }] }
        let trainer = TrainingFixture.trainer(optimizer: Adafactor())
        await #expect(throws: TrainingError.self) {
            try await trainer.train(data, for: .steps(1))
        }
        await #expect(throws: TrainingError.self) {
            try await TrainingFixture.trainer().train(data, for: .epochs(.max))
        }
        await #expect(throws: TrainingError.self) {
            try await TrainingFixture.trainer().train(
                try DataLoader(ElementDataset([Example]()), batchSize: 1), for: .epochs(1))
        }
    }

    @Test("Gradients are clipped to a norm, and records have the norm before")
    func clipping() async throws {
        let trainer = TrainingFixture.trainer(optimizer: SGD(learningRate: 1))
        trainer.schedules = []
        trainer.options.clipNorm = 1e-3
        let before = trainer.model.second.weight.asArray(Float.self)
        let record = try await trainer.train(try TrainingFixture.data(), for: .steps(1))
        let norm = try #require(record?["gradient_norm"])
        #expect(norm > 1e-2)
        let moved = zip(before, trainer.model.second.weight.asArray(Float.self)).map { $0 - $1 }
        #expect(moved.reduce(0) { $0 + $1 * $1 } <= 1.001e-6)
    }

    @Test("Schedules set the rates of several optimizers, together or each its own")
    func schedules() async throws {
        let (a, b) = (SGD(learningRate: 1), Adam(learningRate: 1))
        let both = MultiOptimizer(optimizers: [a, b], filters: [{ path, _ in path == "x" }])
        let trainer = TrainingFixture.trainer(optimizer: both)
        trainer.schedules = [{ Float($0) * 0.5 }, { Float($0) * 0.25 }]
        let data = try TrainingFixture.data()
        try await trainer.train(data, for: .steps(2))
        #expect(a.learningRate == 0.5 && b.learningRate == 0.25)
        trainer.schedules = [{ _ in 0.125 }]
        try await trainer.train(data, for: .steps(3))
        #expect(a.learningRate == 0.125 && b.learningRate == 0.125)
    }

    @Test("Products in bfloat16; parameters and the optimizer's state stay float32")
    func mixedPrecision() async throws {
        let optimizer = Adam(learningRate: 0.01)
        let trainer = TrainingFixture.trainer(optimizer: optimizer)
        trainer.options.computeDType = .bfloat16
        let data = try TrainingFixture.data()
        let wide = TrainingFixture.trainer()
        let (a, b) = (
            try await trainer.train(data, for: .epochs(2), validation: data),
            try await wide.train(data, for: .epochs(2), validation: data)
        )
        for array in trainer.model.innerState() + optimizer.innerState() {
            #expect(array.dtype == .float32)
        }
        let (loss, wideLoss) = (a?["validation_loss"] ?? .nan, b?["validation_loss"] ?? .nan)
        #expect(loss != wideLoss && abs(loss - wideLoss) < 0.02 * wideLoss)
        withComputeDType(.bfloat16) {
            let logits = trainer.model(MLXArray.ones([2, 4]))
            #expect(logits.dtype == .bfloat16)
            #expect(
                crossEntropy(logits: logits, targets: MLXArray([0, 1] as [Int32])).dtype == .float32
            )
        }
        #expect(trainer.model(MLXArray.ones([2, 4])).dtype == .float32)
    }

    @Test("Validation computes in inference mode and gives modules their modes back")
    func validation() async throws {
        let data = try TrainingFixture.data(41)
        let trainer = TrainingFixture.trainer()
        trainer.model.train(true)
        trainer.model.dropout.train(false)
        let before = try TrainingFixture.bits(trainer.model)
        let figures = try await trainer.validate(on: data)
        #expect(figures.map(\.name) == ["loss", "accuracy", "perplexity"])
        #expect(try TrainingFixture.bits(trainer.model) == before)
        #expect(trainer.model.norm.training && !trainer.model.dropout.training)
        let again = try await trainer.validate(on: data)
        #expect(figures.map(\.value) == again.map(\.value))
        #expect(abs(figures[2].value - exp(figures[0].value)) < 1e-5)

        // The same over all examples at once.
        let whole = try await trainer.validate(on: try TrainingFixture.data(41, batchSize: 41))
        #expect(abs(figures[0].value - whole[0].value) < 1e-6)
        #expect(abs(figures[1].value - whole[1].value) < 1e-12)
    }

    @MainActor
    @Test("A trainer can live on an actor")
    func onTheMainActor() async throws {
        let trainer = TrainingFixture.trainer()
        let record = try await trainer.train(try TrainingFixture.data(), for: .steps(2))
        #expect(record?.step == 2)
    }

    @Test("A range test suggests a rate and leaves no trace")
    func learningRateFinder() async throws {
        let trainer = TrainingFixture.trainer(optimizer: SGD(learningRate: 0.1))
        let before = try TrainingFixture.bits(trainer.model)
        let search = try await trainer.findLearningRate(
            try TrainingFixture.data(), from: 1e-4, to: 1e4, steps: 40)
        #expect(try TrainingFixture.bits(trainer.model) == before)
        #expect(trainer.run.step == 0 && trainer.schedules.count == 1)
        let rate = try #require(search.suggestion)
        #expect(rate > 1e-4 && rate < 1e3)
        #expect(search.rates.count == search.losses.count && search.rates.count > 5)
        #expect(search.chart.html.contains("<svg"))
        await #expect(throws: TrainingError.self) {
            try await trainer.findLearningRate(
                try TrainingFixture.data(), from: 1, to: 0.5, steps: 10)
        }
    }
}
