import MLXBase
import Testing

@testable import MLXFormats

// Row 6 of the catalogue of bad inputs: zip archives that lie. Good archives are written and then
// changed field by field; offsets are those of APPNOTE 4.3.7, 4.3.12 and 4.3.16.

@Suite struct NPZHostileTests {
    /// Two arrays, `a` and `b`, of eight zero bytes each.
    private func archive(compressed: Bool = false, wideFrom: Int = 0xFFFF_FFFF) throws -> [UInt8] {
        let sink = MemorySink()
        let zeros = [UInt8](repeating: 0, count: 8)
        try withTensors([("a", .uint8, [8], zeros), ("b", .uint8, [8], zeros)]) {
            try NPZ.write($0, compressed: compressed, with: ZipWriter(sink, wideFrom: wideFrom))
        }
        return sink.contents
    }

    private func positions(of signature: Int, in bytes: [UInt8]) -> [Int] {
        (0...bytes.count - 4).filter { bytes.word32(at: $0) == signature }
    }

    /// The archive with `count` bytes replaced at `offset` from the n-th record of a signature.
    private func changed(
        _ bytes: [UInt8], _ signature: Int, _ index: Int = 0, at offset: Int, _ new: [UInt8]
    ) -> [UInt8] {
        var bytes = bytes
        let start = positions(of: signature, in: bytes)[index] + offset
        bytes.replaceSubrange(start..<start + new.count, with: new)
        return bytes
    }

    private func word32(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append32(value)
        return bytes
    }

    @Test("D.2 row 6: a zip cut short anywhere", arguments: [false, true])
    func truncated(_ compressed: Bool) throws {
        let whole = try archive(compressed: compressed)
        #expect(try openNPZ(whole).count == 2)
        for count in 0..<whole.count { refused { _ = try openNPZ(Array(whole[..<count])) } }
        refused { _ = try openNPZ(whole + [0]) }
        refused { _ = try openNPZ([0] + whole) }
    }

    @Test("D.2 row 6: zip entries that overlap")
    func overlap() throws {
        // Both directory entries point to the first local header.
        var bytes = try archive()
        bytes = changed(bytes, ZipRecord.centralSignature, 1, at: 42, word32(0))
        #expect(refused { _ = try openNPZ(bytes) }.contains("name"))
        let central = positions(of: ZipRecord.centralSignature, in: bytes)[1]
        bytes[central + ZipRecord.centralByteCount] = UInt8(ascii: "a")
        #expect(refused { _ = try openNPZ(bytes) }.contains("twice"))
    }

    @Test("D.2 row 6: zip entries nested in each other's data")
    func nested() throws {
        // The first entry's data is made to reach over the second one.
        var bytes = try archive()
        let size = word32(positions(of: ZipRecord.centralSignature, in: bytes)[0] - 35)
        for offset in [20, 24] {
            bytes = changed(bytes, ZipRecord.centralSignature, 0, at: offset, size)
        }
        for offset in [18, 22] {
            bytes = changed(bytes, ZipRecord.localSignature, 0, at: offset, size)
        }
        #expect(refused { _ = try openNPZ(bytes) }.contains("overlaps"))
    }

    @Test("D.2 row 6: zip bombs, by declared and by actual size")
    func bombs() throws {
        let good = try archive(compressed: true)
        // Declared: gigabytes in a few bytes.
        var bytes = changed(good, ZipRecord.centralSignature, 0, at: 24, word32(0xFFFF_FFF0))
        #expect(refused { _ = try openNPZ(bytes) }.contains("more than deflate can pack"))
        // Undeclared: the stream holds more, or less, than both headers say.
        for change in [-1, 1, -8, 100] {
            let size = word32(128 + 8 + change)
            bytes = changed(good, ZipRecord.centralSignature, 0, at: 24, size)
            bytes = changed(bytes, ZipRecord.localSignature, 0, at: 22, size)
            refused("\(change)") { _ = try openNPZ(bytes).map { try $0.bytes() } }
        }
    }

