"""`nn.Module`: what is in it, files, freezing, training, gradients; initialisers and errors."""

import copy
import math
import pathlib
import pickle

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.nn.layers.distributed import shard_inplace, shard_linear, sum_gradients
from mlx.utils import tree_flatten


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = mx.zeros(2)
        self.l = nn.Linear(2, 3)
        self.ls = [nn.Linear(2, 2), nn.ReLU(), [nn.Linear(1, 1)]]
        self.d = {"x": nn.Linear(1, 2), "y": mx.ones(1)}
        self._p = mx.ones(3)
        self.n = 3


PARAMETERS = ["a", "l.weight", "l.bias", "ls.0.weight", "ls.0.bias", "ls.2.0.weight",
              "ls.2.0.bias", "d.x.weight", "d.x.bias", "d.y"]


def names(tree):
    return [name for name, _ in tree_flatten(tree)]


def test_contents():
    m = Model()
    assert names(m.parameters()) == PARAMETERS
    assert m.state is m and list(m) == ["a", "l", "ls", "d", "_p"]
    assert m.children() == {"l": m.l, "ls": m.ls, "d": {"x": m.d["x"], "y": {}}}
    assert names(m.leaf_modules()) == names(m.parameters())[1:] or m.leaf_modules()["l"] is m.l
    assert [name for name, _ in m.named_modules()] == ["", "d.x", "ls.2.0", "ls.1", "ls.0", "l"]
    assert [type(x).__name__ for x in m.modules()] == [
        "Model", "Linear", "Linear", "ReLU", "Linear", "Linear"]
    paths = []
    assert m.apply_to_modules(lambda path, module: paths.append(path)) is m
    assert paths == [name for name, _ in m.named_modules()]
    assert repr(m).splitlines()[3] == "  (ls.1): ReLU()"
    assert nn.Module.is_module(m) and not nn.Module.is_module({})


def test_a_name_is_state_or_attribute():
    m = nn.Module()
    m.x = 5
    assert "x" not in m and m.x == 5
    m.x = mx.ones(1)
    assert "x" in m and "x" not in m.__dict__
    m.x = None
    assert "x" not in m and m.x is None
    m.y = mx.ones(1)
    del m.y
    with pytest.raises(AttributeError, match="has no attribute 'y'"):
        m.y
    with pytest.raises(AttributeError):
        del m.y


def test_freeze_and_unfreeze():
    m = Model()
    assert m.freeze() is m
    assert names(m.trainable_parameters()) == []
    m.unfreeze(keys="bias")
    assert names(m.trainable_parameters()) == [n for n in PARAMETERS if n.endswith("bias")]
    m.unfreeze()
    m.freeze(recurse=False)
    assert names(m.trainable_parameters()) == [n for n in PARAMETERS if n not in ("a", "d.y")]
    m.unfreeze().freeze(keys=["weight"])
    assert "l.weight" not in names(m.trainable_parameters())
    m.freeze(keys="none")
    with pytest.raises(KeyError, match="doesn't contain member none_at_all"):
        m.freeze(keys="none_at_all", strict=True)
    with pytest.raises(KeyError):
        m.unfreeze(keys=["a", "zz"], strict=True)


def test_running_statistics_stay_frozen():
    m = nn.Sequential(nn.BatchNorm(3), nn.Linear(3, 1)).freeze().unfreeze()
    assert names(m.trainable_parameters()) == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    m.layers[0].unfreeze(keys=["running_mean"])
    assert "running_mean" not in m.layers[0].trainable_parameters()


def test_update():
    m = Model()
    assert m.update({"a": mx.ones(7), "ls": [{"weight": mx.ones((2, 2))}]}) is m
    assert m.a.shape == (7,) and m.ls[0].weight.tolist() == [[1, 1], [1, 1]]
    m.update({"q": mx.ones(1)}, strict=False)
    for wrong in (
        {"q": mx.ones(1)}, {"a": 3}, {"a": "x"}, {"l": mx.ones(1)}, {"l": [mx.ones(1)]},
        {"l": {"zz": mx.ones(1)}}, {"ls": [{}, {}, [], {"weight": mx.ones(1)}]},
        {"ls": {"weight": mx.ones(1)}}, {"a": {"x": mx.ones(1)}}, {"n": mx.ones(1)}, mx.ones(1),
    ):
        with pytest.raises(ValueError):
            m.update(wrong)
    assert m.apply(lambda x: x + 1).a.tolist() == [2] * 7
    assert m._p.tolist() == [1, 1, 1]
    m.set_dtype(mx.float16)
    assert m.l.weight.dtype == mx.float16


