import MLX

/// Sorting, running folds, layouts, products and convolutions in the manifest. Where MLX leaves an
/// order open, results are sorted before they are compared, as the manifest's are.
extension GoldenReplay {
    private typealias Scan = @Sendable (MLXArray, Int?, Bool, Bool) -> MLXArray

    private static let scanning: [String: Scan] = [
        "cumsum": { x, axis, reverse, inclusive in
            axis.map { cumsum(x, axis: $0, reverse: reverse, inclusive: inclusive) }
                ?? cumsum(x, reverse: reverse, inclusive: inclusive)
        },
        "cumprod": { x, axis, reverse, inclusive in
            axis.map { cumprod(x, axis: $0, reverse: reverse, inclusive: inclusive) }
                ?? cumprod(x, reverse: reverse, inclusive: inclusive)
        },
        "cummax": { x, axis, reverse, inclusive in
            axis.map { cummax(x, axis: $0, reverse: reverse, inclusive: inclusive) }
                ?? cummax(x, reverse: reverse, inclusive: inclusive)
        },
        "cummin": { x, axis, reverse, inclusive in
            axis.map { cummin(x, axis: $0, reverse: reverse, inclusive: inclusive) }
                ?? cummin(x, reverse: reverse, inclusive: inclusive)
        },
        "logCumsumExp": { x, axis, reverse, inclusive in
            axis.map { logCumsumExp(x, axis: $0, reverse: reverse, inclusive: inclusive) }
                ?? logCumsumExp(x, reverse: reverse, inclusive: inclusive)
        },
    ]

    private static func parted(_ x: MLXArray, _ kth: Int) -> MLXArray {
        let n = x.dim(-1)
        let k = kth < 0 ? kth + n : kth
        let parts = split(
            partitioned(x, kth: kth, axis: -1), indices: [k, k + 1], axis: -1)
        let (below, above) = (sorted(parts[0], axis: -1), sorted(parts[2], axis: -1))
        return concatenated([below, parts[1], above], axis: -1)
    }

    static let arrays: [String: Call] = {
        var table: [String: Call] = [
            "sorted": { i, g in
                [g.args.axis.map { sorted(a(i[0]), axis: $0) } ?? sorted(a(i[0]))]
            },
            "argSort": { i, g in
                [g.args.axis.map { argSort(a(i[0]), axis: $0) } ?? argSort(a(i[0]))]
            },
            "partitioned": { i, g in [parted(a(i[0]), g.args.kth!)] },
            "top": { i, g in
                [sorted(top(a(i[0]), k: g.args.k!, axis: g.args.axis!), axis: g.args.axis!)]
            },
            "median": { i, g in
                [
                    g.args.axes.map { median(a(i[0]), axes: $0, keepDims: g.args.keepDims!) }
                        ?? median(a(i[0]), keepDims: g.args.keepDims!)
                ]
            },
            "searchSorted": { i, g in
                [searchSorted(a(i[0]), i[1], side: SearchSide(rawValue: g.args.mode!)!)]
            },
            "uniqueAll": { i, g in
                let found = uniqueAll(a(i[0]), size: g.args.count!)
                return [found.values, found.indices, found.inverse, found.counts]
            },
            "countNonzero": { i, g in
                [countNonzero(a(i[0]), axes: g.args.axes, keepDims: g.args.keepDims!)]
            },
            "diff": { i, g in [diff(a(i[0]), n: g.args.n!, axis: g.args.axis!)] },
            "trunc": { i, _ in [trunc(a(i[0]))] },
            "flip": { i, g in [flip(a(i[0]), axes: g.args.axes)] },
            "unstack": { i, g in unstack(a(i[0]), axis: g.args.axis!) },
            "view": { i, g in [a(i[0]).view(dtype: dtype(g))] },
            "asStrided": { i, g in
                [asStrided(a(i[0]), g.args.shape!, strides: g.args.indices!, offset: g.args.k!)]
            },
            "slice": { i, g in
                [slice(a(i[0]), start: a(i[1]), axes: g.args.axes!, sizes: g.args.shape!)]
            },
            "sliceUpdate": { i, g in
                [sliceUpdate(a(i[0]), a(i[2]), start: a(i[1]), axes: g.args.axes!)]
            },
            "masked": { i, _ in
                let copy = contiguous(a(i[0]))
                copy[a(i[1])] = a(i[2])
                return [copy]
            },
            "permutation": { i, g in [MLXRandom.permutation(g.args.n!, key: a(i[0]))] },
            "permutation of": { i, g in
                [MLXRandom.permutation(a(i[1]), axis: g.args.axis!, key: a(i[0]))]
            },
        ]
        for (name, function) in scanning {
            table[name] = { i, g in
                [function(a(i[0]), g.args.axis, g.args.reverse!, g.args.inclusive!)]
            }
        }
        return table
    }()