    @Test("D.2 row 6: a deflated entry that holds more than it declares is stopped at the end")
    func undeclaredBomb() throws {
        let sink = MemorySink()
        let count = 1 << 24
        try withTensors([("a", .uint8, [count], [UInt8](repeating: 0, count: count))]) {
            try NPZ.write($0, compressed: true, to: sink)
        }
        // The header inside says so many bytes, the archive fewer: refused on opening.
        var bytes = changed(sink.contents, ZipRecord.centralSignature, at: 24, word32(1 << 10))
        bytes = changed(bytes, ZipRecord.localSignature, at: 22, word32(1 << 10))
        refused { _ = try openNPZ(bytes) }
        // The header inside agrees with the lie: refused on reading, without the other bytes.
        let header = NPY.header(dtype: .uint8, shape: [8])
        let contents = header + [UInt8](repeating: 0, count: count)
        let long = MemorySink()
        try contents.withUnsafeBytes { contents in
            var zip = ZipWriter(long)
            try zip.add("a.npy", parts: [contents], deflated: true)
            try zip.finish()
        }
        bytes = changed(long.contents, ZipRecord.centralSignature, at: 24, word32(header.count + 8))
        bytes = changed(bytes, ZipRecord.localSignature, at: 22, word32(header.count + 8))
        let tensor = try openNPZ(bytes)[0]
        #expect(refused { _ = try tensor.bytes() }.contains("more than it claims"))
    }

    @Test("D.2 row 6: a zip bomb over many entries is refused by the sum")
    func manyBombs() throws {
        let source = MemorySource(try archive(compressed: true))
        let sum = 2 * (128 + 8)
        #expect(try ZipDirectory(source, inflatedByteCountLimit: sum).entries.count == 2)
        let message = refused { _ = try ZipDirectory(source, inflatedByteCountLimit: sum - 1) }
        #expect(message.contains("too many bytes"))
    }

    @Test("D.2 row 6: zip64 fields that lie")
    func zip64() throws {
        let good = try archive(wideFrom: 0)
        #expect(try openNPZ(good).count == 2)
        let lies: [[UInt8]] = [
            [UInt8](repeating: 0xFF, count: 8), [0, 0, 0, 0, 0, 0, 0, 0x80],
            [0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0, 0, 0, 0, 1, 0, 0, 0],
        ]
        for lie in lies {
            for offset in [24, 32, 40, 48] {
                refused {
                    _ = try openNPZ(changed(good, ZipRecord.end64Signature, at: offset, lie))
                }
            }
            refused { _ = try openNPZ(changed(good, ZipRecord.locator64Signature, at: 8, lie)) }
            // Name of 5 bytes, then 4 bytes of the field's own header.
            for offset in [55, 63, 71] {
                let bytes = changed(good, ZipRecord.centralSignature, at: offset, lie)
                refused { _ = try openNPZ(bytes) }
            }
            for offset in [39, 47] {
                refused {
                    _ = try openNPZ(changed(good, ZipRecord.localSignature, at: offset, lie))
                }
            }
        }
        for size in [[0, 0], [8, 0], [23, 0], [0xFF, 0xFF]] as [[UInt8]] {
            refused { _ = try openNPZ(changed(good, ZipRecord.centralSignature, at: 53, size)) }
        }
    }

    @Test("D.2 row 6: zip names that lead elsewhere, are empty or not UTF-8")
    func names() throws {
        let bad: [String] = [
            "../a.npy", "/a.npy", "a/../../b.npy", "..\\a.npy", "a\u{0}.npy", "..", "a.txt",
            "a.npy/",
        ]
        for name in bad {
            let sink = MemorySink()
            var zip = ZipWriter(sink)
            try zip.add(name, parts: [], deflated: false)
            try zip.finish()
            refused(name) { _ = try openNPZ(sink.contents) }
        }
        var bytes = try archive()
        for signature in [ZipRecord.localSignature, ZipRecord.centralSignature] {
            let fixed = signature == ZipRecord.localSignature ? 30 : 46
            bytes = changed(bytes, signature, at: fixed, [0xFF])
        }
        #expect(refused { _ = try openNPZ(bytes) }.contains("UTF-8"))
    }

