import ArgumentParser
import Foundation
import MLXBase
import MLXFormats

/// `mlx inspect`: what is in a file of arrays, without reading the arrays.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the tensors and metadata of a file or a model directory.",
        discussion: "Takes safetensors, npz, npy, gguf, a safetensors index, or a directory.")

    @Argument(help: "The file or directory.") var path: String
    @Flag(help: "One JSON object: tensors, metadata, bytes, open_ms.") var json = false

    func run() throws {
        let start = ContinuousClock.now
        let file = try ArrayFile(path: path)
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        print(json ? line(file, milliseconds) : table(file, milliseconds))
    }

    private func line(_ file: ArrayFile, _ milliseconds: Double) -> String {
        let tensors = file.tensors.map { tensor -> JSONValue in
            .object([
                .init("name", .string(tensor.name)), .init("dtype", .string("\(tensor.dtype)")),
                .init("shape", .array(tensor.shape.map(JSONValue.integer))),
                .init("bytes", .integer(tensor.byteCount)),
            ])
        }
        var members: [JSONValue.Member] = [
            .init("path", .string(path)), .init("format", .string(file.format.rawValue)),
            .init("open_ms", .number(milliseconds)), .init("metadata", .object(file.metadata)),
            .init("tensor_count", .integer(file.tensors.count)),
            .init("tensor_bytes", .integer(InspectCommand.byteCount(file))),
            .init("tensors", .array(tensors)),
        ]
        if !file.files.isEmpty {
            members.append(.init("files", .array(file.files.map(JSONValue.string))))
        }
        return Line(members).text
    }

    private func table(_ file: ArrayFile, _ milliseconds: Double) -> String {
        var lines = [
            "\(path): \(file.format.rawValue), \(file.tensors.count) tensors, "
                + "\(InspectCommand.byteCount(file)) bytes, opened in "
                + String(format: "%.2f ms", milliseconds)
        ]
        if !file.files.isEmpty { lines.append("files: \(file.files.joined(separator: ", "))") }
        for entry in file.metadata {
            lines.append("\(entry.key) = \(JSONWriter.text(of: entry.value))")
        }
        let width = file.tensors.map(\.name.count).max() ?? 0
        for tensor in file.tensors {
            let name = tensor.name.padding(
                toLength: max(min(width, 64), tensor.name.count), withPad: " ", startingAt: 0)
            lines.append(
                "\(name)  \(tensor.dtype)  \(Shape.describe(tensor.shape))  \(tensor.byteCount)")
        }
        return lines.joined(separator: "\n")
    }

    /// A sum that no file can make overflow.
    private static func byteCount(_ file: ArrayFile) -> Int {
        file.tensors.reduce(0) { sum, tensor in
            let (next, overflow) = sum.addingReportingOverflow(tensor.byteCount)
            return overflow ? .max : next
        }
    }
}