    static let products: [String: Call] = [
        "einsum": { i, g in [einsum(g.args.subscripts!, operands: i.map { a($0) })] },
        "inner": { i, _ in [inner(a(i[0]), a(i[1]))] },
        "outer": { i, _ in [outer(a(i[0]), a(i[1]))] },
        "kron": { i, _ in [kron(a(i[0]), a(i[1]))] },
        "vecdot": { i, g in [vecdot(a(i[0]), a(i[1]), axis: g.args.axis!)] },
        "gatherMM": { i, _ in
            [gatherMM(a(i[0]), a(i[1]), lhsIndices: a(i[2]), rhsIndices: a(i[3]))]
        },
        "segmentedMM": { i, _ in [segmentedMM(a(i[0]), a(i[1]), segments: a(i[2]))] },
        "blockMaskedMM": { i, g in
            [
                blockMaskedMM(
                    a(i[0]), a(i[1]), blockSize: g.args.count!, maskOut: a(i[2]),
                    maskLHS: a(i[3]), maskRHS: a(i[4]))
            ]
        },
        "hadamardTransform": { i, g in [hadamardTransform(a(i[0]), scale: g.args.scale)] },
        "convGeneral": { i, g in
            let (widths, spread) = (g.args.widths!, g.args.inputDilation!)
            var (x, border) = (a(i[0]), (widths[0][0], widths[0][1]))
            if !widths.allSatisfy({ $0 == widths[0] }) {
                // Different borders are zeros around the input, or cut it, before the call.
                border = (0, 0)
                for (axis, width) in widths.enumerated() {
                    var zeros = Array(repeating: IntOrPair(0), count: x.ndim)
                    zeros[axis + 1] = IntOrPair((max(width[0], 0), max(width[1], 0)))
                    x = padded(x, widths: zeros)
                    let end = x.dim(axis + 1) - max(-width[1], 0)
                    x = split(x, indices: [max(-width[0], 0), end], axis: axis + 1)[1]
                }
            }
            return [
                convGeneral(
                    x, a(i[1]), strides: .array(g.args.stride!), padding: border,
                    kernelDilation: .array(g.args.dilation!), inputDilation: .array(spread),
                    groups: g.args.groups!, flip: g.args.flip!)
            ]
        },
        "convTransposed": { i, g in
            let (x, w, groups) = (a(i[0]), a(i[1]), g.args.groups!)
            let (stride, padding) = (g.args.stride!, g.args.padding!)
            let (dilation, more) = (g.args.dilation!, g.args.outputPadding!)
            switch stride.count {
            case 1:
                return [
                    convTransposed1d(
                        x, w, stride: stride[0], padding: padding[0], dilation: dilation[0],
                        outputPadding: more[0], groups: groups)
                ]
            case 2:
                return [
                    convTransposed2d(
                        x, w, stride: IntOrPair(stride), padding: IntOrPair(padding),
                        dilation: IntOrPair(dilation), outputPadding: IntOrPair(more),
                        groups: groups)
                ]
            default:
                return [
                    convTransposed3d(
                        x, w, stride: IntOrTriple(stride), padding: IntOrTriple(padding),
                        dilation: IntOrTriple(dilation), outputPadding: IntOrTriple(more),
                        groups: groups)
                ]
            }
        },
    ]
}
