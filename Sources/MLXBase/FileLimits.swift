/// How much a file may make of itself when it is read: a file of a megabyte can claim to hold a
/// gigabyte. What is larger is an `ArrayError` of kind `file` that names the limit; whoever trusts
/// a file raises it.
///
/// ```swift
/// var limits = FileLimits.current
/// limits.imageByteCount = 1 << 32
/// let photo = try FileLimits.$current.withValue(limits) { try loadImage(url: url) }
/// ```
public struct FileLimits: Sendable, Hashable {
    /// Bytes of the pixels of one image (PNG, PPM, PGM).
    public var imageByteCount = 1 << 28
    /// Bytes that compressed data may unpack to: all entries of an npz archive together, or one
    /// gzip file.
    public var unpackedByteCount = 1 << 33
    /// Bytes of a table of text.
    public var tableByteCount = 1 << 30
    /// Fields of a table of text; each takes 16 bytes beside the text.
    public var tableFieldCount = 1 << 26

    /// The limits that hold where nothing else was said.
    public init() {}

    /// The limits of the task at hand.
    @TaskLocal public static var current = FileLimits()
}
