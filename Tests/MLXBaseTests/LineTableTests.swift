import Testing

@testable import MLXBase

// The line table on programs put together by hand, and on damaged ones, which must do no harm.

@Suite struct LineTableTests {
    /// A unit with one sequence: address 0x1000 line 10, 0x1010 line 12 (of the second file),
    /// 0x1020 line 12, ending at 0x1040.
    private func unit(version: UInt8) -> [UInt8] {
        var names: [UInt8]
        if version == 5 {
            names = [1, 1, 8, 2] + text("/src") + text("/lib")
            names += [2, 1, 8, 2, 0x0B, 2] + text("a.swift") + [0] + text("b.swift") + [1]
        } else {
            names = text("/src") + text("/lib") + [0]
            names += text("a.swift") + [1, 0, 0] + text("b.swift") + [2, 0, 0] + [0]
        }
        let lengths: [UInt8] = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
        let fixed: [UInt8] = [1] + (version >= 4 ? [1] : []) + [1, 0xFB, 14, 13]
        let header = fixed + lengths + names
        let firstFile: UInt8 = version == 5 ? 0 : 1
        var program: [UInt8] = [0, 9, 2, 0, 0x10, 0, 0, 0, 0, 0, 0]
        program += [4, firstFile, 3, 9, 1]  // file, line 10, row
        program += [2, 16, 3, 2, 4, firstFile + 1, 1]
        program += [9, 16, 0, 1, 2, 32, 0, 1, 1]
        let sizes: [UInt8] = version == 5 ? [8, 0] : []
        let body = [version, 0] + sizes + word(header.count) + header + program
        return word(body.count) + body
    }

    private func text(_ string: String) -> [UInt8] { Array(string.utf8) + [0] }

    private func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> ($0 * 8) & 0xFF) } }

    private func table(_ bytes: [UInt8]) -> LineTable {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = copy.initialize(from: bytes)
        return LineTable(program: UnsafeBufferPointer(copy), lineStrings: nil)
    }

    private func describe(
        _ table: LineTable, _ address: UInt64, isWanted: (String) -> Bool = { _ in true }
    ) -> String? {
        table.place(of: address, functionStart: 0x1000, isWanted: isWanted)
            .map { "\($0.file):\($0.line)" }
    }

    @Test("Rows of all versions", arguments: [2, 3, 4, 5] as [UInt8])
    func rows(_ version: UInt8) {
        let table = table(unit(version: version))
        #expect(describe(table, 0xFFF) == nil)
        #expect(describe(table, 0x1000) == "/src/a.swift:10")
        #expect(describe(table, 0x100F) == "/src/a.swift:10")
        #expect(describe(table, 0x1010) == "/lib/b.swift:12")
        #expect(describe(table, 0x103F) == "/lib/b.swift:12")
        #expect(describe(table, 0x1040) == nil)
        #expect(describe(table, .max) == nil)
    }

    @Test("A row of a file that is not wanted falls back on the one before it")
    func inlined() {
        let table = table(unit(version: 4))
        let place = describe(table, 0x1015, isWanted: { !$0.hasPrefix("/lib") })
        #expect(place == "/src/a.swift:10")
        #expect(describe(table, 0x1015, isWanted: { _ in false }) == nil)
    }

    @Test("Damaged tables give no place or a wrong one, and no trap")
    func damaged() {
        var state: UInt64 = 7
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for version in [2, 4, 5] as [UInt8] {
            let good = unit(version: version)
            for count in 1..<good.count { _ = describe(table(Array(good[..<count])), 0x1010) }
            for _ in 0..<5000 {
                var bytes = good + unit(version: 4)
                for _ in 0...random(below: 4) {
                    bytes[random(below: bytes.count)] = UInt8(random(below: 256))
                }
                let table = table(bytes)
                for address in [0, 0x1010, .max] as [UInt64] { _ = describe(table, address) }
            }
        }
    }
}
