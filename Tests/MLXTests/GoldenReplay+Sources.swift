import MLX

/// Arrays out of nothing in the manifest: ranges, constants, draws with a key. Every draw has an
/// explicit key, so the cases do not depend on their order.
extension GoldenReplay {
    static let sources: [String: Call] = [
        "arange": { _, g in
            [
                arange(
                    g.args.start!, g.args.stop!, step: g.args.step!, dtype: dtype(g))
            ]
        },
        "linspace": { _, g in [linspace(g.args.start!, g.args.stop!, count: g.args.count!)] },
        "full": { i, g in [full(g.args.shape!, values: a(i[0]))] },
        "eye": { _, g in [eye(g.args.n!, m: g.args.m, k: g.args.k!, dtype: dtype(g))] },
        "tri": { _, g in [tri(g.args.n!, m: g.args.m, k: g.args.k!, dtype: dtype(g))] },
    ]

    static let draws: [String: Call] = [
        "keys": { i, g in
            [stacked(MLXRandom.split(key: a(i[0]), into: g.args.count!))]
        },
        "uniform": { i, g in
            [
                MLXRandom.uniform(
                    low: Float(g.args.low!), high: Float(g.args.high!), g.args.shape!,
                    dtype: dtype(g), key: a(i[0]))
            ]
        },
        "normal": { i, g in
            [
                MLXRandom.normal(
                    g.args.shape!, dtype: dtype(g), loc: g.args.loc!, scale: g.args.scale!,
                    key: a(i[0]))
            ]
        },
        "bernoulli": { i, g in [MLXRandom.bernoulli(g.args.p!, g.args.shape!, key: a(i[0]))] },
        "randInt": { i, g in
            let (low, high) = (Int32(g.args.low!), Int32(g.args.high!))
            let (shape, key) = (g.args.shape!, a(i[0]))
            switch dtype(g) {
            case .uint8:
                return [MLXRandom.randInt(low: low, high: high, shape, type: UInt8.self, key: key)]
            case .int64:
                return [MLXRandom.randInt(low: low, high: high, shape, type: Int64.self, key: key)]
            default: return [MLXRandom.randInt(low: low, high: high, shape, key: key)]
            }
        },
        "truncatedNormal": { i, g in
            [
                MLXRandom.truncatedNormal(
                    low: Float(g.args.low!), high: Float(g.args.high!), g.args.shape!,
                    dtype: dtype(g), key: a(i[0]))
            ]
        },
        "gumbel": { i, g in [MLXRandom.gumbel(g.args.shape!, dtype: dtype(g), key: a(i[0]))] },
        "laplace": { i, g in
            [
                MLXRandom.laplace(
                    g.args.shape!, dtype: dtype(g), loc: g.args.loc!, scale: g.args.scale!,
                    key: a(i[0]))
            ]
        },
        "categorical": { i, g in
            [MLXRandom.categorical(a(i[1]), axis: g.args.axis!, key: a(i[0]))]
        },
        "categorical samples": { i, g in
            [MLXRandom.categorical(a(i[1]), count: g.args.count!, key: a(i[0]))]
        },
    ]
}
