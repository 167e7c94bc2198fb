import MLXBase

/// Reads a GGUF header piece by piece. Every length that the file names is compared with the bytes
/// that are left before anything of that length is taken.
struct GGUFCursor {
    let source: any ByteSource
    private(set) var position = 0
    private var window: [UInt8] = []
    private var windowStart = 0

    private static let windowByteCount = 1 << 16

    init(_ source: any ByteSource) { self.source = source }

    var remaining: Int { source.byteCount - position }

    func malformed(_ message: String) -> ArrayError { .file("load", source.name, message) }

    mutating func bytes(_ count: Int) throws(ArrayError) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw malformed("its header ends within a value") }
        if position < windowStart || position + count > windowStart + window.count {
            windowStart = position
            window = try source.bytes(
                at: position, count: min(remaining, max(count, GGUFCursor.windowByteCount)))
        }
        defer { position += count }
        let start = position - windowStart
        return window[start..<start + count]
    }

    mutating func word(_ size: Int) throws(ArrayError) -> UInt64 {
        try bytes(size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A number of things that take at least `least` bytes each.
    mutating func count(_ what: String, least: Int) throws(ArrayError) -> Int {
        let count = try word(8)
        guard let count = Int(exactly: count), count <= remaining / max(least, 1) else {
            throw malformed("it cannot hold \(count) \(what)")
        }
        return count
    }

    mutating func string(limit: Int = .max) throws(ArrayError) -> String {
        let length = try count("bytes of a string", least: 1)
        guard length <= limit else { throw malformed("a name of \(length) bytes") }
        let text = try bytes(length)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw malformed("a string is not UTF-8")
        }
        return string
    }

    mutating func value() throws(ArrayError) -> GGUFValue {
        let code = Int(try word(4))
        if code == GGUFValue.stringCode { return .string(try string()) }
        if code == GGUFValue.arrayCode { return try array(depth: 1) }
        guard let dtype = GGUFValue.dtype(code: code) else {
            throw malformed("metadata of type \(code)")
        }
        return .scalar(dtype, normal(Array(try bytes(dtype.size)), dtype))
    }

    private mutating func array(depth: Int) throws(ArrayError) -> GGUFValue {
        let inner = Int(try word(4))
        if inner == GGUFValue.stringCode {
            let count = try count("strings", least: 8)
            var strings: [String] = []
            for _ in 0..<count { strings.append(try string()) }
            return .strings(strings)
        }
        if inner == GGUFValue.arrayCode {
            guard depth < GGUFValue.maximumDepth else {
                throw malformed("metadata arrays nest deeper than \(GGUFValue.maximumDepth)")
            }
            let count = try count("arrays", least: 12)
            var arrays: [GGUFValue] = []
            for _ in 0..<count { arrays.append(try array(depth: depth + 1)) }
            return .list(arrays)
        }
        guard let dtype = GGUFValue.dtype(code: inner) else {
            throw malformed("metadata arrays of type \(inner)")
        }
        let count = try count("array elements", least: dtype.size)
        return .array(dtype, normal(Array(try bytes(count * dtype.size)), dtype))
    }

    /// Booleans are 0 or 1 here, whatever the file says.
    private func normal(_ bytes: [UInt8], _ dtype: DType) -> [UInt8] {
        dtype == .bool ? bytes.map { $0 == 0 ? 0 : 1 } : bytes
    }
}
