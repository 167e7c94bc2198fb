import Foundation
import MLX
import MLXFormats

/// Rotary position embeddings (Su et al. 2021) as a model's configuration asks for them: the base,
/// and how the frequencies are changed for longer texts: linear; dynamic, where the base grows with
/// the text; by parts, as Llama 3; YaRN (Peng et al. 2023); LongRoPE (Ding et al. 2024), with one
/// list of factors for short texts and one for long ones. Angles are position / period.
struct RotaryPositions: Sendable {
    private enum Periods: Sendable {
        /// Powers of the base, times a constant.
        case powers(scale: Float)
        /// Powers of a base that grows once a text is longer than `length`.
        case growing(factor: Double, length: Int)
        case listed(MLXArray)
        case byLength(short: MLXArray, long: MLXArray, length: Int)
    }

    private let dimensions: Int
    private let base: Double
    private let periods: Periods
    /// What queries and keys are multiplied with, to sharpen attention again.
    private let magnitude: Float

    /// - Parameter dimensions: the width of a head.
    init(_ configuration: ModelConfiguration, dimensions headWidth: Int) throws {
        let scaling = try RotaryScaling(configuration, headWidth: headWidth)
        dimensions = scaling.dimensions
        base = scaling.base
        switch scaling.kind {
        case "default", "": (periods, magnitude) = (.powers(scale: 1), 1)
        case "linear":
            (periods, magnitude) = (.powers(scale: Float(1 / (try scaling.factor()))), 1)
        case "dynamic", "ntk":
            let growth = Periods.growing(
                factor: try scaling.factor(), length: scaling.longestLength)
            (periods, magnitude) = (growth, 1)
        case "llama3":
            (periods, magnitude) = (.listed(RotaryPositions.array(try scaling.byParts())), 1)
        case "yarn":
            periods = .listed(RotaryPositions.array(try scaling.yarn()))
            magnitude = Float(try scaling.yarnMagnitude())
        case "longrope", "su":
            periods = .byLength(
                short: RotaryPositions.array(try scaling.stretched("short_factor")),
                long: RotaryPositions.array(try scaling.stretched("long_factor")),
                length: scaling.originalLength)
            magnitude = Float(try scaling.longMagnitude())
        case let kind: throw ModelError("config.json: rope scaling '\(kind)' is not known")
        }
    }

    private static func array(_ periods: [Double]) -> MLXArray { MLXArray(periods.map(Float.init)) }

    /// Rotates (batch, heads, length, dimensions) from a position on. What lies beyond the rotated
    /// dimensions is multiplied as they are.
    func callAsFunction(_ x: MLXArray, offset: Int) -> MLXArray {
        let length = offset + x.dim(2)
        var (base, scale, listed): (Float?, Float, MLXArray?) = (Float(self.base), 1, nil)
        switch periods {
        case .powers(let constant): scale = constant
        case .growing(let factor, let longest):
            if length > longest {
                let ratio = factor * Double(length) / Double(longest) - (factor - 1)
                let width = Double(dimensions)
                base = Float(self.base * pow(ratio, width / max(width - 2, 1)))
            }
        case .listed(let array): (base, listed) = (nil, array)
        case .byLength(let short, let long, let limit):
            (base, listed) = (nil, length > limit ? long : short)
        }
        let rotated = MLXFast.RoPE(
            x, dimensions: dimensions, traditional: false, base: base, scale: scale,
            offset: offset, freqs: listed)
        return magnitude == 1 ? rotated : rotated * magnitude
    }
}

/// The periods of a configuration's scaling, in radians per position turned upside down.
struct RotaryScaling {
    let kind: String
    let base: Double
    let dimensions: Int
    /// How long texts may be, and how long they were when the model was first trained.
    let longestLength: Int
    let originalLength: Int
    private let parameters: JSONValue?

