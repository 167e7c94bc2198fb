import Foundation
import MLX
import Testing

/// Arrays from Swift values, in every form that programs for mlx-swift use. What is tested is that
/// the text compiles and gives the dtype and shape that mlx-swift gives; kernels have tests of
/// their own.
@Suite("Creation") struct CreationTests {
    @Test("numbers") func numbers() {
        #expect(MLXArray(7).dtype == .int32)
        #expect(MLXArray(7).shape == [])
        #expect(MLXArray(Int32(7)).dtype == .int32)
        #expect(MLXArray(int64: 7).dtype == .int64)
        #expect(MLXArray(true).dtype == .bool)
        #expect(MLXArray(1.5).dtype == .float32)
        #expect(MLXArray(Float(1.5)).dtype == .float32)
        #expect(MLXArray(float64: 1.5).dtype == .float64)
        #expect(MLXArray(bfloat16: 1.5).dtype == .bfloat16)
        #expect(MLXArray(Float16(1.5)).dtype == .float16)
        #expect(MLXArray(UInt8(3)).dtype == .uint8)
        #expect(MLXArray(Int64(3)).dtype == .int64)
        #expect(MLXArray(3, dtype: .float16).dtype == .float16)
        #expect(MLXArray(2.5, dtype: .bfloat16).item(Float.self) == 2.5)
    }

    @Test("arrays with and without shape") func arrays() {
        #expect(MLXArray([1, 2, 3]).dtype == .int32)
        #expect(MLXArray([1, 2, 3, 4, 5, 6], [2, 3]).shape == [2, 3])
        #expect(MLXArray([1.0, 2, 3] as [Float]).dtype == .float32)
        #expect(MLXArray(converting: [1.0, 2.0], [1, 2]).dtype == .float32)
        #expect(MLXArray(int64: [1, 2, 3]).dtype == .int64)
        #expect(MLXArray([true, false]).dtype == .bool)
        #expect(MLXArray([UInt8(1), 2]).dtype == .uint8)
        #expect(MLXArray([Float16(1), 2]).dtype == .float16)
        let literal: MLXArray = [1, 2, 3]
        #expect(literal.asArray(Int32.self) == [1, 2, 3])
        let shape: [Int] = [3, 1]
        #expect(MLXArray([1, 2, 3] as [Int32], shape).shape == shape)
        #expect(MLXArray(Array(repeating: Float(0.5), count: 4), [2, 2]).size == 4)
    }

    @Test("ranges and sequences") func sequences() {
        #expect(MLXArray(0 ..< 12, [3, 4]).shape == [3, 4])
        #expect(MLXArray(0 ..< 12).dtype == .int32)
        #expect(MLXArray(1 ... 4).asArray(Int.self) == [1, 2, 3, 4])
        #expect(MLXArray(1 ... 4, [2, 2])[1, 0].item(Int.self) == 3)
        #expect(MLXArray(stride(from: 0, to: 6, by: 2)).asArray(Int.self) == [0, 2, 4])
        #expect(MLXArray(int64: 0 ..< 3).dtype == .int64)
        #expect(MLXArray((0 ..< 3).map { Float($0) * 2 }).asArray(Float.self) == [0, 2, 4])
        #expect(MLXArray(Set([Float(1)])).shape == [1])
    }

    @Test("complex numbers") func complexNumbers() {
        let a = MLXArray(real: 1, imaginary: 2)
        #expect(a.dtype == .complex64)
        let b = MLXArray(Complex<Float>(1, 2))
        #expect((a .== b).item(Bool.self))
        #expect(a.item(Complex<Float>.self) == Complex(1, 2))
        #expect(a.realPart().item(Float.self) == 1)
        #expect(a.imaginaryPart().item(Float.self) == 2)
        #expect(MLXArray([Complex<Float>(0, 1), Complex(2, 0)]).shape == [2])
    }

