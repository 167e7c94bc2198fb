import MLX
import MLXFormats

/// This library's own documentation as it once was, as a text to learn characters from: 473,622
/// characters, 96 different ones. It does not follow the documentation, so that losses can be
/// compared over time; `Scripts/documentation-text` made it.
public enum DocumentationText {
    /// The text, which the library carries in its own binary.
    ///
    /// ```swift
    /// let text = try DocumentationText.bundled()
    /// ```
    /// - Throws: `ArrayError` when there is no memory.
    public static func bundled() throws -> String {
        let file = try NPZ.open(
            MemorySource(PackageResources.documentation_npz, name: "documentation.npz"))
        guard let text = file.first(where: { $0.description.name == "text" }) else {
            throw ArrayError(.file, "documentation", "documentation.npz has no 'text'")
        }
        return String(decoding: try text.bytes(), as: UTF8.self)
    }
}
