import Foundation
import MLX
import Testing

/// The code of the page on files. As with the other pages, `Scripts/docs` fails when a sample does
/// not stand here.
@Suite("Documentation of files") struct DocumentationFileTests {
    @Test("Files") func files() async throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("mlx-documentation-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let weights = [
            "layers.0.weight": MLXArray.ones([32, 32]), "layers.1.weight": MLXArray.ones([64, 32]),
        ]

        try saveSharded(arrays: weights, directory: directory, maximumShardBytes: 8192)
        let opened = try loadSharded(directory: directory)        // reads headers
        let half = opened["layers.0.weight"]!.asType(.bfloat16)   // reads nothing
        try await evaluate(half)                                  // reads one array

        #expect(half.sum().item(Float.self) == 1024)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 3)
    }
}
