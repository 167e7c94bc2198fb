"""Cases that both MLX and this package compute: layers, activations, losses, optimizers.

A case is a function that makes a layer, and shapes of inputs. Parameters and inputs are sines, so
that nothing depends on how random numbers are drawn. `Scripts/python-layer-fixtures` runs them on
MLX's wheel and writes what comes out; the tests run them here.
"""

import numpy as np


def wave(shape, salt=0, scale=1.0):
    """Numbers that look random and are the same everywhere: float32 of a shape."""
    count = int(np.prod(shape))
    numbers = np.sin(np.arange(1, count + 1) * 12.9898 + salt * 78.233) * 43758.5453
    return ((numbers - np.floor(numbers)) * 2 - 1).reshape(shape).astype(np.float32) * scale


def fill(module, flatten, unflatten, mx):
    """Gives every floating-point parameter of a module the same numbers everywhere; those of
    variances positive ones."""
    new = []
    for salt, (name, old) in enumerate(flatten(module.parameters())):
        if not mx.issubdtype(old.dtype, mx.floating):
            continue
        numbers = wave(old.shape, salt + 1, 0.5)
        if name.endswith("running_var"):
            numbers = np.abs(numbers) + 0.5
        new.append((name, mx.array(numbers).astype(old.dtype)))
    module.update(unflatten(new))
    return module


def causal(nn, mx, n):
    return nn.MultiHeadAttention.create_additive_causal_mask(n)


