import Glibc
import MLXBase
import Testing

@testable import MLXFormats

// What the tests of this target share: fixtures, hostile files put together by hand, a seeded
// generator, and the one way to say that a file must be refused.

enum Fixture {
    static let folder: String = {
        let file = #filePath
        return String(file[..<file.lastIndex(of: "/")!]) + "/Fixtures/"
    }()

    static func path(_ name: String) -> String { folder + name }

    static func bytes(_ name: String) throws -> [UInt8] {
        let source = try FileSource(path: path(name))
        return try source.bytes(at: 0, count: source.byteCount)
    }
}

/// A folder that is gone when the test is over.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/mlx-formats-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)) + "/"
    }

    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    deinit {
        for name in names { unlink(path + name) }
        rmdir(path)
    }
}

/// Expects a typed file error and returns its message.
@discardableResult
func refused(
    _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) -> String {
    do {
        try body()
        Issue.record("\(what) was not refused", sourceLocation: sourceLocation)
        return ""
    } catch let error as ArrayError {
        #expect(error.kind == .file, "\(what): \(error)", sourceLocation: sourceLocation)
        return error.message
    } catch {
        Issue.record("\(what): untyped \(error)", sourceLocation: sourceLocation)
        return ""
    }
}

/// An npy file of version 1 with this header text (a newline is added) and data.
func npy(_ header: String, data: [UInt8] = [], newline: Bool = true) -> [UInt8] {
    let text = Array(header.utf8) + (newline ? [0x0A] : [])
    var bytes: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]
    bytes.append16(text.count)
    return bytes + text + data
}

func openNPY(_ bytes: [UInt8]) throws -> StoredTensor { try NPY.open(MemorySource(bytes)) }

/// A safetensors file with this header and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
    safetensors(Array(header.utf8), data: data)
}

func safetensors(_ header: [UInt8], data: [UInt8] = []) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append64(header.count)
    return bytes + header + data
}

func openSafetensors(_ bytes: [UInt8]) throws -> Safetensors {
    try Safetensors.open(MemorySource(bytes))
}

func openNPZ(_ bytes: [UInt8]) throws -> [StoredTensor] { try NPZ.open(MemorySource(bytes)) }

/// Tensors of these values, kept alive while `body` runs.
func withTensors<Result>(
    _ tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])],
    _ body: ([TensorContents]) throws -> Result
) rethrows -> Result {
    let copies = tensors.map { tensor -> UnsafeMutableRawBufferPointer in
        let copy = UnsafeMutableRawBufferPointer.allocate(
            byteCount: tensor.bytes.count, alignment: 16)
        copy.copyBytes(from: tensor.bytes)
        return copy
    }
    defer { copies.forEach { $0.deallocate() } }
    return try body(
        zip(tensors, copies).map {
            TensorContents(
                name: $0.name, dtype: $0.dtype, shape: $0.shape, bytes: UnsafeRawBufferPointer($1))
        })
}

extension StoredTensor {
    /// The values, for dtypes that Swift has a type for.
    func values<Value: BitwiseCopyable>(_ type: Value.Type) throws -> [Value] {
        try bytes().withUnsafeBytes { buffer in
            stride(from: 0, to: buffer.count, by: MemoryLayout<Value>.size).map {
                buffer.loadUnaligned(fromByteOffset: $0, as: type)
            }
        }
    }
}
