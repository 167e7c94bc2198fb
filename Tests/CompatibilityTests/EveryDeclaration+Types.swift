import Foundation
import MLX
import Testing

// Uses of the dtypes and of the numbers that arrays are made from.
extension EveryDeclaration {
    @Test("dtypes") func dtypes() throws {
        let all: [DType] = [
            .bool, .uint8, .uint16, .uint32, .uint64, .int8, .int16, .int32, .int64, .float16,
            .float32, .bfloat16, .complex64, .float64,
        ]
        #expect(Set(all) == Set(DType.allCases))
        for type in all {
            _ = (type.isFloatingPoint, type.isComplex, type.isInteger, type.isSignedInteger)
            _ = (type.size, type as any KernelTemplateArg)
            if let limits: DType.FInfo = type.finfo {
                _ = (limits.dtype, limits.eps, limits.min, limits.max)
                _ = (limits.smallestNormal, limits.smallestSubnormal)
                try works(type.greatestFiniteMagnitudeArray)
            }
        }
        let data = try JSONEncoder().encode([DType.float32])
        #expect(try JSONDecoder().decode([DType].self, from: data) == [.float32])
        struct One: Codable {
            let type: DType
            init(type: DType) { self.type = type }
            init(from decoder: any Decoder) throws { type = try DType(from: decoder) }
            func encode(to encoder: any Encoder) throws { try type.encode(to: encoder) }
        }
        _ = try JSONDecoder().decode(One.self, from: JSONEncoder().encode([DType.int8].first))
    }

    @Test("numbers") func numbers() throws {
        _ = Bool.dtype
        try works((true as Bool).asMLXArray(dtype: nil))
        _ = Int.dtype
        try works((1 as Int).asMLXArray(dtype: nil))
        _ = Int8.dtype
        try works((1 as Int8).asMLXArray(dtype: nil))
        _ = Int16.dtype
        try works((1 as Int16).asMLXArray(dtype: nil))
        _ = Int32.dtype
        try works((1 as Int32).asMLXArray(dtype: nil))
        _ = Int64.dtype
        try works((1 as Int64).asMLXArray(dtype: nil))
        _ = UInt8.dtype
        try works((1 as UInt8).asMLXArray(dtype: nil))
        _ = UInt16.dtype
        try works((1 as UInt16).asMLXArray(dtype: nil))
        _ = UInt32.dtype
        try works((1 as UInt32).asMLXArray(dtype: nil))
        _ = UInt64.dtype
        try works((1 as UInt64).asMLXArray(dtype: nil))
        _ = UInt.dtype
        try works((1 as UInt).asMLXArray(dtype: nil))
        _ = Float32.dtype
        try works((1 as Float32).asMLXArray(dtype: nil))
        _ = Float64.dtype
        try works((1 as Float64).asMLXArray(dtype: nil))
        _ = Complex<Float>.dtype
        try works(Complex<Float>(1, 2).asMLXArray(dtype: nil))
        try works(([1, 2] as [Float]).asMLXArray(dtype: .float16))
        try works(x.asMLXArray(dtype: nil))
        _ = Float16.dtype
        try works((1 as Float16).asMLXArray(dtype: nil))
        let (left, right) = toArrays(1, x)
        try works((left, right))
        func generic<T: HasDType>(_ value: T) throws {
            _ = T.dtype
            let scalar: any ScalarOrArray = value
            try works((value.asMLXArray(dtype: nil), scalar.asMLXArray(dtype: nil)))
        }
        try generic(1)
        let templates: [any KernelTemplateArg] = [true, 1, DType.float32]
        #expect(templates.count == 3)
    }
}
