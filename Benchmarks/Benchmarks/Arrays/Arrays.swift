import Benchmark
import MLX
import MLXNN
import MLXOptimizers

/// What users pay for most: recording, evaluating small and large graphs, a training step.
/// `swift package benchmark` measures; `swift package benchmark thresholds check` compares with
/// the figures under Thresholds.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .cpuTotal], warmupIterations: 3, scalingFactor: .one,
        maxDuration: .seconds(2))

    Benchmark("record 1000 additions", configuration: .init(scalingFactor: .kilo)) { benchmark in
        var x = MLXArray([0] as [Float])
        for _ in benchmark.scaledIterations { x = x + 1 }
        blackHole(x)
    }

    Benchmark("evaluate one addition") { benchmark in
        let x = MLXArray([0] as [Float])
        for _ in benchmark.scaledIterations { eval(x + 1) }
    }

    Benchmark("multiply and add 1M") { benchmark in
        let (a, b, c) = (
            MLXArray.ones([1 << 20]), MLXArray.ones([1 << 20]), MLXArray.ones([1 << 20])
        )
        eval(a, b, c)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { eval(a * b + c) }
    }

    Benchmark("matmul 512") { benchmark in
        let a = MLXArray.ones([512, 512])
        eval(a)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations { eval(matmul(a, a)) }
    }

    Benchmark("training step of a small network") { benchmark in
        let model = Sequential(layers: [Linear(64, 128), ReLU(), Linear(128, 10)])
        let optimizer = Adam(learningRate: 1e-3)
        let x = MLXArray.ones([32, 64])
        let y = MLXArray.zeros([32], dtype: .int32)
        let step = valueAndGrad(model: model) { (model: Sequential, x: MLXArray, y: MLXArray) in
            crossEntropy(logits: model(x), targets: y, reduction: .mean)
        }
        eval(model, x, y)
        benchmark.startMeasurement()
        for _ in benchmark.scaledIterations {
            let (_, gradients) = step(model, x, y)
            optimizer.update(model: model, gradients: gradients)
            eval(model, optimizer)
        }
    }
}
