import Foundation
import MLX
import Testing

// Calls of error handling, of files, and of exported functions.
extension EveryDeclaration {
    @Test("errors") func errors() async throws {
        let heard = HeardMessages()
        withErrorHandler({ heard.add($0) }) { _ = x + triple }
        await withErrorHandler({ heard.add($0) }) {
            await Task.yield()
            _ = x + triple
        }
        #expect(heard.count == 2)
        try withError { try works(x) }
        try withError { (box: ErrorBox) in
            _ = x + triple
            #expect(box.firstError != nil)
            #expect(throws: MLXError.self) { try box.check() }
            box.firstError = nil
        }
        try await withError {
            await Task.yield()
            try works(x)
        }
        try await withError { (box: ErrorBox) in
            await Task.yield()
            try box.check()
        }
        let error = MLXError.caught("message")
        #expect(error.errorDescription == "message" && error == .caught("message"))
        _ = error as any LocalizedError
    }

    private final class HeardMessages: @unchecked Sendable {
        // SAFETY: the messages are only touched under the lock.
        private let lock = NSLock()
        private var messages: [String] = []
        var count: Int { lock.withLock { messages.count } }
        func add(_ message: String) { lock.withLock { messages.append(message) } }
    }

    @Test("files") func files() throws {
        try withFile("x.npy") { url in
            try save(array: x, url: url, stream: .cpu)
            try works(loadArray(url: url, stream: .cpu))
        }
        try withFile("x.safetensors") { url in
            try save(arrays: ["x": x], metadata: ["made": "by"], url: url, stream: .cpu)
            try works(loadArrays(url: url, stream: .cpu))
            let (arrays, metadata) = try loadArraysAndMetadata(url: url, stream: .cpu)
            #expect(arrays.count == 1 && metadata["made"] == "by")
        }
        let data = try saveToData(arrays: ["x": x], metadata: ["made": "by"])
        try works(loadArrays(data: data, stream: .cpu))
        let (arrays, metadata) = try loadArraysAndMetadata(data: data, stream: .cpu)
        #expect(arrays.count == 1 && metadata["made"] == "by")
        let errors: [LoadSaveError] = [
            .unableToOpen(URL(fileURLWithPath: "a"), "reason"), .unknownExtension("b"),
        ]
        for error in errors { _ = (error.errorDescription, error as any LocalizedError) }
    }

    @Test("exported functions") func exportedFunctions() throws {
        try withFile("one.mlxfn") { url in
            let exporter: FunctionExporterSingle = exportFunction(to: url, shapeless: false) {
                [$0[0] + $0[1]]
            }
            try exporter(x, right: x)
            let function: ImportedFunction = try importFunction(from: url)
            try works(function(x, right: x))
            _ = try ImportedFunction(url: url)
        }
        try withFile("many.mlxfn") { url in
            try exportFunctions(
                to: url, shapeless: false, { $0.map { $0 * 2 } },
                build: { (exporter: FunctionExporterMultiple) in
                    try exporter(x)
                    try exporter(x, v)
                })
            try works(importFunction(from: url)(x, v))
        }
    }
}
