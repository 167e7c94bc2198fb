import MLX
import MLXBase

// Products, convolutions, quantized matrices, and elementwise functions that are more than one op.

extension FunctionTable {
    mutating func addProducts() {
        one("matmul") { c in matmul(try c.array(0), try c.array(1)) }
        one("addmm") { c in
            addMM(
                try c.array(0), try c.array(1), try c.array(2), alpha: try c.float(3),
                beta: try c.float(4))
        }
        one("outer") { c in outer(try c.array(0), try c.array(1)) }
        one("inner") { c in inner(try c.array(0), try c.array(1)) }
        one("kron") { c in kron(try c.array(0), try c.array(1)) }
        one("vecdot") { c in vecdot(try c.array(0), try c.array(1), axis: try c.int(2)) }
        one("tensordot") { c in
            let (a, b) = (try c.array(0), try c.array(1))
            guard c.isGiven(3) else { return tensordot(a, b, axes: try c.int(2)) }
            return tensordot(a, b, axes: (try c.ints(2), try c.ints(3)))
        }
        one("einsum") { c in einsum(try c.text(0), operands: try c.arrays(1)) }
        one("gather_mm") { c in
            // A vector is a row on the left and a column on the right, and no axis of the result.
            let (a, b) = (try c.array(0), try c.array(1))
            let (isRow, isColumn) = (a.ndim == 1, b.ndim == 1)
            let product = gatherMM(
                isRow ? expandedDimensions(a, axis: 0) : a,
                isColumn ? expandedDimensions(b, axis: 1) : b,
                lhsIndices: try c.arrayIfGiven(2), rhsIndices: try c.arrayIfGiven(3),
                sortedIndices: try c.bool(4))
            let axes: [Int] = (isRow ? [-2] : []) + (isColumn ? [-1] : [])
            return axes.isEmpty ? product : squeezed(product, axes: axes)
        }
        one("segmented_mm") { c in
            segmentedMM(try c.array(0), try c.array(1), segments: try c.array(2))
        }
        one("block_masked_mm") { c in
            blockMaskedMM(
                try c.array(0), try c.array(1), blockSize: try c.small(2),
                maskOut: try c.arrayIfGiven(3), maskLHS: try c.arrayIfGiven(4),
                maskRHS: try c.arrayIfGiven(5))
        }
        one("hadamard_transform") { c in
            hadamardTransform(try c.array(0), scale: try c.floatIfGiven(1))
        }
    }

    mutating func addConvolutions() {
        // x, w, strides, padding low, padding high, kernel dilation, input dilation, groups, flip
        one("conv_general") { c in
            let (low, high) = (try c.ints(3), try c.ints(4))
            guard low == high || (low + high).allSatisfy({ $0 >= 0 }) else {
                throw c.error(.argument, "unequal padding \(low) and \(high) below zero")
            }
            return convolved(
                try c.array(0), try c.array(1), IntOrArray(try c.ints(2)),
                (IntOrArray(low), IntOrArray(high)),
                IntOrArray(try c.ints(5)), IntOrArray(try c.ints(6)), try c.small(7),
                try c.bool(8), "conv_general", .default)
        }
        one("conv_transpose1d") { c in
            convTransposed1d(
                try c.array(0), try c.array(1), stride: try c.small(2), padding: try c.small(3),
                dilation: try c.small(4), outputPadding: try c.small(5), groups: try c.small(6))
        }
        one("conv_transpose2d") { c in
            convTransposed2d(
                try c.array(0), try c.array(1), stride: IntOrPair(try c.ints(2)),
                padding: IntOrPair(try c.ints(3)), dilation: IntOrPair(try c.ints(4)),
                outputPadding: IntOrPair(try c.ints(5)), groups: try c.small(6))
        }
        one("conv_transpose3d") { c in
            convTransposed3d(
                try c.array(0), try c.array(1), stride: IntOrTriple(try c.ints(2)),
                padding: IntOrTriple(try c.ints(3)), dilation: IntOrTriple(try c.ints(4)),
                outputPadding: IntOrTriple(try c.ints(5)), groups: try c.small(6))
        }
        one("convolve") { c in
            let modes: [String: ConvolveMode] = ["full": .full, "valid": .valid, "same": .same]
            guard let mode = modes[try c.text(2)] else {
                throw c.error(.argument, "mode is 'full', 'valid' or 'same'")
            }
            return convolve(try c.array(0), try c.array(1), mode: mode)
        }
    }