    @Test("D.2 row 6: duplicate zip names")
    func duplicates() throws {
        var bytes = try archive()
        bytes = changed(bytes, ZipRecord.localSignature, 1, at: 30, [UInt8(ascii: "a")])
        bytes = changed(bytes, ZipRecord.centralSignature, 1, at: 46, [UInt8(ascii: "a")])
        #expect(refused { _ = try openNPZ(bytes) }.contains("twice"))
    }

    @Test("D.2 row 6: encrypted zip entries and unknown methods")
    func flags() throws {
        let good = try archive()
        for flag in [1, 1 << 6, 1 << 13] {
            let low = [UInt8(flag & 0xFF), UInt8(flag >> 8 | 8)]
            for (signature, offset) in [
                (ZipRecord.centralSignature, 8), (ZipRecord.localSignature, 6),
            ] {
                let bytes = changed(good, signature, at: offset, low)
                #expect(refused { _ = try openNPZ(bytes) }.contains("encrypted"))
            }
        }
        for method in [1, 6, 9, 12, 14, 93, 99] as [UInt8] {
            refused {
                _ = try openNPZ(changed(good, ZipRecord.centralSignature, at: 10, [method, 0]))
            }
        }
        refused { _ = try openNPZ(changed(good, ZipRecord.localSignature, at: 8, [8, 0])) }
    }

    @Test("D.2 row 6: data-descriptor mode is read by the directory's sizes")
    func dataDescriptor() throws {
        var bytes = try archive(compressed: true)
        let zero = [UInt8](repeating: 0, count: 12)
        for index in 0...1 {
            bytes = changed(bytes, ZipRecord.localSignature, index, at: 14, zero)
            bytes = changed(bytes, ZipRecord.localSignature, index, at: 6, [8, 8])
            bytes = changed(bytes, ZipRecord.centralSignature, index, at: 8, [8, 8])
        }
        let tensors = try openNPZ(bytes)
        #expect(try tensors.map { try $0.bytes().count } == [8, 8])
        // Without the flag the same zeros are a lie.
        refused { _ = try openNPZ(changed(bytes, ZipRecord.localSignature, at: 6, [0, 8])) }
    }

    @Test("D.2 row 6: a deflate stream that is damaged or cut, a checksum that is wrong")
    func damagedData() throws {
        for compressed in [false, true] {
            let good = try archive(compressed: compressed)
            for signature in [(ZipRecord.localSignature, 14), (ZipRecord.centralSignature, 16)] {
                let bytes = changed(good, signature.0, at: signature.1, [1, 2, 3, 4])
                refused { _ = try openNPZ(bytes).map { try $0.bytes() } }
            }
            let end = positions(of: ZipRecord.localSignature, in: good)[1]
            for offset in 35..<end {
                var bytes = good
                bytes[offset] ^= 0x55
                refused { _ = try openNPZ(bytes).map { try $0.bytes() } }
            }
        }
    }

    @Test("D.2 row 6: a zip directory that is elsewhere, and counts that lie")
    func directory() throws {
        let good = try archive()
        for offset in [12, 16] {
            for lie in [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFF] {
                refused {
                    _ = try openNPZ(changed(good, ZipRecord.endSignature, at: offset, word32(lie)))
                }
            }
        }
        for count in [[0, 0], [1, 0], [3, 0], [0xFF, 0xFF]] as [[UInt8]] {
            let bytes = changed(good, ZipRecord.endSignature, at: 8, count + count)
            refused { _ = try openNPZ(bytes) }
        }
        refused { _ = try openNPZ(changed(good, ZipRecord.endSignature, at: 4, [1, 0])) }
        refused { _ = try openNPZ(changed(good, ZipRecord.centralSignature, 1, at: 42, word32(1))) }
    }
}