def test_update_modules():
    m = Model()
    new = nn.Identity()
    assert m.update_modules({"l": new, "ls": [new, {}, [new]], "d": {"x": new}}).l is new
    assert m.ls[0] is new and isinstance(m.ls[1], nn.ReLU) and m.ls[2][0] is new
    assert m.d["x"] is new
    m.update_modules({"zz": new}, strict=False)
    for wrong in ({"zz": new}, {"l": 3}, {"n": new}, {"ls": [{"q": new}]}):
        with pytest.raises(ValueError):
            m.update_modules(wrong)


def test_training_mode():
    m = Model()
    assert m.training and m.ls[1].training
    assert m.eval() is m and not m.training and not m.ls[2][0].training
    assert m.train().d["x"].training


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_weights_in_files(tmp_path, ending):
    file = tmp_path / f"weights.{ending}"
    m = Model()
    m.save_weights(str(file))
    other = Model()
    assert other.load_weights(file) is other
    for (name, x), (_, y) in zip(tree_flatten(m.parameters()), tree_flatten(other.parameters())):
        np.testing.assert_array_equal(np.array(x), np.array(y), err_msg=name)


def test_weights_that_do_not_fit():
    m = nn.Linear(2, 3)
    whole = [("weight", mx.ones((3, 2))), ("bias", mx.ones(3))]
    for weights, says in (
        (whole[:1], "Missing 1 parameters: \nbias."),
        (whole + [("x", mx.ones(1))], "Received 1 parameters not in model: \nx."),
        ([("weight", mx.ones((2, 2))), whole[1]], "Expected shape"),
        ([("weight", 3), whole[1]], "Expected mx.array but received"),
    ):
        with pytest.raises(ValueError, match=says):
            m.load_weights(weights)
    m.load_weights([whole[0], ("q.r", mx.ones(1))], strict=False)
    assert m.weight.tolist() == [[1, 1]] * 3
    with pytest.raises(ValueError, match="Unsupported file extension"):
        m.save_weights("weights.foo")


def test_pickle_and_copies():
    m = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5)).freeze(keys="bias").eval()
    for other in (pickle.loads(pickle.dumps(m)), copy.deepcopy(m)):
        assert repr(other) == repr(m) and not other.training
        assert names(other.trainable_parameters()) == ["layers.0.weight"]
        x = mx.ones((1, 2))
        assert other(x).tolist() == m(x).tolist()


def test_value_and_grad():
    m = nn.Sequential(nn.Linear(2, 3), nn.tanh, nn.Linear(3, 1))
    m.layers[0].freeze(keys="bias")
    before = tree_flatten(m.parameters())
    step = nn.value_and_grad(m, lambda x, scale=1.0: (m(x).sum() * scale, "more"))
    (loss, more), gradients = step(mx.ones((4, 2)), scale=2.0)
    assert more == "more" and loss.shape == ()
    assert names(gradients) == ["layers.0.weight", "layers.2.weight", "layers.2.bias"]
    assert gradients["layers"][2]["bias"].tolist() == [8.0]
    for (_, x), (_, y) in zip(before, tree_flatten(m.parameters())):
        assert x is y


def test_a_function_that_raises_leaves_the_model_as_it_was():
    m = nn.Linear(2, 1)
    weight = m.weight

    def raising(x):
        m(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        nn.value_and_grad(m, raising)(mx.ones((1, 2)))
    assert m.weight is weight
    assert m(mx.ones((1, 2))).shape == (1, 1)


def test_running_statistics_follow_inside_a_gradient():
    m = nn.BatchNorm(2)
    nn.value_and_grad(m, lambda x: m(x).sum())(mx.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]))
    np.testing.assert_allclose(np.array(m.running_mean), [0.3, 0.5], rtol=1e-6)
    np.testing.assert_allclose(np.array(m.running_var), [1.3, 2.2], rtol=1e-6)


def test_checkpoint_has_the_same_gradients():
    m = nn.Sequential(nn.Linear(3, 4), nn.gelu, nn.Linear(4, 1))
    x = mx.array(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3))
    recomputed = nn.utils.checkpoint(m)
    _, plain = nn.value_and_grad(m, lambda x: m(x).sum())(x)
    _, again = nn.value_and_grad(m, lambda x: recomputed(x).sum())(x)
    for (_, a), (_, b) in zip(tree_flatten(plain), tree_flatten(again)):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-5, atol=1e-6)


