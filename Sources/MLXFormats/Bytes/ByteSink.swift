import MLXBase

/// Where a format is written to. Bytes are appended in order; a sink that failed stays failed.
package protocol ByteSink: AnyObject {
    /// How many bytes were written so far.
    var byteCount: Int { get }
    func write(_ bytes: UnsafeRawBufferPointer) throws(ArrayError)
}

extension ByteSink {
    package func write(_ bytes: [UInt8]) throws(ArrayError) {
        let result = bytes.withUnsafeBytes { buffer -> ArrayError? in
            do throws(ArrayError) {
                try write(buffer)
                return nil
            } catch {
                return error
            }
        }
        if let result { throw result }
    }
}

/// Collects what is written in memory.
package final class MemorySink: ByteSink {
    package private(set) var contents: [UInt8] = []

    package init() {}

    package var byteCount: Int { contents.count }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ArrayError) {
        contents.append(contentsOf: bytes)
    }
}
