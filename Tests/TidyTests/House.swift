/// The layers of the house, bottom first. A target may depend on targets of rows before its own,
/// never on one of its own row or above. Simulations, benchmarks and tests are above all of it.
enum House {
    static let rows: [[String]] = [
        ["CMLXKernels", "COpenBLAS", "CNUMA", "CZlib"],
        ["MLXBase"],
        ["MLXMemory", "MLXKernels", "MLXFormats"],
        ["MLXGraph"],
        ["MLXOps"],
        ["MLXPlanner", "MLXTransforms"],
        ["MLXRuntime"],
        ["MLX"],
        ["MLXRandom", "MLXFFT", "MLXLinalg", "MLXFast", "MLXNN", "MLXFuzz"],
        ["MLXOptimizers"],
        ["MLXData"],
        ["MLXModels"],
        ["MLXTrain"],
        ["MLXCommand"],
    ]

    static let row: [String: Int] = {
        var row: [String: Int] = [:]
        for (index, targets) in rows.enumerated() {
            for target in targets { row[target] = index }
        }
        return row
    }()

    /// Layers 0 to 5 have no Foundation.
    static let withoutFoundation = Set(
        rows.prefix { !$0.contains("MLX") }.flatMap { $0 })
}

/// The targets of the manifest and what they depend on, read from its text: a call that makes a
/// target has the name as its first string and the names of other targets among the rest.
struct Manifest {
    private(set) var dependencies: [String: [String]] = [:]

    private static let makers = [
        "layer(", "simulation(", ".target(", ".executableTarget(", ".systemLibrary(",
    ]

    init(_ text: String) {
        var found: [(name: String, strings: [String])] = []
        guard let start = text.range(of: "    targets: [") else { return }
        let targets = text[start.upperBound...]
        for maker in Manifest.makers {
            var rest = targets
            while let call = rest.range(of: maker) {
                let arguments = Manifest.arguments(targets[call.upperBound...])
                if let name = arguments.first { found.append((name, Array(arguments.dropFirst()))) }
                rest = targets[call.upperBound...]
            }
        }
        let names = Set(found.map(\.name))
        for target in found { dependencies[target.name] = target.strings.filter(names.contains) }
    }

    /// The strings up to the parenthesis that closes a call.
    private static func arguments(_ text: Substring) -> [String] {
        var strings: [String] = []
        var current: String?
        var depth = 1
        for character in text {
            if let string = current {
                if character == "\"" {
                    strings.append(string)
                    current = nil
                } else {
                    current = string + String(character)
                }
            } else {
                switch character {
                case "\"": current = ""
                case "(": depth += 1
                case ")": depth -= 1
                default: break
                }
                if depth == 0 { break }
            }
        }
        return strings
    }
}