def test_embedding():
    m = nn.Embedding(5, 4)
    assert m(mx.array([[0, 4]])).shape == (1, 2, 4) and m(3).shape == (4,)
    np.testing.assert_allclose(
        np.array(m.as_linear(m(mx.array([1])))),
        np.array(m.weight[1:2] @ m.weight.T), rtol=1e-5)
    _, by = nn.value_and_grad(m, lambda i: m(i).sum())(mx.array([1, 1, 3]))
    assert by["weight"].sum(axis=1).tolist() == [0, 8, 0, 4, 0]


@pytest.mark.parametrize("mode, group, bits", [
    ("affine", 64, 4), ("affine", 32, 8), ("mxfp4", 32, 4), ("mxfp8", 32, 8), ("nvfp4", 16, 4)])
def test_quantized_layers(mode, group, bits):
    linear = nn.Linear(64, 6)
    quantized = linear.to_quantized(group, bits, mode)
    assert quantized.group_size == group and quantized.bits == bits
    assert names(quantized.trainable_parameters()) == []
    x = mx.array(np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64))
    decoded = mx.dequantize(quantized.weight, quantized.scales, quantized.get("biases"), group,
                            bits, mode=mode)
    want = x @ decoded.T.astype(mx.float32) + linear.bias
    np.testing.assert_allclose(np.array(quantized(x)), np.array(want), rtol=1e-3, atol=1e-3)
    table = nn.Embedding(7, 64)
    q = table.to_quantized(group, bits, mode)
    assert q(mx.array([1, 2])).shape == (2, 64)
    np.testing.assert_allclose(
        np.array(q(mx.array([2])).astype(mx.float32)), np.array(table.weight[2:3]), atol=0.12)
    assert q.as_linear(x).shape == (2, 7)


def test_quantize_a_model():
    m = nn.Sequential(nn.Linear(64, 64), nn.Embedding(3, 64), nn.ReLU(), nn.Linear(64, 2))
    nn.quantize(m, class_predicate=lambda path, x: {"bits": 8} if path == "layers.0" else
                isinstance(x, nn.Embedding))
    assert [type(x).__name__ for x in m.layers] == [
        "QuantizedLinear", "QuantizedEmbedding", "ReLU", "Linear"]
    assert m.layers[0].bits == 8 and m.layers[1].bits == 4
    nn.quantize(m)
    assert isinstance(m.layers[3], nn.QuantizedLinear)
    for predicate in (lambda p, x: True, lambda p, x: 3):
        with pytest.raises(ValueError):
            nn.quantize(nn.Sequential(nn.ReLU()), class_predicate=predicate)
    with pytest.raises(ValueError, match="no quantization mode"):
        nn.QuantizedLinear(64, 4, mode="other")


def test_layer_with_quantized_input():
    m = nn.QQLinear(64, 32)
    before = m.weight
    m.eval()
    assert m.weight.dtype == mx.uint32 and "scales" in m
    m.train()
    assert m.weight.shape == before.shape and "scales" not in m
    np.testing.assert_allclose(
        np.array(m.weight.astype(mx.float32)), np.array(before), atol=0.04)
    with pytest.raises(ValueError, match="Quantized activations"):
        nn.Linear(64, 8, bias=False).to_quantized(quantize_input=True)
    with pytest.raises(NotImplementedError):
        nn.Linear(64, 32).to_quantized(mode="nvfp4", quantize_input=True)
    assert isinstance(
        nn.Linear(64, 32, bias=False).to_quantized(mode="nvfp4", quantize_input=True), nn.QQLinear)


def test_dropout():
    mx.random.seed(3)
    x = mx.ones((400, 50))
    y = np.array(nn.Dropout(0.2)(x))
    assert set(np.unique(y)) == {0.0, 1.25} and abs((y == 0).mean() - 0.2) < 0.02
    y = np.array(nn.Dropout2d(0.5)(mx.ones((8, 3, 4, 16))))
    assert (y == y[:, :1, :1]).all() and 0.2 < (y == 0).mean() < 0.8
    y = np.array(nn.Dropout3d(0.5)(mx.ones((2, 2, 2, 40))))
    assert (y == y[:1, :1, :1]).all()
    assert nn.Dropout(0)(x) is x and nn.Dropout(0.5).eval()(x) is x
    for layer, shape in ((nn.Dropout2d, (2, 3)), (nn.Dropout3d, (2, 3))):
        with pytest.raises(ValueError, match="dimensions"):
            layer(0.5)(mx.ones(shape))
        with pytest.raises(ValueError, match="not in"):
            layer(1.0)