# name: (layer, shapes of inputs[, arguments of the call from nn and mx])
LAYERS = {
    "linear": (lambda nn: nn.Linear(4, 3), [(2, 5, 4)]),
    "linear_no_bias": (lambda nn: nn.Linear(4, 3, bias=False), [(4,)]),
    "bilinear": (lambda nn: nn.Bilinear(3, 4, 5), [(2, 6, 3), (2, 6, 4)]),
    "bilinear_no_bias": (lambda nn: nn.Bilinear(3, 4, 5, bias=False), [(6, 3), (6, 4)]),
    "identity": (lambda nn: nn.Identity(1), [(3,)]),
    "conv1d": (lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1), [(2, 9, 4)]),
    "conv1d_groups": (lambda nn: nn.Conv1d(4, 6, 3, dilation=2, groups=2), [(2, 9, 4)]),
    "conv2d": (lambda nn: nn.Conv2d(2, 4, (3, 2), stride=(1, 2), padding=1), [(2, 6, 7, 2)]),
    "conv2d_groups": (lambda nn: nn.Conv2d(4, 4, 3, groups=2, bias=False), [(1, 6, 5, 4)]),
    "conv2d_dilation": (lambda nn: nn.Conv2d(2, 3, 2, dilation=(2, 1)), [(1, 6, 5, 2)]),
    "conv3d": (lambda nn: nn.Conv3d(2, 3, (2, 3, 2), padding=(1, 0, 1)), [(1, 4, 5, 3, 2)]),
    "conv_transpose1d": (
        lambda nn: nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1),
        [(2, 5, 3)],
    ),
    "conv_transpose2d": (
        lambda nn: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1),
        [(1, 4, 5, 2)],
    ),
    "conv_transpose2d_dilation": (
        lambda nn: nn.ConvTranspose2d(2, 3, 2, dilation=2, bias=False), [(1, 4, 4, 2)],
    ),
    "conv_transpose3d": (
        lambda nn: nn.ConvTranspose3d(2, 3, 2, stride=(2, 1, 1)), [(1, 3, 3, 2, 2)],
    ),
    "max_pool1d": (lambda nn: nn.MaxPool1d(3, stride=2, padding=1), [(2, 9, 3)]),
    "max_pool1d_even": (lambda nn: nn.MaxPool1d(2), [(2, 7, 3)]),
    "max_pool2d": (lambda nn: nn.MaxPool2d(2), [(2, 6, 7, 3)]),
    "max_pool2d_overlap": (lambda nn: nn.MaxPool2d((3, 2), (2, 1), (1, 0)), [(2, 6, 7, 3)]),
    "max_pool3d": (lambda nn: nn.MaxPool3d(2, stride=1), [(1, 3, 4, 3, 2)]),
    "avg_pool1d": (lambda nn: nn.AvgPool1d(3, padding=1), [(2, 8, 2)]),
    "avg_pool2d": (lambda nn: nn.AvgPool2d((2, 3), stride=2, padding=1), [(2, 5, 6, 2)]),
    "avg_pool3d": (lambda nn: nn.AvgPool3d((2, 1, 2)), [(1, 4, 3, 5, 2)]),
    "layer_norm": (lambda nn: nn.LayerNorm(6), [(2, 3, 6)]),
    "layer_norm_no_bias": (lambda nn: nn.LayerNorm(6, eps=1e-3, bias=False), [(2, 3, 6)]),
    "layer_norm_plain": (lambda nn: nn.LayerNorm(6, affine=False), [(2, 3, 6)]),
    "rms_norm": (lambda nn: nn.RMSNorm(6, eps=1e-4), [(2, 3, 6)]),
    "group_norm": (lambda nn: nn.GroupNorm(2, 6), [(2, 4, 5, 6)]),
    "group_norm_pytorch": (
        lambda nn: nn.GroupNorm(3, 6, pytorch_compatible=True), [(2, 4, 5, 6)],
    ),
    "group_norm_plain": (lambda nn: nn.GroupNorm(3, 6, affine=False), [(2, 6)]),
    "instance_norm": (lambda nn: nn.InstanceNorm(4), [(2, 5, 3, 4)]),
    "instance_norm_affine": (lambda nn: nn.InstanceNorm(4, affine=True, eps=1e-3), [(2, 5, 4)]),
    "batch_norm": (lambda nn: nn.BatchNorm(3), [(5, 3)]),
    "batch_norm_4d": (lambda nn: nn.BatchNorm(3, momentum=0.3), [(2, 3, 4, 3)]),
    "batch_norm_eval": (lambda nn: nn.BatchNorm(3).eval(), [(2, 4, 3)]),
    "batch_norm_plain": (
        lambda nn: nn.BatchNorm(3, affine=False, track_running_stats=False), [(5, 3)],
    ),
    "rope": (lambda nn: nn.RoPE(8), [(2, 3, 5, 8)]),
    "rope_offset": (
        lambda nn: nn.RoPE(6, traditional=True, base=100.0, scale=0.5), [(2, 5, 8)],
        lambda nn, mx: {"offset": 3},
    ),
    "sinusoidal": (lambda nn: nn.SinusoidalPositionalEncoding(8), [(2, 5)]),
    "sinusoidal_turns": (
        lambda nn: nn.SinusoidalPositionalEncoding(
            6, min_freq=0.01, max_freq=2, scale=1, cos_first=True, full_turns=True
        ),
        [(4,)],
    ),
    "alibi": (lambda nn: nn.ALiBi(), [(1, 6, 4, 5)]),
    "alibi_offset": (
        lambda nn: nn.ALiBi(), [(2, 4, 3, 5)],
        lambda nn, mx: {"offset": 2, "mask": mx.array(wave((3, 5), 9))},
    ),
    "rnn": (lambda nn: nn.RNN(3, 4), [(2, 5, 3)]),
    "rnn_hidden": (
        lambda nn: nn.RNN(3, 4, bias=False, nonlinearity=nn.sigmoid), [(5, 3), (4,)],
    ),
    "gru": (lambda nn: nn.GRU(3, 4), [(2, 5, 3)]),
    "gru_hidden": (lambda nn: nn.GRU(3, 4), [(2, 5, 3), (2, 4)]),
    "gru_no_bias": (lambda nn: nn.GRU(3, 4, bias=False), [(5, 3)]),
    "lstm": (lambda nn: nn.LSTM(3, 4), [(2, 5, 3)]),
    "lstm_hidden": (lambda nn: nn.LSTM(3, 4, bias=False), [(5, 3), (4,), (4,)]),
    "attention": (lambda nn: nn.MultiHeadAttention(8, 2), [(2, 4, 8), (2, 5, 8), (2, 5, 8)]),
    "attention_dims": (
        lambda nn: nn.MultiHeadAttention(
            8, 2, query_input_dims=3, key_input_dims=5, value_input_dims=6, value_dims=4,
            value_output_dims=7, bias=True,
        ),
        [(2, 4, 3), (2, 4, 5), (2, 4, 6)],
        lambda nn, mx: {"mask": causal(nn, mx, 4)},
    ),
    "encoder_layer": (
        lambda nn: nn.TransformerEncoderLayer(8, 2), [(2, 4, 8)],
        lambda nn, mx: {"mask": causal(nn, mx, 4)},
    ),
    "encoder_layer_last": (
        lambda nn: nn.TransformerEncoderLayer(8, 2, mlp_dims=6, norm_first=False), [(2, 4, 8)],
        lambda nn, mx: {"mask": None},
    ),
    "decoder_layer": (
        lambda nn: nn.TransformerDecoderLayer(8, 2, activation=nn.gelu), [(2, 4, 8), (2, 5, 8)],
        lambda nn, mx: {"x_mask": causal(nn, mx, 4), "memory_mask": None},
    ),
    "decoder_layer_last": (
        lambda nn: nn.TransformerDecoderLayer(8, 2, norm_first=False), [(2, 4, 8), (2, 5, 8)],
        lambda nn, mx: {"x_mask": None, "memory_mask": None},
    ),
    "encoder": (
        lambda nn: nn.TransformerEncoder(2, 8, 2, checkpoint=True), [(2, 4, 8)],
        lambda nn, mx: {"mask": None},
    ),
    "decoder": (
        lambda nn: nn.TransformerDecoder(1, 8, 2), [(2, 4, 8), (2, 5, 8)],
        lambda nn, mx: {"x_mask": None, "memory_mask": None},
    ),
    "transformer": (
        lambda nn: nn.Transformer(8, 2, 1, 1, mlp_dims=12), [(2, 5, 8), (2, 4, 8)],
        lambda nn, mx: {
            "src_mask": None, "tgt_mask": causal(nn, mx, 4), "memory_mask": None},
    ),
    "sequential": (
        lambda nn: nn.Sequential(nn.Linear(3, 4), nn.relu, nn.Linear(4, 2), nn.Tanh()), [(5, 3)],
    ),
    "upsample_nearest": (lambda nn: nn.Upsample(2), [(1, 3, 4, 2)]),
    "upsample_nearest_part": (lambda nn: nn.Upsample((1.5, 2.6)), [(1, 4, 5, 2)]),
    "upsample_nearest_down": (lambda nn: nn.Upsample(0.5), [(1, 7, 6, 2)]),
    "upsample_linear": (lambda nn: nn.Upsample(2, "linear"), [(1, 3, 4, 2)]),
    "upsample_linear_1d": (lambda nn: nn.Upsample(2.5, "linear"), [(2, 5, 2)]),
    "upsample_linear_3d": (lambda nn: nn.Upsample((2, 1, 3), "linear"), [(1, 2, 3, 2, 1)]),
    "upsample_linear_corners": (
        lambda nn: nn.Upsample((2, 1.7), "linear", align_corners=True), [(1, 3, 5, 2)],
    ),
    "upsample_linear_down": (lambda nn: nn.Upsample(0.6, "linear"), [(1, 7, 6, 2)]),
    "upsample_cubic": (lambda nn: nn.Upsample(2, "cubic"), [(1, 4, 5, 2)]),
    "upsample_cubic_corners": (
        lambda nn: nn.Upsample(1.6, "cubic", align_corners=True), [(1, 5, 4, 2)],
    ),
    "upsample_linear_antialias": (
        lambda nn: nn.Upsample(0.5, "linear", antialias=True), [(1, 8, 6, 2)],
    ),
    "upsample_cubic_antialias": (
        lambda nn: nn.Upsample((0.5, 0.25), "cubic", antialias=True), [(1, 8, 12, 2)],
    ),
    "upsample_cubic_antialias_up": (
        lambda nn: nn.Upsample(2, "cubic", antialias=True), [(1, 4, 3, 2)],
    ),
    "all_to_sharded": (lambda nn: nn.AllToShardedLinear(4, 6), [(2, 4)]),
    "sharded_to_all": (lambda nn: nn.ShardedToAllLinear(4, 6), [(2, 4)]),
    "fully_sharded": (lambda nn: nn.FullyShardedModule(nn.Linear(4, 6)), [(2, 4)]),
    "prelu": (lambda nn: nn.PReLU(4), [(2, 4)]),
    "glu": (lambda nn: nn.GLU(axis=0), [(4, 3)]),
    "gelu_precise": (lambda nn: nn.GELU("precise"), [(3, 4)]),
    "gelu_tanh": (lambda nn: nn.GELU("tanh"), [(3, 4)]),
    "gelu_fast": (lambda nn: nn.GELU("fast"), [(3, 4)]),
}

