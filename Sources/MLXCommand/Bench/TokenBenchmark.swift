import MLX
import MLXNN
import MLXRuntime

/// 512 tokens from a small decoder, one evaluation each, with the two caches that users write: one
/// that is concatenated, and one that is assigned to and sliced to its length. How many plans they
/// need, and what part of the time goes into planning.
enum TokenBenchmark {
    private static let tokenCount = 512

    /// Keys or values of past positions, (1, heads, length, width).
    private enum Cache {
        case growing(MLXArray?)
        case preallocated(MLXArray, Int)

        mutating func append(_ new: MLXArray) -> MLXArray {
            switch self {
            case .growing(let old):
                let all = old.map { concatenated([$0, new], axis: 2) } ?? new
                self = .growing(all)
                return all
            case .preallocated(let room, let count):
                let end = count + new.dim(2)
                room[0..., 0..., count..<end, 0...] = new
                self = .preallocated(room, end)
                return room[0..., 0..., ..<end, 0...]
            }
        }
    }

    private final class Layer: Module {
        @ModuleInfo var norm = RMSNorm(dimensions: 64)
        @ModuleInfo var query = Linear(64, 64, bias: false)
        @ModuleInfo var key = Linear(64, 64, bias: false)
        @ModuleInfo var value = Linear(64, 64, bias: false)
        @ModuleInfo var output = Linear(64, 64, bias: false)
        @ModuleInfo var up = Linear(64, 256, bias: false)
        @ModuleInfo var down = Linear(256, 64, bias: false)
        let rope = RoPE(dimensions: 16)

        func callAsFunction(
            _ x: MLXArray, _ offset: Int, _ cache: inout (keys: Cache, values: Cache)
        ) -> MLXArray {
            let h = norm(x)
            func heads(_ x: MLXArray) -> MLXArray {
                x.reshaped(1, x.dim(1), 4, 16).transposed(0, 2, 1, 3)
            }
            let mixed = MLXFast.scaledDotProductAttention(
                queries: rope(heads(query(h)), offset: offset),
                keys: cache.keys.append(rope(heads(key(h)), offset: offset)),
                values: cache.values.append(heads(value(h))), scale: 0.25,
                mask: x.dim(1) > 1 ? .causal : .none)
            let y = x + output(mixed.transposed(0, 2, 1, 3).reshaped(1, x.dim(1), 64))
            return y + down(silu(up(norm(y))))
        }
    }

    private final class Decoder: Module {
        @ModuleInfo var embedding = Embedding(embeddingCount: 256, dimensions: 64)
        let layers = [Layer(), Layer()]

        func callAsFunction(
            _ tokens: MLXArray, _ offset: Int, _ caches: inout [(keys: Cache, values: Cache)]
        ) -> MLXArray {
            var x = embedding(tokens)
            for (number, layer) in layers.enumerated() {
                x = layer(x, offset, &caches[number])
            }
            return embedding.asLinear(x[0, -1])
        }
    }

    static func run() async throws -> [Figure] {
        MLXRandom.seed(3)
        let model = Decoder()
        eval(model)
        return try await figures("growing", model) { .growing(nil) }
            + figures("preallocated", model) {
                .preallocated(MLXArray.zeros([1, 4, 8 + tokenCount, 16]), 0)
            }
    }

    private static func figures(
        _ name: String, _ model: Decoder, _ cache: () -> Cache
    ) async throws -> [Figure] {
        var caches = (0..<2).map { _ in (keys: cache(), values: cache()) }
        var tokens = MLXArray((0..<8).map { Int32($0) }, [1, 8])
        var offset = 0
        let before = RuntimeStatistics.current
        let start = Timing.nanoseconds()
        for _ in 0..<tokenCount {
            let next = argMax(model(tokens, offset, &caches), axis: -1)
            offset += tokens.dim(1)
            tokens = MLXArray([try await next.value(Int32.self)], [1, 1])
        }
        let time = Double(Timing.nanoseconds() - start)
        let after = RuntimeStatistics.current
        func figure(_ what: String, _ value: Double, _ unit: String) -> Figure {
            Figure(
                workload: "spine_tokens_\(name)_\(what)", value: value, unit: unit,
                count: tokenCount)
        }
        let planning = Double(after.planningNanoseconds - before.planningNanoseconds)
        return [
            figure("plans", Double(after.plansMade - before.plansMade), "plans"),
            figure("adapted", Double(after.plansAdapted - before.plansAdapted), "plans"),
            figure("planning", planning / time, "of the time"),
            figure("token", time / Double(tokenCount) / 1e3, "us"),
        ]
    }
}
