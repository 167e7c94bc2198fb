import Foundation
import MLX
import Testing

/// Arrays that cross the border of the library: DLPack structs, drawings of graphs, and the default
/// device of the process.
@Suite("Interchange") struct InterchangeTests {
    @Test("structs have the layout of dlpack.h") func layout() {
        #expect(MemoryLayout<DLTensor>.size == 48)
        #expect(MemoryLayout<DLTensor>.offset(of: \.ndim) == 16)
        #expect(MemoryLayout<DLTensor>.offset(of: \.shape) == 24)
        #expect(MemoryLayout<DLManagedTensor>.size == 64)
        #expect(MemoryLayout<DLManagedTensor>.offset(of: \.deleter) == 56)
    }

    @Test("out and in again without a copy") func roundTrip() throws {
        for dtype in DType.allCases {
            let array = MLXArray([1, 0, 3, 4, 5, 6] as [Float], [2, 3]).asType(dtype)
            let tensor = try array.asDLPack()
            #expect(tensor.pointee.dl_tensor.ndim == 2)
            #expect(tensor.pointee.dl_tensor.dtype.dtype == dtype)
            let address = tensor.pointee.dl_tensor.data
            let back = MLXArray(dlpack: tensor)
            #expect(back.dtype == dtype && back.shape == [2, 3])
            #expect(arrayEqual(back, array).item(Bool.self))
            let again = try back.asDLPack()
            #expect(again.pointee.dl_tensor.data == address)
            again.pointee.deleter?(again)
        }
    }

    @Test("windows keep their strides, foreign ones are refused") func strides() async throws {
        let array = MLXArray([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
        let tensor = try array.T.asDLPack()
        #expect(tensor.pointee.dl_tensor.strides?[0] == 1)
        #expect(tensor.pointee.dl_tensor.strides?[1] == 3)
        let bad = MLXArray(dlpack: tensor)
        let error = await #expect(throws: ArrayError.self) { try await evaluate(bad) }
        #expect(error?.operation == "dlpack")
    }

    @Test("other devices and dtypes are errors") func hostile() async throws {
        for change in 0..<3 {
            let tensor = try MLXArray([1, 2] as [Float]).asDLPack()
            switch change {
            case 0: tensor.pointee.dl_tensor.device.device_type = 2
            case 1: tensor.pointee.dl_tensor.dtype.lanes = 4
            default: tensor.pointee.dl_tensor.ndim = -1
            }
            let array = MLXArray(dlpack: tensor)
            await #expect(throws: ArrayError.self) { try await evaluate(array) }
        }
    }

    @Test("graphs are drawn") func drawing() {
        let x = MLXArray([1, 2] as [Float])
        let text = exportToDOT([sin(x) + x], names: ["a \"name\""])
        #expect(text.hasPrefix("digraph {\n") && text.hasSuffix("}\n"))
        #expect(text.contains("label=\"sin\"") && text.contains("label=\"add\""))
        #expect(text.contains("a \\\"name\\\"\\nfloat32 (2)"))
        #expect(text.components(separatedBy: "->").count == 6)
    }
}
