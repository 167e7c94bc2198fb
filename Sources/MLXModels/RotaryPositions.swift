import Foundation
import MLX
import MLXFormats

/// Rotary position embeddings (Su et al. 2021) as a model's configuration asks for them: the base,
/// and how the frequencies are changed for longer texts (linear; by parts, as Llama 3; YaRN, Peng
/// et al. 2023). Angles are position / period.
struct RotaryPositions: Sendable {
    private let dimensions: Int
    private let base: Float
    private let scale: Float
    private let periods: MLXArray?
    /// What queries and keys are multiplied with, to sharpen attention again.
    private let magnitude: Float

    init(_ configuration: ModelConfiguration, dimensions: Int) throws {
        self.dimensions = dimensions
        // Newer files keep the base and the scaling in one place.
        let parameters = configuration["rope_parameters"] ?? configuration["rope_scaling"]
        let old = try configuration.number("rope_theta", default: 10_000)
        let base = parameters?["rope_theta"]?.double ?? old
        self.base = Float(base)
        let kind = parameters?["rope_type"]?.string ?? parameters?["type"]?.string ?? "default"
        let factor = parameters?["factor"]?.double ?? 1
        guard base > 0, factor > 0 else { throw ModelError("config.json: rope of no sense") }
        let own = (0..<dimensions / 2).map { pow(base, Double(2 * $0) / Double(dimensions)) }
        switch kind {
        case "default", "dynamic":
            (scale, periods, magnitude) = (1, nil, 1)
        case "linear":
            (scale, periods, magnitude) = (Float(1 / factor), nil, 1)
        case "llama3":
            let changed = RotaryPositions.byParts(own, parameters, factor)
            (scale, periods, magnitude) = (1, MLXArray(changed.map(Float.init)), 1)
        case "yarn":
            let changed = RotaryPositions.yarn(own, parameters, factor, base, dimensions)
            let sharpening =
                parameters?["attention_factor"]?.double ?? (factor <= 1 ? 1 : 0.1 * log(factor) + 1)
            (scale, periods, magnitude) = (
                1, MLXArray(changed.map(Float.init)), Float(sharpening)
            )
        default: throw ModelError("config.json: rope scaling '\(kind)' is not known")
        }
    }

    /// Rotates (batch, heads, length, dimensions) from a position on.
    func callAsFunction(_ x: MLXArray, offset: Int) -> MLXArray {
        let rotated = MLXFast.RoPE(
            x, dimensions: dimensions, traditional: false, base: periods == nil ? base : nil,
            scale: scale, offset: offset, freqs: periods)
        return magnitude == 1 ? rotated : rotated * magnitude
    }

    /// Long waves are stretched, short ones kept, those between interpolated.
    private static func byParts(
        _ periods: [Double], _ parameters: JSONValue?, _ factor: Double
    ) -> [Double] {
        let low = parameters?["low_freq_factor"]?.double ?? 1
        let high = parameters?["high_freq_factor"]?.double ?? 4
        let length = parameters?["original_max_position_embeddings"]?.double ?? 8192
        return periods.map { period in
            let wave = 2 * Double.pi * period
            if wave < length / high { return period }
            if wave > length / low { return period * factor }
            let share = (length / wave - low) / (high - low)
            return 1 / ((1 - share) / (period * factor) + share / period)
        }
    }

    private static func yarn(
        _ periods: [Double], _ parameters: JSONValue?, _ factor: Double, _ base: Double,
        _ dimensions: Int
    ) -> [Double] {
        let fast = parameters?["beta_fast"]?.double ?? 32
        let slow = parameters?["beta_slow"]?.double ?? 1
        let length = parameters?["original_max_position_embeddings"]?.double ?? 2048
        func dimension(_ rotations: Double) -> Double {
            Double(dimensions) * log(length / (rotations * 2 * .pi)) / (2 * log(base))
        }
        let low = max(0, dimension(fast).rounded(.down))
        let high = min(Double(dimensions - 1), dimension(slow).rounded(.up))
        return periods.enumerated().map { index, period in
            let ramp = min(1, max(0, (Double(index) - low) / max(high - low, 0.001)))
            return 1 / (ramp / (period * factor) + (1 - ramp) / period)
        }
    }
}
