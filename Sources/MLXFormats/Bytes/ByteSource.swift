import MLXBase

/// Bytes that a format is read from: memory, a file, an entry of an archive. Reads may come from
/// any thread and in any order. A source never maps a file, so bytes that vanish while a file is
/// open are a typed error and not a signal.
package protocol ByteSource: AnyObject, Sendable {
    /// What errors call it: a path, or `memory`.
    var name: String { get }
    /// How many bytes there are, fixed when the source was opened.
    var byteCount: Int { get }
    /// Whether any part costs the same wherever it begins; compressed data has to be walked from
    /// its start.
    var isDivisible: Bool { get }
    /// Fills `destination` from `offset` on.
    /// - Throws: `ArrayError` when the range is not inside the source or can no longer be read;
    ///   the contents of `destination` are then unspecified.
    func read(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError)
}

extension ByteSource {
    package var isDivisible: Bool { true }

    /// A copy of all there is.
    package func contents() throws(ArrayError) -> [UInt8] { try bytes(at: 0, count: byteCount) }

    /// A copy of a range. Memory is only taken after the range was checked.
    package func bytes(at offset: Int, count: Int) throws(ArrayError) -> [UInt8] {
        try checkRange(offset, count)
        var failure: ArrayError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(ArrayError) {
                let room = UnsafeMutableRawBufferPointer(buffer)
                try read(at: offset, into: .init(rebasing: room[0..<count]))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Throws unless `offset..<offset + count` lies inside the source.
    package func checkRange(_ offset: Int, _ count: Int) throws(ArrayError) {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw .file(
                "load", name,
                "\(count) bytes at offset \(offset) lie outside its \(byteCount) bytes")
        }
    }
}

/// Bytes in memory.
package final class MemorySource: ByteSource {
    package let name: String
    private let contents: [UInt8]

    package init(_ contents: [UInt8], name: String = "memory") {
        self.contents = contents
        self.name = name
    }

    package var byteCount: Int { contents.count }

    package func read(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        try checkRange(offset, destination.count)
        contents.withUnsafeBytes { bytes in
            destination.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + destination.count]))
        }
    }
}

extension ArrayError {
    /// The error of every reader and writer here: `[operation] 'name': message`.
    package static func file(_ operation: String, _ name: String, _ message: String) -> ArrayError {
        ArrayError(.file, operation, "'\(name)': \(message)")
    }
}