ACTIVATION_LAYERS = [
    "CELU", "ELU", "GELU", "GLU", "HardShrink", "HardTanh", "Hardswish", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "ReLU", "ReLU2", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Step", "Tanh",
]  # fmt: skip

ACTIVATIONS = {
    "celu": {"alpha": 0.7}, "elu": {"alpha": 1.3}, "gelu": {}, "gelu_approx": {},
    "gelu_fast_approx": {}, "glu": {"axis": 0}, "hard_shrink": {"lambd": 0.3},
    "hard_tanh": {"min_val": -0.5, "max_val": 2.0}, "hardswish": {},
    "leaky_relu": {"negative_slope": 0.2}, "log_sigmoid": {}, "log_softmax": {"axis": 0},
    "mish": {}, "relu": {}, "relu2": {}, "relu6": {}, "selu": {}, "sigmoid": {}, "silu": {},
    "softmax": {"axis": 0}, "softmin": {"axis": 0}, "softplus": {}, "softshrink": {"lambd": 0.4},
    "softsign": {}, "step": {"threshold": 0.2}, "tanh": {},
}  # fmt: skip

# name: (loss, what its inputs are, arguments)
LOSSES = {
    "cross_entropy": ("cross_entropy", ["real", "class"], {}),
    "cross_entropy_axis": ("cross_entropy", ["real", "class0"], {"axis": 0}),
    "cross_entropy_probabilities": ("cross_entropy", ["real", "share"], {}),
    "cross_entropy_smooth": (
        "cross_entropy", ["real", "class"], {"label_smoothing": 0.2, "reduction": "mean"}),
    "cross_entropy_smooth_probabilities": (
        "cross_entropy", ["real", "share"], {"label_smoothing": 0.3, "reduction": "sum"}),
    "cross_entropy_weights": (
        "cross_entropy", ["real", "class", "weights"], {"reduction": "mean"}),
    "binary_cross_entropy": ("binary_cross_entropy", ["real", "part"], {}),
    "binary_cross_entropy_weights": (
        "binary_cross_entropy", ["real", "part", "part"], {"reduction": "none"}),
    "binary_cross_entropy_p": (
        "binary_cross_entropy", ["part", "part"], {"with_logits": False, "reduction": "sum"}),
    "binary_cross_entropy_sure": (
        "binary_cross_entropy", ["bit", "bit2"], {"with_logits": False, "reduction": "none"}),
    "l1_loss": ("l1_loss", ["real", "real2"], {}),
    "mse_loss": ("mse_loss", ["real", "real2"], {"reduction": "none"}),
    "mse_loss_mean": ("mse_loss", ["real", "real2"], {}),
    "nll_loss": ("nll_loss", ["real", "class"], {}),
    "gaussian_nll_loss": ("gaussian_nll_loss", ["real", "real2", "part"], {}),
    "gaussian_nll_loss_full": (
        "gaussian_nll_loss", ["real", "real2", "real3"], {"full": True, "reduction": "none"}),
    "kl_div_loss": ("kl_div_loss", ["real", "real2"], {}),
    "kl_div_loss_axis": ("kl_div_loss", ["real", "real2"], {"axis": 0, "reduction": "mean"}),
    "smooth_l1_loss": ("smooth_l1_loss", ["real", "real2"], {"beta": 0.5}),
    "huber_loss": ("huber_loss", ["real", "real2"], {"delta": 0.6}),
    "log_cosh_loss": ("log_cosh_loss", ["real", "real2"], {}),
    "hinge_loss": ("hinge_loss", ["real", "sign"], {"reduction": "sum"}),
    "margin_ranking_loss": (
        "margin_ranking_loss", ["real", "real2", "sign"], {"margin": 0.3}),
    "cosine_similarity_loss": ("cosine_similarity_loss", ["real", "real2"], {}),
    "cosine_similarity_loss_axis": (
        "cosine_similarity_loss", ["real", "real2"], {"axis": 0, "reduction": "mean"}),
    "triplet_loss": ("triplet_loss", ["real", "real2", "real3"], {}),
    "triplet_loss_margin": (
        "triplet_loss", ["real", "real2", "real3"], {"axis": 0, "margin": 0.2, "eps": 1e-3}),
}


