import MLXBase
import Testing

@testable import MLXFormats

// Rows 1 to 5 of the catalogue of bad inputs: npy files that lie.

@Suite struct NPYHostileTests {
    private static let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"

    private func header(
        descr: String = "'<f4'", order: String = "False", shape: String = "(1,)"
    ) -> String {
        "{'descr': \(descr), 'fortran_order': \(order), 'shape': \(shape), }"
    }

    @Test("D.2 row 1: npy v2 header length beyond the file fails fast")
    func headerLengthBeyondFile() {
        let file: [UInt8] = [
            0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 2, 0, 0xF0, 0xFF, 0xFF, 0xFF,
        ]
        let source = CountingSource(file)
        let clock = ContinuousClock()
        // The best of several: other tests run beside this one.
        let elapsed = (0..<50).map { _ in
            source.requested = 0
            return clock.measure { refused { _ = try NPY.open(source) } }
        }.min()!
        #expect(elapsed < .milliseconds(1))
        #expect(source.requested <= 64)
    }

    @Test("D.2 row 1: npy header of more than 64 KiB is refused before it is read")
    func headerTooLong() {
        var file: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 2, 0]
        file.append32(1 << 20)
        let source = CountingSource(file + [UInt8](repeating: 0x20, count: 1 << 20))
        #expect(refused { _ = try NPY.open(source) }.contains("header has more than"))
        #expect(source.requested <= 64)
    }

    @Test("D.2 row 2: npy header beyond the buffer or without its end")
    func headerWithoutEnd() throws {
        #expect(try openNPY(npy(Self.good, data: [0, 0, 0, 0])).description.shape == [1])
        let whole = npy(Self.good, data: [0, 0, 0, 0])
        for count in 0..<whole.count { refused { _ = try openNPY(Array(whole[..<count])) } }
        refused { _ = try openNPY(npy(Self.good, data: [0, 0, 0, 0], newline: false)) }
        refused { _ = try openNPY(npy(String(Self.good.dropLast()), data: [0, 0, 0, 0])) }
        refused { _ = try openNPY(npy("", data: [])) }
        refused { _ = try openNPY(npy("{}", data: [])) }
        refused { _ = try openNPY(npy("{{}}", data: [])) }
    }

    @Test(
        "D.2 row 2: npy header that is not ASCII, nests tuples, repeats or adds keys",
        arguments: [
            "{'descr': '<f4', 'fortran_order': False, 'shape': ((1,),), }",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'extra': 1, }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'extra': '', }",
            "{'descr': '<f\u{E9}', 'fortran_order': False, 'shape': (1,), }",
            "{'d\u{E9}scr': '<f4', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'shape': (1,)}",
            "{'descr': '<f4, 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape'",
            "{'descr' '<f4', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<\\x664', 'fortran_order': False, 'shape': (1,), }",
            "['descr', '<f4']", "\u{0}", "{", "}", "{'", "{'descr", "{'descr':",
        ])
    func headerMalformed(_ header: String) {
        refused(header) { _ = try openNPY(npy(header, data: [0, 0, 0, 0])) }
    }

    @Test(
        "D.2 row 3: npy type strings that are none of ours",
        arguments: [
            "''", "'<'", "'f'", "'<f'", "'<fx'", "'<f99999999999999999999'", "'<f-4'", "'<f3'",
            "'<f16'", "'<c16'", "'<U1'", "'|S4'", "'<M8[ns]'", "'|O'", "'O'", "'<V3'", "'|V4'",
            "'<<f4'", "[('a', '<f4')]", "('<f4', (2,))", "4", "None", "'\u{0}'", "'<f4 '",
        ])
    func unknownTypes(_ descr: String) {
        refused(descr) { _ = try openNPY(npy(header(descr: descr), data: [0, 0, 0, 0])) }
    }

    @Test("D.2 row 3: pickled objects and structured types are refused by name")
    func pickle() {
        let object = refused { _ = try NPY.open(path: Fixture.path("object.npy")) }
        #expect(object.contains("pickle"))
        refused { _ = try NPY.open(path: Fixture.path("structured.npy")) }
        refused { _ = try NPY.open(path: Fixture.path("text.npy")) }
    }

    @Test(
        "D.2 row 4: npy shapes that wrap, are negative, too deep or no tuple",
        arguments: [
            "(4611686018427387904, 4)", "(4611686018427387904, 4, 1)", "(0, 9223372036854775807)",
            "(9223372036854775807, 0, 9223372036854775807)", "(18446744073709551616,)",
            "(18446744073709551615,)", "(4294967296, 4294967296)", "(-1,)", "(1, -1)", "(+1,)",
            "(1.0,)", "(1e0,)", "(0x1,)", "(1_0,)", "(1)", "(,)", "(1,,)", "(,1)", "(1 1)",
            "[1]", "1", "('1',)", "(1,", "(True,)", "(99999999999999999999999999999999999,)",
            "(" + String(repeating: "1, ", count: 1000) + ")",
            "(" + String(repeating: "1, ", count: 17) + ")",
        ])
    func hostileShapes(_ shape: String) {
        refused(shape) { _ = try openNPY(npy(header(shape: shape), data: [0, 0, 0, 0])) }
    }

    @Test(
        "D.2 row 4: forms of a good shape",
        arguments: ["(1,)", "( 1 , )", "(1, 1)", "(1, 1,)", "(1,1,1)", "()", "(1L,)", "(01,)"])
    func goodShapes(_ shape: String) throws {
        let tensor = try openNPY(npy(header(shape: shape), data: [0, 0, 0x80, 0x3F]))
        #expect(try tensor.values(Float.self) == [1])
    }

    @Test(
        "D.2 row 4: fortran_order that is no boolean",
        arguments: ["Tru", "T", "", "1", "'True'", "true", "Falsehood", "FalseTrue", "None"])
    func fortranOrder(_ order: String) {
        refused(order) { _ = try openNPY(npy(header(order: order), data: [0, 0, 0, 0])) }
    }

    @Test("D.2 row 5: npy with less or more data than its shape asks for")
    func wrongDataLength() {
        for count in [0, 1, 3, 5, 8, 100] {
            let data = [UInt8](repeating: 0, count: count)
            refused { _ = try openNPY(npy(Self.good, data: data)) }
        }
        let large = header(shape: "(1000000000000,)")
        refused { _ = try openNPY(npy(large, data: [0, 0, 0, 0])) }
        refused { _ = try openNPY(npy(header(shape: "(0,)"), data: [0])) }
    }
}

/// Memory that counts how many bytes were asked of it.
final class CountingSource: ByteSource, @unchecked Sendable {
    // SAFETY: used by one test on one thread.
    var requested = 0
    private let memory: MemorySource

    init(_ bytes: [UInt8]) { memory = MemorySource(bytes) }

    var name: String { memory.name }
    var byteCount: Int { memory.byteCount }

    func read(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(ArrayError) {
        requested += destination.count
        try memory.read(at: offset, into: destination)
    }
}
