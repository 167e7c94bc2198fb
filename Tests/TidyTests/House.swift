/// The layers of the house, bottom first, read from the picture in ARCHITECTURE.md: there is one
/// picture, and it is true. A target may depend on targets with a smaller number only. Simulations,
/// benchmarks, examples and tests are above all of it.
struct House {
    /// The number of each target.
    private(set) var row: [String: Int] = [:]
    /// What is wrong with the picture.
    private(set) var faults: [String] = []

    /// Modules of users' programs that do without ICU.
    private static let withoutICU = ["MLX", "MLXNN", "MLXOptimizers"]

    /// - Parameter text: with a block that begins with ```layers. Each line is a number, names
    ///   with one space between them, and after several spaces what they are.
    init(_ text: String) {
        var isInside = false
        var last = Int.max
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") {
                isInside = line == "```layers"
                continue
            }
            guard isInside else { continue }
            let words = line.drop { $0 == " " }
                .split(separator: " ", omittingEmptySubsequences: false)
            guard let number = words.first.flatMap({ Int($0) }), number <= last else {
                faults.append("'\(line)' has no number, or one above the line before")
                continue
            }
            last = number
            // Two spaces after the number, then names up to the next two.
            for name in words.dropFirst(2).prefix(while: { !$0.isEmpty }) {
                if row.updateValue(number, forKey: String(name)) != nil {
                    faults.append("\(name) is named twice")
                }
            }
        }
    }

    /// Below MLX there is no Foundation.
    func isWithoutFoundation(_ target: String) -> Bool {
        guard let own = row[target], let top = row["MLX"] else { return false }
        return own < top
    }

    /// Foundation without the part that needs ICU.
    func isWithoutICU(_ target: String) -> Bool { House.withoutICU.contains(target) }
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
