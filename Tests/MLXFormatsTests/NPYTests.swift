import MLXBase
import Testing

@testable import MLXFormats

// The npy format against files that NumPy wrote, and against itself.

@Suite struct NPYTests {
    @Test("All three versions are read", arguments: 1...3)
    func versions(_ version: Int) throws {
        let tensor = try NPY.open(path: Fixture.path("v\(version).npy"))
        #expect(tensor.description.dtype == .float32)
        #expect(tensor.description.shape == [2, 3])
        #expect(!tensor.description.fortranOrder)
        #expect(try tensor.values(Float.self) == [0, 1, 2, 3, 4, 5])
    }

    @Test("Big-endian data is swapped")
    func bigEndian() throws {
        let tensor = try NPY.open(path: Fixture.path("big.npy"))
        #expect(tensor.description.bigEndian)
        #expect(tensor.description.dtype == .int32)
        #expect(try tensor.values(Int32.self) == [0, 1, 2, 3, 4, 5])
        let complex = try NPY.open(path: Fixture.path("big_complex.npy"))
        #expect(try complex.values(Float.self) == [0, 1, 1, 1, 2, 1, 3, 1, 4, 1, 5, 1])
    }

    @Test("Fortran order is reported, the data is as it stands")
    func fortranOrder() throws {
        let tensor = try NPY.open(path: Fixture.path("fortran.npy"))
        #expect(tensor.description.fortranOrder)
        #expect(tensor.description.shape == [2, 3])
        #expect(try tensor.values(Float.self) == [0, 3, 1, 4, 2, 5])
    }

    @Test("Scalars and bfloat16")
    func scalarAndBfloat16() throws {
        let scalar = try NPY.open(path: Fixture.path("scalar.npy"))
        #expect(scalar.description.shape == [])
        #expect(try scalar.values(Double.self) == [2.5])
        let bfloat16 = try NPY.open(path: Fixture.path("bfloat16.npy"))
        #expect(bfloat16.description.dtype == .bfloat16)
        #expect(try bfloat16.values(UInt16.self)[1] == 0x3F80)
    }

    @Test("A boolean is 0 or 1 whatever the file says")
    func booleans() throws {
        let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }"
        let tensor = try openNPY(npy(header, data: [0, 1, 0xFF]))
        #expect(try tensor.bytes() == [0, 1, 1])
    }

    @Test("What is written is read again", arguments: DType.allCases)
    func roundTrip(_ dtype: DType) throws {
        for shape in [[], [0], [1], [2, 3], [1, 0, 4], [1, 1, 1, 1, 1, 1, 1, 2]] {
            let count = shape.reduce(1, *) * dtype.size
            let bytes = (0..<count).map { UInt8($0 & 1) }
            let sink = MemorySink()
            try withTensors([("", dtype, shape, bytes)]) { try NPY.write($0[0], to: sink) }
            let tensor = try openNPY(sink.contents)
            #expect(tensor.description.dtype == dtype)
            #expect(tensor.description.shape == shape)
            #expect(tensor.description.byteOffset % 64 == 0)
            #expect(try tensor.bytes() == bytes)
        }
    }

    @Test("The bytes written are NumPy's own")
    func sameAsNumPy() throws {
        let values: [Float] = [0, 1, 2, 3, 4, 5]
        let sink = MemorySink()
        let bytes = values.withUnsafeBytes(Array.init)
        try withTensors([("", .float32, [2, 3], bytes)]) { try NPY.write($0[0], to: sink) }
        #expect(sink.contents == (try Fixture.bytes("v1.npy")))
    }

    @Test("A tensor whose bytes do not fit its shape is not written")
    func wrongContents() {
        let error = #expect(throws: ArrayError.self) {
            try withTensors([("x", .float32, [2], [0])]) { try NPY.write($0[0], to: MemorySink()) }
        }
        #expect(error?.kind == .argument)
    }

    @Test("A file is replaced whole, keeps its permissions and leaves nothing else behind")
    func atomicFile() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "x.npy"
        for byte in [UInt8(1), 2] {
            try withTensors([("", .uint8, [1], [byte])]) { try NPY.write($0[0], path: path) }
            #expect(try NPY.open(path: path).bytes() == [byte])
        }
        do {
            let sink = try AtomicFileSink(path: path)
            try sink.write([1, 2, 3])
        }
        #expect(try NPY.open(path: path).bytes() == [2])
        #expect(folder.names == ["x.npy"])
        let error = #expect(throws: ArrayError.self) {
            _ = try AtomicFileSink(path: folder.path + "missing/x.npy")
        }
        #expect(error?.message.contains("No such file") == true)
    }
}