def loss_input(kind, mx):
    shape = (4, 3)
    real = {"real": 1, "real2": 2, "real3": 3}
    if kind in real:
        return mx.array(wave(shape, real[kind], 2.0))
    if kind == "part":
        return mx.array(np.abs(wave(shape, 4)) * 0.98 + 0.01)
    if kind == "share":
        part = np.abs(wave(shape, 4)) + 0.01
        return mx.array(part / part.sum(-1, keepdims=True))
    if kind in ("bit", "bit2"):
        return mx.array((wave(shape, 5 if kind == "bit" else 6) > 0).astype(np.float32))
    if kind == "sign":
        return mx.array(np.sign(wave(shape, 7)))
    if kind == "class":
        return mx.array([0, 2, 1, 1])
    if kind == "class0":
        return mx.array([3, 0, 2])
    return mx.array(np.abs(wave((4,), 8)))


OPTIMIZERS = {
    "sgd": lambda optim: optim.SGD(0.1),
    "sgd_momentum": lambda optim: optim.SGD(0.1, momentum=0.9, weight_decay=0.01),
    "sgd_dampening": lambda optim: optim.SGD(0.1, momentum=0.8, dampening=0.3),
    "sgd_nesterov": lambda optim: optim.SGD(0.05, momentum=0.9, nesterov=True),
    "sgd_schedule": lambda optim: optim.SGD(optim.cosine_decay(0.1, 15, 0.01), momentum=0.5),
    "rmsprop": lambda optim: optim.RMSprop(0.01),
    "adagrad": lambda optim: optim.Adagrad(0.1),
    "adadelta": lambda optim: optim.AdaDelta(1.0),
    "adam": lambda optim: optim.Adam(0.01),
    "adam_correction": lambda optim: optim.Adam(0.01, betas=[0.8, 0.99], bias_correction=True),
    "adamw": lambda optim: optim.AdamW(0.01, weight_decay=0.1),
    "adamw_correction": lambda optim: optim.AdamW(
        optim.linear_schedule(0.0, 0.05, 10), bias_correction=True),
    "adamax": lambda optim: optim.Adamax(0.01),
    "lion": lambda optim: optim.Lion(0.005),
    "lion_decay": lambda optim: optim.Lion(0.005, weight_decay=0.1),
    "adafactor": lambda optim: optim.Adafactor(),
    "adafactor_rate": lambda optim: optim.Adafactor(
        0.01, relative_step=False, beta_1=0.9, weight_decay=0.05),
    "adafactor_warmup": lambda optim: optim.Adafactor(warmup_init=True, scale_parameter=False),
    "muon": lambda optim: optim.Muon(0.02),
    "muon_plain": lambda optim: optim.Muon(0.02, nesterov=False, weight_decay=0.0, ns_steps=3),
    "multi": lambda optim: optim.MultiOptimizer(
        [optim.Muon(0.02), optim.Adam(0.01)], [lambda path, x: x.ndim >= 2]),
}

