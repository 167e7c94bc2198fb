import CZlib
import MLXBase

/// Raw deflate of a list of buffers into memory.
enum Deflater {
    private static let outputByteCount = 1 << 16
    /// zlib's own default level.
    private static let level: Int32 = 6
    private static let memoryLevel: Int32 = 8

    static func deflate(_ parts: [UnsafeRawBufferPointer]) throws(ArrayError) -> [UInt8] {
        var stream = z_stream()
        let code = deflateInit2_(
            &stream, level, Z_DEFLATED, -MAX_WBITS, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            throw ArrayError(.memory, "save", "zlib has no memory to deflate")
        }
        defer { deflateEnd(&stream) }
        let output = UnsafeMutableRawBufferPointer.allocate(
            byteCount: outputByteCount, alignment: 16)
        defer { output.deallocate() }
        var packed: [UInt8] = []
        for part in parts {
            var offset = 0
            while offset < part.count {
                let count = min(part.count - offset, 1 << 30)
                let start = part.baseAddress! + offset
                // SAFETY: zlib does not write through next_in; the type merely lacks a const.
                stream.next_in = UnsafeMutablePointer(
                    mutating: start.assumingMemoryBound(to: UInt8.self))
                stream.avail_in = UInt32(count)
                while stream.avail_in > 0 { run(&stream, Z_NO_FLUSH, output, &packed) }
                offset += count
            }
        }
        while run(&stream, Z_FINISH, output, &packed) != Z_STREAM_END {}
        return packed
    }

    @discardableResult
    private static func run(
        _ stream: inout z_stream, _ flush: Int32, _ output: UnsafeMutableRawBufferPointer,
        _ packed: inout [UInt8]
    ) -> Int32 {
        stream.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(output.count)
        let code = CZlib.deflate(&stream, flush)
        packed.append(contentsOf: output[0..<output.count - Int(stream.avail_out)])
        return code
    }
}
