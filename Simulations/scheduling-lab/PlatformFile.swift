import Foundation
import MLXBase
import MLXPlanner

/// Platforms by path, and what each error in one says: the file, the line where it can be told,
/// and the field.
enum PlatformFile {
    static func read(path: String) throws -> Platform {
        let text = try SourceText(path: path)
        _ = try text.json()
        let platform: Platform
        do {
            platform = try JSONDecoder().decode(Platform.self, from: Data(text.bytes))
        } catch let error as DecodingError {
            throw text.failure(line(of: error.field, text), error.field, error.reason)
        }
        if let problem = platform.problem {
            let field = String(problem.prefix { $0 != ":" })
            let message = String(problem.dropFirst(field.count + 2))
            throw text.failure(line(of: field, text), field, message)
        }
        return platform
    }

    /// The line of a field: each of its keys in turn, and for `[n]` the n-th value after it.
    private static func line(of field: String, _ text: SourceText) -> Int {
        let content = String(decoding: text.bytes, as: UTF8.self)
        var rest = content[...]
        for part in field.split(separator: ".") {
            let key = part.prefix { $0 != "[" }
            guard let found = rest.range(of: "\"\(key)\"") else { break }
            rest = rest[found.lowerBound...]
            guard let open = part.firstIndex(of: "["),
                let index = Int(part[part.index(after: open)...].prefix { $0 != "]" })
            else { continue }
            rest = entry(index, of: rest)
        }
        return 1 + content[..<rest.startIndex].count { $0 == "\n" }
    }

    /// From the list that follows on, from its entry of a number on.
    private static func entry(_ index: Int, of text: Substring) -> Substring {
        guard let open = text.firstIndex(of: "[") else { return text }
        var (depth, seen) = (0, 0)
        var place = text.index(after: open)
        while place < text.endIndex {
            let character = text[place]
            if seen == index && !character.isWhitespace { return text[place...] }
            if "[{".contains(character) { depth += 1 }
            if "]}".contains(character) { depth -= 1 }
            if character == "," && depth == 0 { seen += 1 }
            if depth < 0 { return text }
            place = text.index(after: place)
        }
        return text
    }
}
