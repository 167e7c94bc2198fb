"""Python's side of Benchmarks/parity --layers: the same layers and sizes as ParityLayers.swift."""


def cases(mx):
    import mlx.nn as nn

    def draw(shape, seed=1):
        x = mx.random.uniform(-1, 1, shape, key=mx.random.key(seed))
        mx.eval(x)
        return x

    def layer(name, module, x, call=None):
        call = call or (lambda module, x: module(x))

        class Probe(nn.Module):
            def __init__(self):
                super().__init__()
                self.input, self.layer = x, module

        probe = Probe()
        mx.eval(probe.parameters())
        gradient = nn.value_and_grad(probe, lambda: mx.sum(mx.square(call(module, probe.input))))
        yield name, lambda: call(module, x)
        yield f"{name} gradient", lambda: gradient()

    def function(name, x, call):
        gradient = mx.grad(lambda x: mx.sum(mx.square(call(x))))
        yield name, lambda: call(x)
        yield f"{name} gradient", lambda: gradient(x)

    ids = mx.random.randint(0, 32_000, [16, 128], key=mx.random.key(3))
    embedding = nn.Embedding(32_000, 512)
    left, right = draw([256, 64]), draw([256, 64], 2)
    mx.eval(ids, embedding.parameters())
    embedded = nn.value_and_grad(embedding, lambda ids: mx.sum(mx.square(embedding(ids))))
    yield from layer("Linear", nn.Linear(512, 2048), draw([256, 512]))
    yield from layer("Bilinear", nn.Bilinear(64, 64, 64), left, lambda m, x: m(x, right))
    yield "Embedding", lambda: embedding(ids)
    yield "Embedding gradient", lambda: embedded(ids)
    yield from layer(
        "QuantizedLinear", nn.QuantizedLinear.from_linear(nn.Linear(1024, 1024), 64, 4),
        draw([64, 1024]))

    yield from layer("Conv1d", nn.Conv1d(64, 128, 3), draw([16, 256, 64]))
    yield from layer("Conv2d", nn.Conv2d(64, 64, 3, padding=1), draw([8, 32, 32, 64]))
    yield from layer(
        "Conv2d strided", nn.Conv2d(3, 64, 7, stride=2, padding=3), draw([4, 112, 112, 3]))
    yield from layer("Conv3d", nn.Conv3d(16, 16, 3), draw([2, 16, 16, 16, 16]))
    yield from layer("ConvTranspose1d", nn.ConvTranspose1d(64, 64, 4, 2), draw([8, 128, 64]))
    yield from layer("ConvTranspose2d", nn.ConvTranspose2d(32, 32, 4, 2), draw([4, 32, 32, 32]))
    yield from layer("ConvTranspose3d", nn.ConvTranspose3d(8, 8, 4, 2), draw([2, 8, 8, 8, 8]))

    rows, images = draw([512, 1024]), draw([8, 32, 32, 64])
    fixed = nn.BatchNorm(64)
    fixed.eval()
    yield from layer("LayerNorm", nn.LayerNorm(1024), rows)
    yield from layer("RMSNorm", nn.RMSNorm(1024), rows)
    yield from layer("GroupNorm", nn.GroupNorm(8, 64), images)
    yield from layer("InstanceNorm", nn.InstanceNorm(64, affine=True), images)
    yield from layer("BatchNorm", nn.BatchNorm(64), images)
    yield from layer("BatchNorm inference", fixed, images)
    yield from layer("Dropout", nn.Dropout(0.3), rows)
    yield from layer("Dropout2d", nn.Dropout2d(0.3), images)

    x, wide, narrow = draw([16, 64, 128]), draw([8, 128, 512]), draw([8, 128, 256])
    yield from layer("RNN", nn.RNN(128, 256), x)
    yield from layer("GRU", nn.GRU(128, 256), x)
    yield from layer("LSTM", nn.LSTM(128, 256), x, lambda m, x: m(x)[0])
    yield from layer(
        "MultiHeadAttention", nn.MultiHeadAttention(512, 8), wide, lambda m, x: m(x, x, x))
    yield from layer(
        "TransformerEncoderLayer", nn.TransformerEncoderLayer(256, 8), narrow,
        lambda m, x: m(x, None))

    images, small = draw([8, 64, 64, 32]), draw([4, 32, 32, 16])
    yield from layer("MaxPool1d", nn.MaxPool1d(2, 2), draw([16, 256, 64]))
    yield from layer("AvgPool1d", nn.AvgPool1d(2, 2), draw([16, 256, 64]))
    yield from layer("MaxPool2d", nn.MaxPool2d(2, 2), images)
    yield from layer("AvgPool2d", nn.AvgPool2d(2, 2), images)
    yield from layer("MaxPool2d 3x3", nn.MaxPool2d(3, 2), images)
    yield from layer("Upsample nearest", nn.Upsample(2, "nearest"), small)
    yield from layer("Upsample linear", nn.Upsample(2, "linear"), small)
    yield from layer("Upsample cubic", nn.Upsample(2, "cubic"), small)

    sinusoids, steps = nn.SinusoidalPositionalEncoding(256), mx.arange(512)
    yield from layer("RoPE", nn.RoPE(64), draw([8, 8, 256, 64]))
    yield "SinusoidalPositionalEncoding", lambda: sinusoids(steps)
    yield from layer("ALiBi", nn.ALiBi(), draw([4, 8, 128, 128]))

    x = draw([512, 2048])
    names = ("relu leaky_relu elu selu celu relu6 silu gelu gelu_approx gelu_fast_approx mish"
             " hardswish softplus softsign log_sigmoid softmax log_softmax glu step hard_tanh"
             " softmin")
    for name in names.split():
        yield from function(f"nn.{name}", x, getattr(nn, name))
    yield from layer("PReLU", nn.PReLU(), x)

    logits, x, y, z = draw([512, 1000]), draw([512, 1024]), draw([512, 1024], 2), draw([512, 1024], 5)
    classes = mx.random.randint(0, 1000, [512], key=mx.random.key(4))
    truths, variances = (y > 0).astype(mx.float32), mx.abs(y) + 0.1
    mx.eval(classes, truths, variances)
    losses = nn.losses
    for name, own, call in [
            ("cross_entropy", logits, lambda x: losses.cross_entropy(x, classes)),
            ("nll_loss", logits, lambda x: losses.nll_loss(x, classes)),
            ("binary_cross_entropy", x, lambda x: losses.binary_cross_entropy(x, truths)),
            ("l1_loss", x, lambda x: losses.l1_loss(x, y)),
            ("mse_loss", x, lambda x: losses.mse_loss(x, y)),
            ("kl_div_loss", x, lambda x: losses.kl_div_loss(x, y)),
            ("smooth_l1_loss", x, lambda x: losses.smooth_l1_loss(x, y)),
            ("triplet_loss", x, lambda x: losses.triplet_loss(x, y, z)),
            ("hinge_loss", x, lambda x: losses.hinge_loss(x, y)),
            ("huber_loss", x, lambda x: losses.huber_loss(x, y)),
            ("log_cosh_loss", x, lambda x: losses.log_cosh_loss(x, y)),
            ("cosine_similarity_loss", x, lambda x: losses.cosine_similarity_loss(x, y)),
            ("gaussian_nll_loss", x, lambda x: losses.gaussian_nll_loss(x, y, variances)),
            ("margin_ranking_loss", x, lambda x: losses.margin_ranking_loss(x, y, z))]:
        yield from function(name, own, call)