def test_sharding_in_a_group_of_one():
    linear = nn.Linear(64, 6)
    x = mx.array(np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64))
    for kind in ("all-to-sharded", "sharded-to-all"):
        for layer in (linear, linear.to_quantized()):
            same = shard_linear(layer, kind, segments=2)
            np.testing.assert_allclose(np.array(same(x)), np.array(layer(x)), rtol=1e-5)
        shard_inplace(linear, kind)
    assert linear.weight.shape == (6, 64)
    for wrong in (shard_linear, shard_inplace):
        with pytest.raises(ValueError, match="not supported"):
            wrong(linear, "other")
    assert nn.fully_shard(linear) is linear
    assert nn.average_gradients({"a": x})["a"] is x
    assert sum_gradients(mx.distributed.init())(x) is x
    quantized = nn.QuantizedAllToShardedLinear(64, 8).unfreeze()
    assert names(quantized.trainable_parameters()) == []


def test_modules_without_arrays_are_taken_for_what_they_are():
    assert isinstance(nn.Transformer(8, 2, custom_encoder=nn.Identity()).encoder, nn.Identity)
    layer = nn.RNN(2, 3, nonlinearity=nn.ReLU())
    assert isinstance(layer.nonlinearity, nn.ReLU)


def test_cross_entropy_of_targets_that_do_not_sum_to_one():
    x, t = np.array([[1.0, 2.0, 0.0]]), np.array([[0.5, 0.2, 0.9]])
    log_p = x - np.log(np.exp(x).sum())
    for smoothing in (0.0, 0.3):
        want = -(((1 - smoothing) * t + smoothing / 3) * log_p).sum(-1)
        got = nn.losses.cross_entropy(
            mx.array(x), mx.array(t), label_smoothing=smoothing)
        np.testing.assert_allclose(np.array(got), want, rtol=1e-5)


def test_triplet_loss_takes_the_root_of_its_norm():
    a, p, n = (mx.array([[v, 2 * v, -v]]) for v in (1.0, 1.5, 4.0))
    want = (10 * 0.125) ** (1 / 3) - (10 * 27) ** (1 / 3) + 9
    got = nn.losses.triplet_loss(a, p, n, p=3, margin=9.0, eps=0.0)
    assert got.item() == pytest.approx(want, rel=1e-5)


def statistics(initializer, shape=(300, 200), **arguments):
    mx.random.seed(11)
    x = np.array(initializer(mx.zeros(shape), **arguments))
    assert x.shape == shape
    return x


def test_initializers():
    init = nn.init
    assert (statistics(init.constant(0.5)) == 0.5).all()
    x = statistics(init.normal(2.0, 0.5))
    assert abs(x.mean() - 2) < 0.02 and abs(x.std() - 0.5) < 0.01
    x = statistics(init.uniform(-1, 3))
    assert x.min() >= -1 and x.max() < 3 and abs(x.mean() - 1) < 0.03
    assert (statistics(init.identity(), (5, 5)) == np.eye(5)).all()
    assert abs(statistics(init.glorot_normal()).std() - math.sqrt(2 / 500)) < 0.001
    x = statistics(init.glorot_uniform(), gain=2.0)
    assert abs(np.abs(x).max() - 2 * math.sqrt(6 / 500)) < 0.001
    assert abs(statistics(init.he_normal()).std() - 1 / math.sqrt(200)) < 0.001
    x = statistics(init.he_uniform(), mode="fan_out")
    assert abs(np.abs(x).max() - math.sqrt(3 / 300)) < 0.001
    x = statistics(init.he_normal(), (64, 3, 3, 16))
    assert abs(x.std() - 1 / math.sqrt(16 * 9)) < 0.002
    x = statistics(init.sparse(0.33), (40, 10))
    assert ((x == 0).sum(axis=1) == 4).all()
    for shape in ((6, 4), (4, 6)):
        x = statistics(init.orthogonal(2.0), shape)
        x = x if shape[0] < shape[1] else x.T
        np.testing.assert_allclose(x @ x.T, 4 * np.eye(4), atol=1e-4)
    assert nn.init.normal(dtype=mx.float16)(mx.zeros(3)).dtype == mx.float16


