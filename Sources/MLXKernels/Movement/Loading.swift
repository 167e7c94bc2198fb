import MLXBase
import Synchronization

/// Bytes that lie somewhere else, in a file say, until a kernel asks for them. Reads may come from
/// any thread; they fail with an error that names what could not be read, never with a signal.
package protocol LoadSource: AnyObject, Sendable {
    /// How many bytes there are.
    var byteCount: Int { get }
    /// Whether parts can be read side by side and in any order at no extra cost. Compressed data
    /// has to be read from its start.
    var isDivisible: Bool { get }
    /// Fills `destination` with little-endian elements from a byte offset on. Both are multiples of
    /// 16 bytes, but for the end.
    func read(
        at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError)
}

/// The kernel that fetches an array's elements. What it reads from is the call's object; there are
/// no inputs and no attributes. Several threads read parts of one array, because copying out of the
/// page cache is limited by the core and a disk likes several requests. Where more than one part
/// fails, the error is that of the first.
enum Loading {
    static func load(_ call: borrowing KernelCall) throws(ArrayError) {
        guard let source = call.object as? any LoadSource else {
            throw ArrayError(.argument, "load", "was given nothing to read from")
        }
        let out = call.outputs[0]
        let byteCount = out.shape.size * out.itemSize
        guard source.byteCount == byteCount else {
            throw ArrayError(
                .argument, "load", "\(source.byteCount) bytes do not make an array of \(byteCount)",
                shapes: [out.shape.array], dtypes: [out.dtype])
        }
        if byteCount == 0 { return }
        let chunkByteCount = call.grain.loadByteCount
        let whole = UnsafeMutableRawBufferPointer(start: out.pointer, count: byteCount)
        guard source.isDivisible, byteCount > chunkByteCount else {
            return try source.read(at: 0, into: whole)
        }
        // SAFETY: the chunks are disjoint ranges of the output.
        nonisolated(unsafe) let destination = whole
        let failure = Mutex<(offset: Int, error: ArrayError)?>(nil)
        // From the page cache, about 4 GB/s a thread.
        call.fanOut.forRanges(byteCount, size: chunkByteCount, picosecondsPerItem: 250) { range in
            do throws(ArrayError) {
                try source.read(
                    at: range.lowerBound, into: .init(rebasing: destination[range]))
            } catch {
                failure.withLock { first in
                    if first.map({ range.lowerBound < $0.offset }) ?? true {
                        first = (range.lowerBound, error)
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }
}

extension Kernels {
    package static func load(_ call: borrowing KernelCall) throws(ArrayError) {
        try Loading.load(call)
    }
}
