import Foundation
import MLX
import MLXModels

/// A language model from files: prompts of 16, 512 and 2,048 tokens, each followed by 128 greedy
/// ones, after a warm-up of the same lengths. Tokens a second of both parts, and the most memory
/// that the process has had so far.
enum LanguageModelBenchmarks {
    private static let newCount = 128

    /// - Parameter model: the path of a directory or a GGUF file.
    static func all(_ model: String) -> [Workload] {
        [16, 512, 2048].map { (length: Int) -> Workload in
            Workload(name: "llm_\(length)") { try await measure(model, length) }
        }
    }

    private static func measure(_ path: String, _ length: Int) async throws -> [Figure] {
        let model = try ModelDirectory(URL(fileURLWithPath: path)).languageModel()
        try await evaluate(model)
        // Ids are small, so that every vocabulary has them; what they say does not matter.
        let prompt = (0..<length).map { 3 + $0 * 7 % 61 }
        _ = try await seconds(model, prompt, 2)
        let first = try await seconds(model, prompt, 1)
        let all = try await seconds(model, prompt, 1 + newCount)
        let name = "llm_\(length)"
        return [
            Figure(
                workload: "\(name)_prompt", value: Double(length) / min(first.first, all.first),
                unit: "tokens/s", count: 2),
            Figure(
                workload: "\(name)_decode", value: Double(newCount) / all.rest, unit: "tokens/s",
                count: newCount),
            Figure(
                workload: "\(name)_memory", value: Double(peakByteCount) / 1e6, unit: "MB",
                count: 1),
        ]
    }

    /// Seconds to the first token, and from there to the last.
    private static func seconds(
        _ model: any LanguageModel, _ prompt: [Int], _ count: Int
    ) async throws -> (first: Double, rest: Double) {
        let start = Timing.nanoseconds()
        var first = start
        var made = 0
        let options = GenerationOptions(maximumTokens: count)
        for try await _ in GeneratedTokens(model, prompt: prompt, options) {
            made += 1
            if made == 1 { first = Timing.nanoseconds() }
        }
        return (Double(first - start) / 1e9, Double(Timing.nanoseconds() - first) / 1e9)
    }

    /// The most resident memory so far, as the system counts it.
    static var peakByteCount: Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let number = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
        return 1024 * (number.flatMap { Int($0) } ?? 0)
    }
}
