import Foundation
import MLX
import MLXGraph
import MLXNN
import MLXOptimizers
import MLXRuntime

/// 200 training steps with a learning-rate schedule, dropout and a ragged last batch: how many
/// plans they need, and whether memory grows.
enum PlanBenchmark {
    private final class Net: Module, UnaryLayer {
        @ModuleInfo var first = Linear(16, 32)
        @ModuleInfo var second = Linear(32, 4)
        let dropout = Dropout(p: 0.3)

        func callAsFunction(_ x: MLXArray) -> MLXArray { second(dropout(relu(first(x)))) }
    }

    static func run() throws -> [Figure] {
        MLXRandom.seed(7)
        let model = Net()
        let optimizer = Adam(learningRate: 1e-3)
        let x = MLXRandom.normal([205, 16])
        let y = MLXRandom.randInt(0..<4, [205]).asType(.int32)
        eval(model, x, y)
        let step = valueAndGrad(model: model) { (model: Net, x: MLXArray, y: MLXArray) in
            crossEntropy(logits: model(x), targets: y, reduction: .mean)
        }
        let plans = Runtime.engine.statistics.planMisses
        var resident: [Int] = []
        var nodes = 0
        for number in 0..<200 {
            let start = number % 7 * 32
            let end = min(start + 32, 205)
            optimizer.learningRate = 1e-3 * Float(200 - number) / 200
            let (loss, gradients) = step(model, x[start..<end], y[start..<end])
            optimizer.update(model: model, gradients: gradients)
            try checkedEval(model, optimizer, loss)
            resident.append(Memory.activeMemory)
            if number == 10 { nodes = GraphStore.shared.liveCount }
        }
        let used = Runtime.engine.statistics.planMisses - plans
        let peakBefore = resident[0...13].max()!
        let growth = resident[14...].max()! - peakBefore
        return [
            Figure(workload: "spine_plans", value: Double(used), unit: "plans", count: 200),
            Figure(workload: "spine_plans_shapes", value: 2, unit: "shapes", count: 200),
            Figure(
                workload: "spine_plans_growth", value: Double(max(growth, 0)), unit: "bytes",
                count: 200),
            Figure(
                workload: "spine_plans_nodes",
                value: Double(GraphStore.shared.liveCount - nodes), unit: "nodes", count: 200),
        ]
    }
}