    mutating func addQuantization() {
        many("quantize") { c in
            let (w, scales, biases) = quantized(
                try c.array(0), groupSize: try c.intIfGiven(1), bits: try c.intIfGiven(2),
                mode: try c.choice(3, QuantizationMode.self), globalScale: try c.arrayIfGiven(4))
            return [w, scales] + (biases.map { [$0] } ?? [])
        }
        one("dequantize") { c in
            dequantized(
                try c.array(0), scales: try c.array(1), biases: try c.arrayIfGiven(2),
                groupSize: try c.intIfGiven(3), bits: try c.intIfGiven(4),
                mode: try c.choice(5, QuantizationMode.self),
                globalScale: try c.arrayIfGiven(6), dtype: try c.dtypeIfGiven(7))
        }
        one("quantized_matmul") { c in
            quantizedMM(
                try c.array(0), try c.array(1), scales: try c.array(2),
                biases: try c.arrayIfGiven(3), transpose: try c.bool(4),
                groupSize: try c.intIfGiven(5), bits: try c.intIfGiven(6),
                mode: try c.choice(7, QuantizationMode.self))
        }
        one("gather_qmm") { c in
            guard !c.isGiven(10) else {
                throw c.error(.unsupported, "a global scale is not supported")
            }
            return gatherQuantizedMM(
                try c.array(0), try c.array(1), scales: try c.array(2),
                biases: try c.arrayIfGiven(3), lhsIndices: try c.arrayIfGiven(4),
                rhsIndices: try c.arrayIfGiven(5), transpose: try c.bool(6),
                groupSize: try c.intIfGiven(7), bits: try c.intIfGiven(8),
                mode: try c.choice(9, QuantizationMode.self), sortedIndices: try c.bool(11))
        }
        one("qqmm") { c in
            quantizedQuantizedMM(
                try c.array(0), try c.array(1), scales: try c.arrayIfGiven(2),
                groupSize: try c.intIfGiven(3), bits: try c.intIfGiven(4),
                mode: try c.choice(5, QuantizationMode.self),
                globalScaleX: try c.arrayIfGiven(6), globalScaleW: try c.arrayIfGiven(7))
        }
        one("gather_qqmm") { c in
            gatherQuantizedQuantizedMM(
                try c.array(0), try c.array(1), scales: try c.arrayIfGiven(2),
                lhsIndices: try c.arrayIfGiven(3), rhsIndices: try c.arrayIfGiven(4),
                groupSize: try c.intIfGiven(5), bits: try c.intIfGiven(6),
                mode: try c.choice(7, QuantizationMode.self),
                globalScaleX: try c.arrayIfGiven(8), globalScaleW: try c.arrayIfGiven(9),
                sortedIndices: try c.bool(10))
        }
        one("to_fp8") { c in toFP8(try c.array(0)) }
        one("from_fp8") { c in fromFP8(try c.array(0), dtype: try c.type(1, else: .bfloat16)) }
    }

    mutating func addElementwise() {
        one("where") { c in which(try c.array(0), try c.array(1), try c.array(2)) }
        one("round") { c in MLX.round(try c.array(0), decimals: try c.small(1)) }
        one("trunc") { c in trunc(try c.array(0)) }
        one("conj") { c in conjugate(try c.array(0)) }
        one("isposinf") { c in isPosInf(try c.array(0)) }
        one("isneginf") { c in isNegInf(try c.array(0)) }
        one("degrees") { c in degrees(try c.array(0)) }
        one("radians") { c in radians(try c.array(0)) }
        one("real") { c in try c.array(0).realPart() }
        one("imag") { c in try c.array(0).imaginaryPart() }
        one("stop_gradient") { c in stopGradient(try c.array(0)) }
        one("nan_to_num") { c in
            nanToNum(
                try c.array(0), nan: try c.float(1), posInf: try c.floatIfGiven(2),
                negInf: try c.floatIfGiven(3))
        }
        one("isclose") { c in
            isClose(
                try c.array(0), try c.array(1), rtol: try c.double(2), atol: try c.double(3),
                equalNaN: try c.bool(4))
        }
        one("allclose") { c in
            allClose(
                try c.array(0), try c.array(1), rtol: try c.double(2), atol: try c.double(3),
                equalNaN: try c.bool(4))
        }
        one("array_equal") { c in
            arrayEqual(try c.array(0), try c.array(1), equalNAN: try c.bool(2))
        }
        many("depends") { c in depends(inputs: try c.arrays(0), dependencies: try c.arrays(1)) }
    }
}