SCHEDULES = {
    "exponential_decay": lambda optim: optim.exponential_decay(0.1, 0.9),
    "step_decay": lambda optim: optim.step_decay(0.1, 0.5, 7),
    "cosine_decay": lambda optim: optim.cosine_decay(0.1, 20),
    "cosine_decay_end": lambda optim: optim.cosine_decay(0.1, 20, 0.02),
    "linear_schedule": lambda optim: optim.linear_schedule(0.0, 0.1, 12),
    "join_schedules": lambda optim: optim.join_schedules(
        [optim.linear_schedule(0.0, 0.1, 10), optim.cosine_decay(0.1, 15),
         optim.exponential_decay(0.01, 0.5)], [10, 22]),
}

# Layers whose first parameters follow from a seed.
SEEDED = {
    "linear": lambda nn: nn.Linear(3, 2),
    "bilinear": lambda nn: nn.Bilinear(2, 3, 2),
    "conv1d": lambda nn: nn.Conv1d(2, 2, 3),
    "conv2d": lambda nn: nn.Conv2d(4, 2, 2, groups=2),
    "conv3d": lambda nn: nn.Conv3d(1, 2, 2),
    "conv_transpose1d": lambda nn: nn.ConvTranspose1d(2, 2, 2),
    "embedding": lambda nn: nn.Embedding(3, 4),
    "rnn": lambda nn: nn.RNN(2, 3),
    "gru": lambda nn: nn.GRU(2, 2),
    "lstm": lambda nn: nn.LSTM(2, 2),
    "attention": lambda nn: nn.MultiHeadAttention(4, 2, bias=True),
    "encoder": lambda nn: nn.TransformerEncoderLayer(4, 2, mlp_dims=3),
    "decoder": lambda nn: nn.TransformerDecoderLayer(4, 2, mlp_dims=3),
}

