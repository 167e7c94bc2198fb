import CMLXKernels
import Glibc

/// The name of a function as the linker has it, and what can be told from it: the module that
/// wrote it, and whether the compiler made it up.
struct SymbolName {
    let mangled: String
    let demangled: String

    init(_ mangled: String) {
        self.mangled = mangled
        if let text = swift_demangle(mangled, mangled.utf8.count, nil, nil, 0) {
            demangled = String(cString: text)
            free(text)
        } else {
            demangled = mangled
        }
    }

    /// A function that only passes a call on; it has no line of its own.
    var isThunk: Bool {
        let prefixes = [
            "reabstraction thunk", "partial apply", "protocol witness for", "dispatch thunk",
        ]
        return prefixes.contains { demangled.hasPrefix($0) }
    }

    /// The module whose source has the function; nil for functions that are not Swift's.
    var module: Substring? {
        // An extension starts with the name of the type it extends, whosever that is.
        let marker = "(extension in "
        if let start = demangled.range(of: marker),
            let end = demangled[start...].firstIndex(of: ")")
        {
            return demangled[start..<end].dropFirst(marker.count)
        }
        guard mangled.hasPrefix("$s") || mangled.hasPrefix("$S") else { return nil }
        let rest = mangled.dropFirst(2)
        let digits = rest.prefix { $0.isNumber }
        if let length = Int(digits), length > 0 {
            return rest.dropFirst(digits.count).prefix(length)
        }
        // What else a mangled name starts with is short for a type of the standard library.
        return "Swift"
    }

    /// Code of this library, of the standard library, or of the test runner: not where a user
    /// would look.
    var isInternal: Bool {
        if let module { return SymbolName.internalModules.contains(module) }
        return SymbolName.internalPrefixes.contains { mangled.hasPrefix($0) }
    }

    private static let internalPrefixes = ["mlx_", "swift_", "_swift", "__swift"]

    /// The library's own modules, whose names are also those of their source folders.
    static let libraryModules: [Substring] = [
        "MLXBase", "MLXGraph", "MLXMemory", "MLXKernels", "MLXFormats", "MLXOps", "MLXPlanner",
        "MLXTransforms", "MLXRuntime", "MLX", "MLXNN", "MLXOptimizers", "MLXData", "MLXTrain",
        "MLXModels", "MLXLoRA", "MLXQuantization",
    ]

    private static let internalModules = Set(
        libraryModules + ["Swift", "_Concurrency", "Synchronization", "Testing", "Dispatch"])
}

extension StringProtocol {
    /// Where `text` first occurs, as its start.
    fileprivate func range(of text: String) -> Index? {
        var start = startIndex
        while let next = self[start...].firstIndex(of: text[text.startIndex]) {
            if self[next...].hasPrefix(text) { return next }
            start = index(after: next)
        }
        return nil
    }
}