    init(_ configuration: ModelConfiguration, headWidth: Int) throws {
        // Newer files keep the base and the scaling in one place.
        parameters = configuration["rope_parameters"] ?? configuration["rope_scaling"]
        let old = try configuration.number("rope_theta", default: 10_000)
        base = parameters?["rope_theta"]?.double ?? old
        kind = parameters?["rope_type"]?.string ?? parameters?["type"]?.string ?? "default"
        let part = parameters?["partial_rotary_factor"]?.double
        let share = try part ?? configuration.number("partial_rotary_factor", default: 1)
        guard base > 0, base.isFinite, share > 0, share <= 1 else {
            throw ModelError("config.json: rope of base \(base) on a share of \(share)")
        }
        dimensions = Int(Double(headWidth) * share)
        longestLength = try configuration.size("max_position_embeddings", default: 2048)
        originalLength =
            parameters?["original_max_position_embeddings"]?.integer
            ?? configuration["original_max_position_embeddings"]?.integer ?? longestLength
        guard dimensions >= 2, dimensions % 2 == 0, originalLength > 0 else {
            throw ModelError("config.json: rope of \(dimensions) dimensions")
        }
    }

    /// A number of the scaling.
    private func number(_ key: String) throws -> Double? {
        guard let value = parameters?[key], value != .null else { return nil }
        guard let number = value.double, number.isFinite else {
            throw ModelError("config.json: rope's '\(key)' must be a number")
        }
        return number
    }

    func factor() throws -> Double {
        let factor = try number("factor") ?? Double(longestLength) / Double(originalLength)
        guard factor > 0 else { throw ModelError("config.json: rope's factor is \(factor)") }
        return factor
    }

    private var own: [Double] {
        (0..<dimensions / 2).map { pow(base, Double(2 * $0) / Double(dimensions)) }
    }

    /// Long waves are stretched, short ones kept, those between interpolated.
    func byParts() throws -> [Double] {
        let factor = try factor()
        let low = try number("low_freq_factor") ?? 1
        let high = try number("high_freq_factor") ?? 4
        let length = Double(originalLength)
        return own.map { period in
            let wave = 2 * Double.pi * period
            if wave < length / high { return period }
            if wave > length / low { return period * factor }
            let share = (length / wave - low) / (high - low)
            return 1 / ((1 - share) / (period * factor) + share / period)
        }
    }

    func yarn() throws -> [Double] {
        let factor = try factor()
        let fast = try number("beta_fast") ?? 32
        let slow = try number("beta_slow") ?? 1
        let length = Double(originalLength)
        func dimension(_ rotations: Double) -> Double {
            Double(dimensions) * log(length / (rotations * 2 * .pi)) / (2 * log(base))
        }
        let isWhole = parameters?["truncate"]?.boolean ?? true
        let first = isWhole ? dimension(fast).rounded(.down) : dimension(fast)
        let last = isWhole ? dimension(slow).rounded(.up) : dimension(slow)
        let (low, high) = (max(0, first), min(Double(dimensions - 1), last))
        let width = low == high ? 0.001 : high - low
        return own.enumerated().map { index, period in
            let ramp = min(1, max(0, (Double(index) - low) / width))
            return 1 / (ramp / (period * factor) + (1 - ramp) / period)
        }
    }

    func yarnMagnitude() throws -> Double {
        if let given = try number("attention_factor") { return given }
        let factor = try factor()
        func magnitude(_ weight: Double) -> Double {
            factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
        }
        if let one = try number("mscale"), let all = try number("mscale_all_dim"), one != 0,
            all != 0
        {
            return magnitude(one) / magnitude(all)
        }
        return magnitude(1)
    }

    /// Each period by a factor of its own.
    func stretched(_ key: String) throws -> [Double] {
        let factors = parameters?[key]?.array?.compactMap(\.double) ?? []
        guard factors.count == dimensions / 2, factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ModelError("config.json: rope's '\(key)' must have \(dimensions / 2) numbers")
        }
        return zip(own, factors).map { $0 * $1 }
    }

    func longMagnitude() throws -> Double {
        if let given = try number("attention_factor") { return given }
        let factor = try factor()
        return factor <= 1 ? 1 : (1 + log(factor) / log(Double(originalLength))).squareRoot()
    }
}
