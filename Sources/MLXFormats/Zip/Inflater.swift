import CZlib

/// zlib's raw inflate with a window of input of its own. It belongs to one read on one thread and
/// is closed by whoever made it.
final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    /// The end of the compressed data was seen.
    private(set) var isAtEnd = false
    private var isClosed = false

    private static let inputByteCount = 1 << 16

    init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        input = .allocate(byteCount: Inflater.inputByteCount, alignment: 16)
        // Negative window bits: raw deflate data without zlib's own header.
        let code = inflateInit2_(
            stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        if code != Z_OK {
            isClosed = true
            stream.deallocate()
            input.deallocate()
            return nil
        }
    }

    func close() {
        if isClosed { return }
        isClosed = true
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    deinit { close() }

    /// Input that was supplied and not used yet.
    var pendingByteCount: Int { Int(stream.pointee.avail_in) }

    /// Where to put more input; only when none is pending.
    func room(atMost count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: input[0..<min(count, input.count)])
    }

    func supply(_ count: Int) {
        stream.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(count)
    }

    /// Inflates what is pending; nil when the data is malformed.
    func inflate(into output: UnsafeMutableRawBufferPointer) -> Int? {
        let room = min(output.count, Int(UInt32.max))
        stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        switch CZlib.inflate(stream, Z_NO_FLUSH) {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isAtEnd = true
        default: return nil
        }
        return room - Int(stream.pointee.avail_out)
    }
}