ERRORS = {
    "conv groups": lambda: nn.Conv2d(3, 4, 3, groups=2),
    "heads": lambda: nn.MultiHeadAttention(7, 2),
    "batch norm 1d": lambda: nn.BatchNorm(4)(mx.ones((2,))),
    "instance norm 2d": lambda: nn.InstanceNorm(4)(mx.ones((2, 4))),
    "group norm": lambda: nn.GroupNorm(3, 4)(mx.ones((2, 4))),
    "upsample mode": lambda: nn.Upsample(2, "other"),
    "upsample antialias": lambda: nn.Upsample(2, antialias=True),
    "upsample corners": lambda: nn.Upsample(2, "linear", align_corners=True, antialias=True),
    "upsample scales": lambda: nn.Upsample((2, 3))(mx.ones((1, 2, 2, 2, 1))),
    "upsample 2d": lambda: nn.Upsample(2)(mx.ones((2, 2))),
    "pool size": lambda: nn.MaxPool2d((1, 2, 3)),
    "pool text": lambda: nn.AvgPool2d("a"),
    "pool dimensions": lambda: nn.MaxPool1d(2)(mx.ones((2, 4))),
    "pool window": lambda: nn.MaxPool1d(9)(mx.ones((2, 4, 2))),
    "gelu": lambda: nn.GELU("other"),
    "rnn": lambda: nn.RNN(2, 3, nonlinearity=3),
    "sinusoidal": lambda: nn.SinusoidalPositionalEncoding(7),
    "embedding input": lambda: nn.Embedding(64, 64).to_quantized(quantize_input=True),
    "reduction": lambda: nn.losses.mse_loss(mx.ones(2), mx.ones(2), reduction="other"),
    "targets": lambda: nn.losses.cross_entropy(mx.ones((2, 3)), mx.ones((3,))),
    "smoothing": lambda: nn.losses.cross_entropy(
        mx.ones((2, 3)), mx.zeros((2,), mx.int32), label_smoothing=1.0),
    "weights": lambda: nn.losses.cross_entropy(
        mx.ones((2, 3)), mx.zeros((2,), mx.int32), weights=mx.ones((3,))),
    "binary": lambda: nn.losses.binary_cross_entropy(mx.ones((2, 3)), mx.zeros((2,))),
    "mse": lambda: nn.losses.mse_loss(mx.ones((2, 3)), mx.ones((2,))),
    "gaussian": lambda: nn.losses.gaussian_nll_loss(mx.ones(2), mx.ones(2), mx.ones(3)),
    "ranking": lambda: nn.losses.margin_ranking_loss(mx.ones(2), mx.ones(2), mx.ones(3)),
    "beta": lambda: nn.losses.smooth_l1_loss(mx.ones(2), mx.ones(2), beta=-1.0),
    "glorot": lambda: nn.init.glorot_normal()(mx.zeros(3)),
    "he mode": lambda: nn.init.he_normal()(mx.zeros((3, 3)), mode="other"),
    "identity": lambda: nn.init.identity()(mx.zeros((2, 3))),
    "orthogonal": lambda: nn.init.orthogonal()(mx.zeros(3)),
    "sparse": lambda: nn.init.sparse(0.5)(mx.zeros(3)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_is_a_value_error(name):
    with pytest.raises(ValueError):
        ERRORS[name]()


def test_integers_are_pooled_as_integers():
    x = mx.array([[3], [-7], [5], [-1]])[None]
    y = nn.MaxPool1d(2, padding=1)(x)
    assert y.dtype == mx.int32 and y.flatten().tolist() == [3, 5, -1]
    y = nn.MaxPool1d(2, padding=1)(x.astype(mx.int8) - 8)
    assert y.dtype == mx.int8 and y.flatten().tolist() == [-5, -3, -9]


def test_every_public_class_and_function_says_what_it_is():
    missing = [
        name
        for module in (nn, nn.losses, nn.init, nn.utils)
        for name in dir(module)
        if not name.startswith("_") and callable(getattr(module, name))
        and getattr(getattr(module, name), "__module__", "").startswith("mlx.nn")
        and not vars(getattr(module, name)).get("__doc__")
        and not getattr(module, name).__doc__
    ]
    assert missing == []


def test_names_of_mlx_are_there():
    names = (pathlib.Path(__file__).parent / "data" / "nn_names.txt").read_text().split()
    missing = [
        name for name in names
        if not hasattr({"nn": nn, "losses": nn.losses, "init": nn.init}[name.split(".")[0]],
                       name.split(".")[1])
    ]
    assert missing == [] and len(names) > 110
