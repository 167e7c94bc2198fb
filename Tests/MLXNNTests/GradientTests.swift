import MLX
import MLXNN
import Testing

/// Layers against MLX's outputs and gradients.
@Suite("Gradients of layers") struct GradientTests {
    private let golden: GradientGolden
    private let rows = GradientGolden.wave(3, 4)
    private let line = GradientGolden.wave(2, 5, 4)
    private let plane = GradientGolden.wave(2, 5, 4, 4)
    private let volume = GradientGolden.wave(1, 3, 4, 4, 2)

    init() throws { golden = try GradientGolden() }

    @Test("maps and convolutions") func maps() throws {
        try golden.check("linear", Linear(4, 3), rows)
        try golden.check("bilinear", { Bilinear(4, 4, 3) }, [rows, rows + 1]) {
            [$0($1[0], $1[1])]
        }
        try golden.check(
            "embedding", Embedding(embeddingCount: 5, dimensions: 3),
            MLXArray([0, 4, 2, 2] as [Int32], [2, 2]))
        try golden.check(
            "conv1d",
            Conv1d(inputChannels: 4, outputChannels: 3, kernelSize: 3, stride: 2, padding: 1),
            line)
        try golden.check(
            "conv2d",
            Conv2d(
                inputChannels: 4, outputChannels: 3, kernelSize: [3, 2], stride: [1, 2],
                padding: 1), plane)
        try golden.check(
            "conv3d",
            Conv3d(
                inputChannels: 2, outputChannels: 3, kernelSize: [2, 3, 2], stride: [1, 2, 1],
                padding: 1), volume)
        try golden.check(
            "convTransposed1d",
            ConvTransposed1d(
                inputChannels: 4, outputChannels: 3, kernelSize: 3, stride: 2, padding: 1), line)
        try golden.check(
            "convTransposed2d",
            ConvTransposed2d(
                inputChannels: 4, outputChannels: 3, kernelSize: [3, 2], stride: [2, 1],
                padding: [1, 0], outputPadding: [1, 0]), plane)
        try golden.check(
            "convTransposed3d",
            ConvTransposed3d(inputChannels: 2, outputChannels: 3, kernelSize: 2, stride: 2),
            volume)
    }

    @Test("pooling") func pooling() throws {
        try golden.check("maxPool1d", MaxPool1d(kernelSize: 3, stride: 2, padding: 1), line)
        try golden.check("avgPool1d", AvgPool1d(kernelSize: 3, stride: 2, padding: 1), line)
        try golden.check("maxPool2d", MaxPool2d(kernelSize: 2, stride: 2), plane)
        try golden.check("avgPool2d", AvgPool2d(kernelSize: 3, stride: 2, padding: 1), plane)
        let (window, stride, padding): (IntOrTriple, IntOrTriple, IntOrTriple) = (
            [2, 3, 2], [1, 2, 2], [1, 1, 0]
        )
        try golden.check(
            "maxPool3d", MaxPool3d(kernelSize: window, stride: stride, padding: padding), volume)
        try golden.check(
            "avgPool3d", AvgPool3d(kernelSize: window, stride: stride, padding: padding), volume)
        let pool = MaxPool3d(kernelSize: 2, stride: 2)
        #expect(pool.axes == [-4, -3, -2] && pool.paddingValue == -.infinity)
        #expect(pool.poolingOp(rows, [0, 1]).item(Float.self) == rows.max().item(Float.self))
    }

    @Test("normalization, dropout and PReLU") func normalization() throws {
        try golden.check("layerNorm", LayerNorm(dimensions: 4), rows)
        try golden.check("rmsNorm", RMSNorm(dimensions: 4), rows)
        try golden.check("instanceNorm", InstanceNorm(dimensions: 4, affine: true), plane)
        try golden.check("groupNorm", GroupNorm(groupCount: 2, dimensions: 4), plane)
        try golden.check(
            "groupNorm pytorch",
            GroupNorm(groupCount: 2, dimensions: 4, pytorchCompatible: true), plane)
        try golden.check("batchNorm", BatchNorm(featureCount: 4), plane)
        try golden.check(
            "batchNorm inference", train: false, BatchNorm(featureCount: 4), plane)
        try golden.check("dropout inference", train: false, Dropout(p: 0.3), rows)
        try golden.check("prelu", PReLU(), rows)
    }