    @Test("bytes, buffers and adopted memory") func memory() {
        let values: [Float] = [1, 2, 3, 4]
        let data = values.withUnsafeBytes { Data($0) }
        #expect(MLXArray(data, [2, 2], type: Float.self).asArray(Float.self) == values)
        #expect(MLXArray(data, dtype: .float32).shape == [4])
        values.withUnsafeBufferPointer {
            #expect(MLXArray($0, [4, 1]).shape == [4, 1])
        }
        values.withUnsafeBytes {
            #expect(MLXArray($0, [2, 2], type: Float.self)[1, 1].item(Float.self) == 4)
        }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        memory.copyMemory(from: values, byteCount: 16)
        let adopted = MLXArray(rawPointer: memory, [2, 2], dtype: .float32) {
            memory.deallocate()
        }
        #expect(adopted.sum().item(Float.self) == 10)
        let copy = MLXArray(data: adopted.asData(access: .copy))
        #expect(copy.shape == [2, 2])
    }

    @Test("factories, free and static") func factories() {
        #expect(MLXArray.zeros([2, 3]).dtype == .float32)
        #expect(MLXArray.zeros([2], type: Int32.self).dtype == .int32)
        #expect(MLXArray.ones([4], dtype: .float16).dtype == .float16)
        #expect(MLXArray.zeros(like: MLXArray([1, 2])).dtype == .int32)
        #expect(MLXArray.full([2, 2], values: MLXArray(7)).asArray(Int.self) == [7, 7, 7, 7])
        #expect(MLXArray.full([2, 2], values: MLXArray(0.5)).sum().item(Float.self) == 2)
        #expect(MLXArray.full([2], values: MLXArray(1), type: Float.self).dtype == .float32)
        #expect(full([2, 2], values: 3, type: Int32.self).dtype == .int32)
        #expect(full([3], values: MLXArray(1), dtype: .int8).dtype == .int8)
        #expect(MLXArray.eye(3).sum().item(Float.self) == 3)
        #expect(MLXArray.identity(2, dtype: .int32).dtype == .int32)
        #expect(MLXArray.tri(3, type: Int32.self).sum().item(Int.self) == 6)
        #expect(MLXArray.arange(4).dtype == .int32)
        #expect(MLXArray.arange(0, 10, step: 5).asArray(Int.self) == [0, 5])
        #expect(arange(0.0, 1.0, step: 0.25).shape == [4])
        #expect(arange(4, dtype: .float32).dtype == .float32)
        #expect(MLXArray.linspace(0, 1, count: 5).shape == [5])
        #expect(MLXArray.linspace(Float(0), Float(1)).shape == [50])
        #expect(MLXArray.repeated(MLXArray([1, 2]), count: 2).shape == [4])
        #expect(zeros([2, 2], stream: .cpu).size == 4)
        #expect(ones(like: MLXArray(3)).item(Int.self) == 1)
        #expect(eye(2, m: 3, k: 1).shape == [2, 3])
        #expect(identity(2).shape == [2, 2])
        #expect(tri(2, m: 4).shape == [2, 4])
    }

    @Test("properties") func properties() {
        let a = MLXArray.zeros([2, 3, 4], dtype: .float16)
        #expect(a.ndim == 3)
        #expect(a.count == 2)
        #expect(a.size == 24)
        #expect(a.nbytes == 48)
        #expect(a.itemSize == 2)
        #expect(a.dim(-1) == 4)
        #expect(a.shape3 == (2, 3, 4))
        #expect(a.T.shape == [4, 3, 2])
        #expect(a.dtype.size == 2)
        #expect(a.dtype.isFloatingPoint)
        #expect(DType.float16.finfo?.max == 65504)
        let b: Bool = MLXArray(true).item()
        let x: Float = MLXArray(1.5).item()
        #expect(b && x == 1.5)
        if MLXArray([1, 2]).arrayEqual([1, 2]).item() { #expect(Bool(true)) }
        #expect("\(MLXArray([1, 2]))".contains("1"))
        #expect(type(of: MLXArray(1)) == MLXArray.self)
    }
}
