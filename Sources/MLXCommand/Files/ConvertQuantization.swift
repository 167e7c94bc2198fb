import ArgumentParser
import Foundation
import MLX
import MLXData
import MLXFormats
import MLXModels
import MLXQuantization

/// What `mlx convert` is told of codes: how many bits, for which layers, and how they are chosen.
struct ConvertQuantization: ParsableArguments {
    @Flag(help: "Store matrices in few bits.") var quantize = false
    @Option(help: "Bits of a stored weight; the mode's own by default.") var bits: Int?
    @Option(help: "Weights that share a scale; the mode's own by default.") var groupSize: Int?
    @Option(help: "affine, mxfp4, mxfp8, nvfp4, int8 or affine_int8.") var mode: String?
    @Option(
        help: """
            Bits by layer, for models: mixed_2_6, mixed_3_4, mixed_3_6 or mixed_4_6. The second \
            number is for the layers that lose most.
            """)
    var quantizeRecipe: String?
    @Option(
        help: ArgumentHelp(
            """
            For models, bits of the layers whose paths fit a pattern with * and ?, such as \
            '*.down_proj=6', or another mode ('model.embed_tokens=affine_int8:8'); 'float' leaves \
            them. Can be given several times; the last that fits counts.
            """, valueName: "pattern=bits"))
    var bitsFor: [String] = []
    @Flag(help: "For models: round by GPTQ, with data.") var gptq = false
    @Flag(help: "For models: scale inputs by AWQ, with data; with --gptq before it.")
    var awq = false
    @Flag(help: "For models: search scales and biases for the least error of the weights.")
    var search = false
    @Option(
        help: ArgumentHelp(
            """
            For models whose inputs are rounded too (modes int8 and affine_int8): move this share \
            of the inputs' range to the weights, 0.5 for half (SmoothQuant), with data.
            """, valueName: "strength"))
    var smooth: Float?
    @Option(
        help: """
            A text in UTF-8 for --gptq, --awq and --smooth; a text about this library by default.
            """)
    var calibration: String?
    @Option(help: "How many tokens of the text are read.") var calibrationTokens = 8192

    func validate() throws {
        let isAdjusted =
            bits != nil || groupSize != nil || mode != nil || quantizeRecipe != nil
            || !bitsFor.isEmpty || needsData || search
        guard quantize || !isAdjusted else {
            throw ValidationError(
                "--bits, --group-size, --mode, --quantize-recipe, --bits-for, --gptq, --awq,"
                    + " --smooth and --search belong to --quantize")
        }
        guard calibration == nil || needsData else {
            throw ValidationError("--calibration belongs to --gptq, --awq and --smooth")
        }
        guard smooth.map({ (0...1).contains($0) }) ?? true else {
            throw ValidationError("--smooth takes a strength in 0...1")
        }
        guard !search || !(gptq || awq) else {
            throw ValidationError("--search needs no data; it is part of --gptq")
        }
        guard calibrationTokens > 0 else {
            throw ValidationError("--calibration-tokens must be positive")
        }
        guard quantizeRecipe == nil || (bits == nil && (mode ?? "affine") == "affine") else {
            throw ValidationError("--quantize-recipe decides on --bits and --mode")
        }
        guard quantize else { return }
        do { _ = try recipe() } catch let error as ArrayError {
            throw ValidationError(error.message)
        } catch let error as ModelError {
            throw ValidationError("\(error)")
        }
    }

    /// The format that all layers have; of a recipe the one that most of them have.
    func format() throws -> ModelQuantization.Format { try recipe().format }

    /// Whether only models can be quantized so.
    var isForModels: Bool {
        quantizeRecipe != nil || !bitsFor.isEmpty || needsData || search
    }

    private var needsData: Bool { gptq || awq || smooth != nil }

    func recipe() throws -> QuantizationRecipe {
        let rules = try bitsFor.map(rule)
        if let quantizeRecipe {
            return try QuantizationRecipe(
                named: quantizeRecipe, groupSize: groupSize ?? 64, rules: rules)
        }
        return QuantizationRecipe(try format(bits), rules: rules)
    }

    private func format(_ bits: Int?) throws -> ModelQuantization.Format {
        guard let mode = QuantizationMode(rawValue: mode ?? "affine") else {
            throw ValidationError("'\(mode ?? "")' is no mode of quantization")
        }
        return try ModelQuantization.Format(groupSize: groupSize, bits: bits, mode: mode)
    }

    private func rule(
        _ text: String
    ) throws -> (pattern: String, format: ModelQuantization.Format?) {
        guard let place = text.lastIndex(of: "="), place != text.startIndex else {
            throw ValidationError("--bits-for takes PATTERN=BITS, not '\(text)'")
        }
        let value = text[text.index(after: place)...]
        let pattern = String(text[..<place])
        if value == "float" { return (pattern, nil) }
        if let bits = Int(value) { return (pattern, try format(bits)) }
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let mode = QuantizationMode(rawValue: String(parts[0])),
            let bits = parts.count == 2 ? Int(parts[1]).map(Optional.some) : .some(nil)
        else {
            throw ValidationError(
                "--bits-for takes BITS, MODE, MODE:BITS or 'float', not '\(value)'")
        }
        return (pattern, try ModelQuantization.Format(groupSize: nil, bits: bits, mode: mode))
    }

    /// How codes are chosen, with the tokens of the text.
    func rounding(_ files: ModelDirectory) throws -> ModelRounding {
        let method: WeightRounding
        switch (gptq, awq) {
        case (true, true): method = .awq(AWQOptions(gptq: GPTQOptions()))
        case (true, false): method = .gptq()
        case (false, true): method = .awq()
        default: method = search ? .leastSquares : .nearest
        }
        guard needsData else { return try ModelRounding(method) }
        let text: String
        if let calibration {
            let bytes = try FileSource(path: calibration).contents()
            guard let contents = String(validating: bytes, as: UTF8.self) else {
                throw ArrayError(.file, "convert", "'\(calibration)' is not UTF-8")
            }
            text = contents
        } else {
            text = try DocumentationText.bundled()
        }
        let ids = try files.tokenizer().checkedEncode(text)
        return try ModelRounding(
            method, tokens: Array(ids.prefix(calibrationTokens)), smoothing: smooth)
    }

    /// What rounding with data did, in a line; nil where nothing was.
    static func summary(_ rows: [RoundedLayer]) -> String? {
        if rows.isEmpty { return nil }
        func mean(_ errors: [Float]) -> String {
            let sum = errors.reduce(0.0) { $0 + Double($1) }
            return String(format: "%.4f", sum / Double(rows.count))
        }
        return "rounded \(rows.count) layers: mean relative error \(mean(rows.map(\.error))),"
            + " of nearest codes \(mean(rows.map(\.errorOfNearest)))"
    }
}
