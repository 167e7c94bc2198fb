import Foundation
import MLX
import Testing

// Uses of subscripts and of everything that can stand in one.
extension EveryDeclaration {
    @Test("subscripts") func subscripts() throws {
        try works(x[0, 1..<3, stream: .cpu])
        try works(x[[0, 1..<3] as [any MLXArrayIndex], stream: .cpu])
        let at: ArrayAt = x.at
        let indices: ArrayAtIndices = at[0, 1, stream: .cpu]
        try works(indices.add(1))
        try works(at[[0, 1] as [any MLXArrayIndex], stream: .cpu].add(1))
        try works(x[.ellipsis, 0])
        try works(x[.newAxis, 0])
        try works(x[.stride(from: 0, to: 4, by: 2)])
        for row in x { try works(row) }
        _ = (x as any Sequence, x.makeIterator())
    }

    @Test("parts of subscripts") func indices() throws {
        let all: [any MLXArrayIndex] = [
            1, picks, MLXEllipsisIndex.ellipsis, MLXNewAxisIndex.newAxis,
            MLX.stride(from: 0, to: 4, by: 2), 0..<2, 0...2, ..<2, ...2, 2...,
        ]
        for index in all { _ = index.mlxArrayIndexOperation.description }
        let ellipsis: MLXEllipsisIndex = .ellipsis
        let newAxis: MLXNewAxisIndex = .newAxis
        let slice: MLXSlice = .stride(from: 0, to: 4, by: 2)
        let operations: [MLXArrayIndexOperation] = [
            1.mlxArrayIndexOperation, picks.mlxArrayIndexOperation,
            ellipsis.mlxArrayIndexOperation, newAxis.mlxArrayIndexOperation,
            slice.mlxArrayIndexOperation, (0..<2).mlxArrayIndexOperation,
            (0...2).mlxArrayIndexOperation, (..<2).mlxArrayIndexOperation,
            (...2).mlxArrayIndexOperation, (2...).mlxArrayIndexOperation,
            .ellipsis, .newAxis, .index(Int32(1)), .slice(slice), .array(picks),
        ]
        for operation in operations { _ = operation as any CustomStringConvertible }
        let made = MLXSlice(start: 0, end: 4, stride: 2)
        #expect(made == slice && !made.isFull && made.stride == 2)
        _ = (made.start(4), made.absoluteStart(4), made.end(4), made.absoluteEnd(4))
        _ = (made.description, made as any CustomStringConvertible)
    }

    @Test("parameters that are numbers or lists") func parameters() {
        let pair: IntOrPair = 1
        let one = picks.dim(0)
        let pairs: [IntOrPair] = [
            [1, 2], IntOrPair([1, 2]), IntOrPair((1, 2)), IntOrPair(one),
            IntOrPair(integerLiteral: 1), IntOrPair(arrayLiteral: 1, 2),
        ]
        for pair in [pair] + pairs { _ = (pair.values, pair.first, pair.second) }
        let triples: [IntOrTriple] = [
            1, [1, 2, 3], IntOrTriple([1, 2, 3]), IntOrTriple((1, 2, 3)), IntOrTriple(one),
            IntOrTriple(integerLiteral: 1), IntOrTriple(arrayLiteral: 1, 2, 3),
        ]
        for triple in triples { _ = (triple.values, triple.first, triple.second, triple.third) }
        let lists: [IntOrArray] = [
            1, [1, 2], .int(1), .array([1]), IntOrArray([1]), IntOrArray(one),
            IntOrArray(integerLiteral: 1), IntOrArray(arrayLiteral: 1, 2),
        ]
        for list in lists { _ = (list.asArray, list.asInt32Array, list.count) }
        let numbers: [FloatOrArray] = [
            0.5, [0.5, 1], .float(1), .array([1]), FloatOrArray([1]), FloatOrArray(1),
            FloatOrArray(floatLiteral: 1), FloatOrArray(arrayLiteral: 1, 2),
        ]
        for number in numbers { _ = (number.asArray, number.count) }
        #expect(numbers[0].asArray(dimensions: 2) == [0.5, 0.5])
    }

    @Test("choices") func choices() {
        let convolutions: [ConvolveMode] = [.full, .valid, .same]
        let quantizations: [QuantizationMode] = [.affine, .mxfp4, .mxfp8, .nvfp4]
        let grids: [MeshGridIndexing] = [.xy, .ij]
        let pads: [PadMode] = [.constant, .edge]
        let norms: [MLXLinalg.NormKind] = [.fro, .nuc]
        let masks: [MLXFast.ScaledDotProductAttentionMaskMode] = [.none, .array(b), .causal]
        #expect(convolutions.count == 3 && quantizations.count == 4 && grids.count == 2)
        #expect(pads.count == 2 && norms.count == 2)
        for mask in masks { _ = (mask.mask, mask.mode) }
    }
}