    @Test("positions") func positions() throws {
        try golden.check("rope", RoPE(dimensions: 4), line)
        try golden.check(
            "rope traditional",
            { RoPE(dimensions: 2, traditional: true, base: 100, scale: 0.5) }, [line]
        ) { [$0($1[0], offset: 3)] }
        let offset = MLXArray([3, 3] as [Int32])
        let rope = RoPE(dimensions: 4)
        #expect(allClose(rope(line, offset: offset), rope(line, offset: 3)).item())
        try golden.check(
            "sinusoidal", SinusoidalPositionalEncoding(dimensions: 6),
            MLXArray([0, 1, 7.5] as [Float]))
        try golden.check(
            "sinusoidal turns",
            SinusoidalPositionalEncoding(
                dimensions: 4, minFrequency: 0.01, maxFrequency: 2, scale: 0.5,
                cosineFirst: true, fullTurns: true), rows)
        try golden.check("alibi", { ALiBi() }, [GradientGolden.wave(1, 4, 3, 3)]) {
            [$0(attentionScores: $1[0])]
        }
        try golden.check(
            "alibi six heads", { ALiBi() },
            [GradientGolden.wave(2, 6, 3, 5), GradientGolden.wave(3, 5)]
        ) { [$0(attentionScores: $1[0], offset: 2, mask: $1[1])] }
    }

    @Test("recurrence") func recurrence() throws {
        let state = GradientGolden.wave(2, 3)
        func check<Model: Module>(
            _ name: String, _ make: (Bool) -> Model,
            _ call: @escaping (Model, MLXArray, MLXArray?) -> [MLXArray]
        ) throws {
            try golden.check(name, { make(true) }, [line]) { call($0, $1[0], nil) }
            try golden.check("\(name) unbiased", { make(false) }, [line[0]]) {
                call($0, $1[0], nil)
            }
            try golden.check("\(name) state", { make(true) }, [line, state]) {
                call($0, $1[0], $1[1])
            }
        }
        try check("rnn", { RNN(inputSize: 4, hiddenSize: 3, bias: $0) }) { [$0($1, hidden: $2)] }
        try check("gru", { GRU(inputSize: 4, hiddenSize: 3, bias: $0) }) { [$0($1, hidden: $2)] }
        try check("lstm", { LSTM(inputSize: 4, hiddenSize: 3, bias: $0) }) {
            let (states, cells) = $0($1, hidden: $2)
            return [states, cells]
        }
        try golden.check(
            "rnn relu",
            { RNN(inputSize: 4, hiddenSize: 3, nonLinearity: { x, _ in relu(x) }) }, [line]
        ) { [$0($1[0])] }
        try golden.check(
            "lstm cell", { LSTM(inputSize: 4, hiddenSize: 3) }, [line, state, state + 0.5]
        ) {
            let (states, cells) = $0($1[0], hidden: $1[1], cell: $1[2])
            return [states, cells]
        }
    }

    @Test("other sizes") func resampling() throws {
        let (up, down): (FloatOrArray, FloatOrArray) = ([2, 1.5], [0.6, 0.5])
        for aligned in [false, true] {
            let end = aligned ? " aligned" : ""
            for (kind, mode) in [
                ("linear", Upsample.Mode.linear(alignCorners: aligned)),
                ("cubic", .cubic(alignCorners: aligned)),
            ] {
                try golden.check(
                    "upsample \(kind)\(end)", Upsample(scaleFactor: up, mode: mode), plane)
                try golden.check(
                    "downsample \(kind)\(end)", Upsample(scaleFactor: down, mode: mode), plane)
            }
        }
        for (kind, mode) in [("linear", Upsample.Mode.linear()), ("cubic", .cubic())] {
            try golden.check(
                "downsample \(kind) antialias",
                Upsample(scaleFactor: down, mode: mode, antialias: true), plane)
            try golden.check(
                "upsample \(kind) antialias",
                Upsample(scaleFactor: [1.5, 2], mode: mode, antialias: true), plane)
        }
        try golden.check("upsample nearest", Upsample(scaleFactor: 2.0), plane)
        try golden.check(
            "upsample nearest fraction", Upsample(scaleFactor: [1.7, 0.5]), plane)
        try golden.check(
            "upsample line", Upsample(scaleFactor: 2.5, mode: .linear()), line)
        try golden.check(
            "upsample volume", Upsample(scaleFactor: 2.0, mode: .linear()),
            volume[0..., ..<2, ..<2, ..<2])
    }
}
