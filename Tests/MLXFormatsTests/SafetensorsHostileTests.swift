import Glibc
import MLXBase
import Testing

@testable import MLXFormats

// Rows 7 to 10 of the catalogue of bad inputs: safetensors files that lie.

@Suite struct SafetensorsHostileTests {
    private func tensor(
        dtype: String = "\"U8\"", shape: String = "[4]", offsets: String = "[0,4]"
    ) -> String {
        "{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    private func file(_ entries: String..., data: Int = 4) -> [UInt8] {
        let members = entries.enumerated().map { "\"t\($0)\":\($1)" }
        return safetensors(
            "{\(members.joined(separator: ","))}", data: [UInt8](repeating: 1, count: data))
    }

    @Test(
        "D.2 row 7: safetensors header lengths that lie",
        arguments: [
            0, 1, 99_999_999, 100_000_000, 100_000_001, 1 << 32, 1 << 62, UInt64(Int.max), 1 << 63,
            .max - 8, .max - 7, .max, 3,
        ])
    func headerLength(_ length: UInt64) {
        var bytes: [UInt8] = []
        bytes.append64(Int(truncatingIfNeeded: length))
        let source = CountingSource(bytes + Array("{}".utf8))
        refused("\(length)") { _ = try Safetensors.open(source) }
        #expect(source.requested <= 16)
        for count in 0..<8 { refused { _ = try openSafetensors(Array(bytes[..<count])) } }
    }

    @Test("D.2 row 7: a header at the limit is read, one over it is not")
    func headerLimit() throws {
        let limit = Safetensors.headerByteCountLimit
        for (length, isFine) in [(limit - 1, true), (limit, false)] {
            var bytes: [UInt8] = []
            bytes.append64(length)
            bytes += Array("{}".utf8)
            bytes += [UInt8](repeating: 0x20, count: length - 2)
            if isFine {
                #expect(try openSafetensors(bytes).tensors.isEmpty)
            } else {
                refused { _ = try openSafetensors(bytes) }
            }
        }
    }

    @Test("D.2 row 7: odd UTF-8, leading spaces, padding")
    func text() throws {
        let bad: [[UInt8]] = [[0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5], [0xE2, 0x82]]
        for sequence in bad {
            let name = Array("{\"".utf8) + sequence + Array("\":\(tensor())}".utf8)
            refused("\(sequence)") {
                _ = try openSafetensors(safetensors(name, data: [1, 1, 1, 1]))
            }
        }
        for text in [" {}", "\n{}", "\u{FEFF}{}", "[]", "null", "{}{}", "{} x", "{}\u{0}", "{"] {
            refused(text) { _ = try openSafetensors(safetensors(text)) }
        }
        #expect(try openSafetensors(safetensors("{}   \n\t")).tensors.isEmpty)
        let lone = "{\"\\ud800\":\(tensor())}"
        refused { _ = try openSafetensors(safetensors(lone, data: [1, 1, 1, 1])) }
    }

    @Test(
        "D.2 row 8: safetensors offsets that wrap, cross, or lie outside",
        arguments: [
            "[18446744073709551612,18446744073709551616]",
            "[18446744073709551608,18446744073709551612]",
            "[9223372036854775804,9223372036854775808]",
            "[9223372036854775800,9223372036854775804]",
            "[4,0]", "[1,5]", "[0,5]", "[4,8]", "[0,3]", "[0,0]", "[0]", "[]", "[0,4,4]",
            "[-0,4]", "[0,4.0]", "[0,4e0]", "[0.0,4]", "[0,40e-1]", "[-4,0]", "[\"0\",4]",
            "[null,4]", "[0,04]", "[00,4]", "[0,+4]", "[[0],4]", "0", "{}", "[0,4,]",
        ])
    func offsets(_ offsets: String) {
        refused(offsets) { _ = try openSafetensors(file(tensor(offsets: offsets))) }
    }

    @Test(
        "D.2 row 8: safetensors shapes that do not fit their span",
        arguments: [
            "[5]", "[3]", "[0]", "[]", "[1048576]", "[2,3]", "[-4]", "[-2,-2]", "[4,-1]",
            "[4.0]", "[4e0]", "[-0]", "[9223372036854775808]", "[18446744073709551620]",
            "[4611686018427387905,4]", "[4294967296,4294967297]", "[0,9223372036854775807,4]",
            "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4]", "[\"4\"]", "[null]", "[[4]]", "4", "null",
            "[4,]", "[,4]", "[4",
        ])
    func shapes(_ shape: String) {
        refused(shape) { _ = try openSafetensors(file(tensor(shape: shape))) }
    }

