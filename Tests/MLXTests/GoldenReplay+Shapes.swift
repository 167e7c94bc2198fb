import MLX

/// Reductions, shapes, products and indexing in the manifest. Arguments that MLX's Python makes
/// optional choose between Swift's overloads.
extension GoldenReplay {
    private typealias Reduction = @Sendable (MLXArray, [Int]?, Bool) -> MLXArray

    private static let reducing: [String: Reduction] = [
        "sum": { x, axes, keep in
            axes.map { sum(x, axes: $0, keepDims: keep) } ?? sum(x, keepDims: keep)
        },
        "product": { x, axes, keep in
            axes.map { product(x, axes: $0, keepDims: keep) } ?? product(x, keepDims: keep)
        },
        "max": { x, axes, keep in
            axes.map { max(x, axes: $0, keepDims: keep) } ?? max(x, keepDims: keep)
        },
        "min": { x, axes, keep in
            axes.map { min(x, axes: $0, keepDims: keep) } ?? min(x, keepDims: keep)
        },
        "all": { x, axes, keep in
            axes.map { all(x, axes: $0, keepDims: keep) } ?? all(x, keepDims: keep)
        },
        "any": { x, axes, keep in
            axes.map { any(x, axes: $0, keepDims: keep) } ?? any(x, keepDims: keep)
        },
        "mean": { x, axes, keep in
            axes.map { mean(x, axes: $0, keepDims: keep) } ?? mean(x, keepDims: keep)
        },
        "logSumExp": { x, axes, keep in
            axes.map { logSumExp(x, axes: $0, keepDims: keep) } ?? logSumExp(x, keepDims: keep)
        },
        "argMax": { x, axes, keep in
            axes.map { argMax(x, axis: $0[0], keepDims: keep) } ?? argMax(x, keepDims: keep)
        },
        "argMin": { x, axes, keep in
            axes.map { argMin(x, axis: $0[0], keepDims: keep) } ?? argMin(x, keepDims: keep)
        },
    ]

    static let reductions: [String: Call] = {
        var table: [String: Call] = [
            "softmax": { i, g in
                let precise = g.args.precise ?? false
                return [
                    g.args.axes.map { softmax(a(i[0]), axes: $0, precise: precise) }
                        ?? softmax(a(i[0]), precise: precise)
                ]
            },
            "variance": { i, g in
                let (x, keep, ddof) = (a(i[0]), g.args.keepDims!, g.args.ddof!)
                return [
                    g.args.axes.map { variance(x, axes: $0, keepDims: keep, ddof: ddof) }
                        ?? variance(x, keepDims: keep, ddof: ddof)
                ]
            },
            "std": { i, g in
                let (x, keep, ddof) = (a(i[0]), g.args.keepDims!, g.args.ddof!)
                return [
                    g.args.axes.map { std(x, axes: $0, keepDims: keep, ddof: ddof) }
                        ?? std(x, keepDims: keep, ddof: ddof)
                ]
            },
        ]
        for (name, function) in reducing {
            table[name] = { i, g in
                [function(a(i[0]), g.args.axes ?? g.args.axis.map { [$0] }, g.args.keepDims!)]
            }
        }
        return table
    }()

    static let shapes: [String: Call] = [
        "reshaped": { i, g in [reshaped(a(i[0]), g.args.shape!)] },
        "transposed": { i, g in [transposed(a(i[0]), axes: g.args.axes!)] },
        "swappedAxes": { i, g in [swappedAxes(a(i[0]), g.args.axes![0], g.args.axes![1])] },
        "movedAxis": { i, g in
            [movedAxis(a(i[0]), source: g.args.axes![0], destination: g.args.axes![1])]
        },
        "broadcast": { i, g in [broadcast(a(i[0]), to: g.args.shape!)] },
        "concatenated": { i, g in [concatenated(i.map { a($0) }, axis: g.args.axis!)] },
        "stacked": { i, g in [stacked(i.map { a($0) }, axis: g.args.axis!)] },
        "padded": { i, g in
            [
                padded(
                    a(i[0]), widths: g.args.widths!.map { IntOrPair(($0[0], $0[1])) },
                    mode: PadMode(rawValue: g.args.mode!)!, value: i.count > 1 ? a(i[1]) : nil)
            ]
        },
        "expandedDimensions": { i, g in [expandedDimensions(a(i[0]), axes: g.args.axes!)] },
        "squeezed": { i, g in [squeezed(a(i[0]), axes: g.args.axes!)] },
        "split": { i, g in split(a(i[0]), parts: g.args.parts!, axis: g.args.axis!) },
        "splitIndices": { i, g in split(a(i[0]), indices: g.args.indices!, axis: g.args.axis!) },
        "repeated": { i, g in [repeated(a(i[0]), count: g.args.count!, axis: g.args.axis!)] },
        "tiled": { i, g in [tiled(a(i[0]), repetitions: g.args.repetitions!)] },
        "flattened": { i, g in [flattened(a(i[0]), start: Int(g.args.start!), end: g.args.end!)] },
        "unflatten": { i, g in [unflatten(a(i[0]), axis: g.args.axis!, shape: g.args.shape!)] },
        "atLeast2D": { i, _ in [atLeast2D(a(i[0]))] },
        "atLeast3D": { i, _ in [atLeast3D(a(i[0]))] },
    ]

    static let linear: [String: Call] = [
        "matmul": { i, _ in [matmul(a(i[0]), a(i[1]))] },
        "addMM": { i, g in
            [addMM(a(i[0]), a(i[1]), a(i[2]), alpha: g.args.alpha!, beta: g.args.beta!)]
        },
        "conv2d": { i, g in
            func pair(_ values: [Int]) -> IntOrPair { IntOrPair((values[0], values[1])) }
            return [
                conv2d(
                    a(i[0]), a(i[1]), stride: pair(g.args.stride!), padding: pair(g.args.padding!),
                    dilation: pair(g.args.dilation!), groups: g.args.groups!)
            ]
        },
    ]

    static func indexing(_ goldens: Goldens) -> [String: Call] {
        var table: [String: Call] = [
            "read": { i, g in [a(i[0])[goldens.index(g.args.index!)]] },
            "assign": { i, g in
                // A new object, as assigning changes what an array stands for.
                let target = a(i[0]).asType(a(i[0]).dtype)
                let copy = target === a(i[0]) ? contiguous(target) : target
                copy[goldens.index(g.args.index!)] = a(i[1])
                return [copy]
            },
            "take": { i, g in
                [g.args.axis.map { take(a(i[0]), a(i[1]), axis: $0) } ?? take(a(i[0]), a(i[1]))]
            },
            "takeAlong": { i, g in
                [
                    g.args.axis.map { takeAlong(a(i[0]), a(i[1]), axis: $0) }
                        ?? takeAlong(a(i[0]), a(i[1]))
                ]
            },
            "putAlong": { i, g in
                [putAlong(a(i[0]), a(i[1]), values: a(i[2]), axis: g.args.axis!)]
            },
        ]
        let updates: [String: @Sendable (ArrayAtIndices, MLXArray) -> MLXArray] = [
            "add": { $0.add($1) }, "subtract": { $0.subtract($1) },
            "multiply": { $0.multiply($1) }, "divide": { $0.divide($1) },
            "maximum": { $0.maximum($1) }, "minimum": { $0.minimum($1) },
        ]
        for (name, update) in updates {
            table["at \(name)"] = { i, g in
                [update(a(i[0]).at[goldens.index(g.args.index!)], a(i[1]))]
            }
        }
        return table
    }
}
