import MLXBase

/// One file of a zip archive, as checked by `ZipDirectory`: its data range lies inside the archive
/// and touches no other entry.
struct ZipEntry: Sendable {
    enum Method: Int, Sendable {
        case stored = 0
        case deflated = 8
    }

    let name: String
    let method: Method
    let checksum: UInt32
    let compressedByteCount: Int
    let byteCount: Int
    /// Where the entry's local header starts.
    let headerOffset: Int
    /// Where its data starts; known once the local header was read.
    var dataOffset: Int

    /// Whether a name is no path below the folder that an archive would be unpacked into. Bytes are
    /// compared, because what joins a slash to an accent is still a slash to a file system.
    static func leadsElsewhere(_ name: String) -> Bool {
        let bytes = name.utf8
        return bytes.first == UInt8(ascii: "/") || bytes.contains(UInt8(ascii: "\\"))
            || bytes.contains(0)
            || bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                .contains { $0.elementsEqual("..".utf8) }
    }
}

/// Limits of a zip archive; each is far beyond what arrays need and far below what hurts.
enum ZipLimits {
    static let entryCount = 1 << 18
    static let directoryByteCount = 1 << 26
    static let nameByteCount = 4096
    /// Deflate cannot do better than 1032 to 1; a larger claim is a lie.
    static let inflationRatio = 1032
}

/// The fixed parts of the zip format (APPNOTE 6.3.10, section 4.3).
enum ZipRecord {
    static let localSignature = 0x0403_4B50
    static let localByteCount = 30
    static let centralSignature = 0x0201_4B50
    static let centralByteCount = 46
    static let endSignature = 0x0605_4B50
    static let endByteCount = 22
    static let locator64Signature = 0x0706_4B50
    static let locator64ByteCount = 20
    static let end64Signature = 0x0606_4B50
    static let end64ByteCount = 56
    static let extra64Identifier = 1
    /// A 32-bit field that says: look in the zip64 field.
    static let saturated32 = 0xFFFF_FFFF
    static let saturated16 = 0xFFFF
    static let maximumCommentByteCount = 0xFFFF

    static let flagEncrypted = 1
    static let flagDescriptor = 1 << 3
    static let flagStrongEncryption = 1 << 6
    static let flagMasked = 1 << 13
    static let flagUTF8 = 1 << 11
}