    @Test("D.2 row 8: safetensors tensors that overlap, leave a gap, or do not fill the file")
    func tiling() throws {
        let two = { (offsets: String) in tensor(shape: "[2]", offsets: offsets) }
        #expect(try openSafetensors(file(two("[2,4]"), two("[0,2]"))).tensors.count == 2)
        refused { _ = try openSafetensors(file(two("[0,2]"), two("[0,2]"))) }
        refused { _ = try openSafetensors(file(two("[0,2]"), two("[1,3]"), data: 3)) }
        refused { _ = try openSafetensors(file(two("[0,2]"), two("[3,5]"), data: 5)) }
        refused { _ = try openSafetensors(file(two("[1,3]"), data: 3)) }
        refused { _ = try openSafetensors(file(tensor(), data: 5)) }
        refused { _ = try openSafetensors(safetensors("{}", data: [0])) }
        let empty = tensor(shape: "[0]", offsets: "[2,2]")
        let halves = try openSafetensors(file(two("[0,2]"), empty, two("[2,4]")))
        #expect(halves.tensors.count == 3)
        refused { _ = try openSafetensors(file(tensor(), tensor(shape: "[0]", offsets: "[2,2]"))) }
    }

    @Test("D.2 row 9: safetensors with 100,000 tensors opens; nothing is quadratic")
    func manyTensors() throws {
        let count = 100_000
        let entries = (0..<count).map {
            "\"t\($0)\":\(tensor(shape: "[1]", offsets: "[\($0),\($0 + 1)]"))"
        }
        let bytes = safetensors(
            "{\(entries.joined(separator: ","))}", data: [UInt8](repeating: 7, count: count))
        let file = try openSafetensors(bytes)
        #expect(file.tensors.count == count)
        #expect(try file.tensors[count - 1].bytes() == [7])
    }

    @Test("D.2 row 9: deep nesting is an error, not a stack overflow")
    func nesting() {
        for open in ["[", "{\"a\":", "[[[{\"b\":[", "{\"dtype\":", "{\"shape\":[["] {
            let deep = "{\"a\":" + String(repeating: open, count: 200_000)
            refused { _ = try openSafetensors(safetensors(deep)) }
            let meta = "{\"__metadata__\":" + String(repeating: open, count: 200_000)
            refused { _ = try openSafetensors(safetensors(meta)) }
        }
    }

    @Test(
        "D.2 row 9: safetensors names, metadata, dtypes that are wrong",
        arguments: [
            "{\"a\":T,\"a\":E}", "{\"\":T}", "{\"__metadata__\":{\"a\":1},\"a\":T}",
            "{\"__metadata__\":{\"a\":null},\"a\":T}", "{\"__metadata__\":{\"a\":{}},\"a\":T}",
            "{\"__metadata__\":[],\"a\":T}", "{\"__metadata__\":\"\",\"a\":T}",
            "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"},\"a\":T}",
            "{\"__metadata__\":null,\"__metadata__\":null,\"a\":T}",
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":0}}",
            "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", "{\"a\":{\"dtype\":\"U8\"}}",
            "{\"a\":{}}", "{\"a\":null}", "{\"a\":[]}", "{\"a\":T,}", "{\"a\":T \"b\":E}", "{a:T}",
            "{\"a\":{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[5],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":\"u8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":\"\",\"shape\":[4],\"data_offsets\":[0,4]}}",
            "{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,4]}}",
        ])
    func entries(_ text: String) {
        let header = text.replacing("T", with: tensor())
            .replacing("E", with: tensor(shape: "[0]", offsets: "[0,0]"))
        refused(header) { _ = try openSafetensors(safetensors(header, data: [1, 1, 1, 1])) }
    }

    @Test("D.2 row 9: a name of more than 4 KiB is refused")
    func longName() {
        let name = String(repeating: "n", count: 5000)
        let header = "{\"\(name)\":\(tensor())}"
        refused { _ = try openSafetensors(safetensors(header, data: [1, 1, 1, 1])) }
    }

    @Test("D.2 row 10: a file cut short after opening is an error, not a signal")
    func truncatedAfterOpening() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "x.safetensors"
        let bytes = [UInt8](repeating: 3, count: 1 << 20)
        try withTensors([("x", .uint8, [1 << 20], bytes)]) { try Safetensors.write($0, path: path) }
        let file = try Safetensors.open(path: path)
        #expect(try file.tensors[0].bytes() == bytes)
        for length in [1 << 19, 8, 0] {
            #expect(truncate(path, length) == 0)
            #expect(refused { _ = try file.tensors[0].bytes() }.contains("cut short"))
        }
    }

    @Test("D.2 row 10: a file replaced after opening is read as it was; one rewritten is refused")
    func replacedAfterOpening() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "x.safetensors"
        let save = { (byte: UInt8) in
            try withTensors([("x", .uint8, [2], [byte, byte])]) {
                try Safetensors.write($0, path: path)
            }
        }
        try save(1)
        let file = try Safetensors.open(path: path)
        try save(2)
        #expect(try file.tensors[0].bytes() == [1, 1])
        let second = try Safetensors.open(path: path)
        #expect(try second.tensors[0].bytes() == [2, 2])
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
        #expect(refused { _ = try second.tensors[0].bytes() }.contains("changed"))
    }

    @Test("D.2 row 10: folders, pipes and missing files are errors")
    func notFiles() {
        refused { _ = try Safetensors.open(path: "/") }
        refused { _ = try Safetensors.open(path: "/dev/zero") }
        refused { _ = try Safetensors.open(path: "/nowhere/at/all") }
        let folder = TemporaryFolder()
        #expect(mkfifo(folder.path + "pipe", 0o600) == 0)
        refused { _ = try NPY.open(path: folder.path + "pipe") }
    }
}
