import Foundation

/// The files of the repository as they stand, found from this file's own path. Code is also kept
/// with comments and the contents of strings blanked, so that rules about code see only code.
struct SourceTree {
    static let current = SourceTree()

    let root: URL
    let files: [SourceFile]

    private static let folders = ["Sources", "Tests", "Simulations", "Benchmarks", "Examples"]
    private static let kinds: Set<String> = ["swift", "c", "h", "inc"]

    init() {
        root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var files: [SourceFile] = []
        for folder in SourceTree.folders {
            let start = root.appending(path: folder)
            let walk = FileManager.default.enumerator(
                at: start, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
            while let url = walk?.nextObject() as? URL {
                guard SourceTree.kinds.contains(url.pathExtension) else { continue }
                let path = String(url.path.dropFirst(root.path.count).drop { $0 == "/" })
                if let text = try? String(contentsOf: url, encoding: .utf8) {
                    files.append(SourceFile(path: path, text: text))
                }
            }
        }
        if let manifest = SourceTree.text(root, "Package.swift") {
            files.append(SourceFile(path: "Package.swift", text: manifest))
        }
        self.files = files.sorted { $0.path < $1.path }
    }

    private static func text(_ root: URL, _ path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// A file's text, nil when there is none.
    func text(_ path: String) -> String? { SourceTree.text(root, path) }

    var swiftFiles: [SourceFile] { files.filter { $0.path.hasSuffix(".swift") } }
}

/// One file, by lines. `code` has as many lines as `lines`.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = CodeOnly.lines(of: text)
    }

    /// The target whose sources this file belongs to: the folder below `Sources`.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// The modules that the file imports, with the lines that do.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let at = words.firstIndex(of: "import"), at + 1 < words.count,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || accessWords.contains($0) })
            else { return nil }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "func", "protocol", "typealias",
            ]
            let name = kinds.contains(words[at + 1]) ? words[at + 2] : words[at + 1]
            return (String(name.prefix { $0 != "." }), index + 1)
        }
    }

    private var accessWords: Set<Substring> { ["public", "package", "internal", "private"] }
}