STEPS = 20


def layer_results(name, mx, nn, utils):
    """Outputs of a layer and derivatives of a sum of them, by name."""
    make, shapes, *rest = LAYERS[name]
    arguments = rest[0](nn, mx) if rest else {}
    layer = fill(make(nn), utils.tree_flatten, utils.tree_unflatten, mx)
    inputs = [mx.array(wave(shape, 10 + i)) for i, shape in enumerate(shapes)]
    results = {}

    def total(parameters, inputs):
        layer.update(parameters)
        outputs = layer(*inputs, **arguments)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for i, y in enumerate(outputs):
            results[f"output{i}"] = y
        weights = [mx.array(wave(y.shape, 20 + i)) for i, y in enumerate(outputs)]
        return sum((w * y).sum() for w, y in zip(weights, outputs))

    parameters = layer.trainable_parameters()
    _, (by_parameters, by_inputs) = mx.value_and_grad(total, argnums=(0, 1))(parameters, inputs)
    for path, x in utils.tree_flatten(by_parameters):
        results[f"by_{path}"] = x
    for i, x in enumerate(by_inputs):
        results[f"by_input{i}"] = x
    if "running_mean" in layer:
        layer.update(parameters)
        layer(*inputs)
        results["running_mean"] = layer.running_mean
        results["running_var"] = layer.running_var
    return {key: np.array(x) for key, x in results.items()}


def activation_results(mx, nn):
    x = mx.array(np.concatenate([wave((4, 3), 1, 4.0), [[0.0, -0.5, 0.5], [9.0, -9.0, 3.0]]])
                 .astype(np.float32))
    results = {name: getattr(nn, name)(x, **a) for name, a in ACTIVATIONS.items()}
    results["prelu"] = nn.prelu(x, mx.array([0.1, 0.2, 0.3]))
    for name in ACTIVATION_LAYERS:
        arguments = {"axis": 0} if name == "GLU" else {}
        results[name] = getattr(nn, name)(**arguments)(x)
    return {key: np.array(y) for key, y in results.items()}


def loss_results(mx, nn):
    results = {}
    for name, (loss, kinds, arguments) in LOSSES.items():
        inputs = [loss_input(kind, mx) for kind in kinds]
        results[name] = np.array(getattr(nn.losses, loss)(*inputs, **arguments))
    return results


def optimizer_results(name, mx, optim, utils):
    """Parameters after 20 steps along gradients that depend on them, by path."""
    shapes = {"layers": [{"weight": (4, 3), "bias": (4,)}, {"weight": (2, 4)}],
              "filters": (3, 2, 2, 2), "scale": ()}
    parameters = utils.tree_map(
        lambda shape: mx.array(wave(shape, 1 + len(shape))), shapes,
        is_leaf=lambda x: isinstance(x, tuple))
    optimizer = OPTIMIZERS[name](optim)
    for step in range(STEPS):
        gradients = utils.tree_map(
            lambda p: 0.5 * p + mx.array(wave(p.shape, 30 + step, 0.3)), parameters)
        parameters = utils.tree_merge(
            optimizer.apply_gradients(gradients, parameters), {})
        mx.eval(parameters, optimizer.state)
    return {path: np.array(x) for path, x in utils.tree_flatten(parameters)}


def schedule_results(mx, optim):
    return {
        name: np.array([float(make(optim)(mx.array(i, mx.uint64))) for i in range(30)], np.float32)
        for name, make in SCHEDULES.items()
    }
