"""Writes a tiny Llama as AutoGPTQ and AutoAWQ lay checkpoints out, in gptq, gptq-order (inputs in another
order) and awq, and expected.safetensors: the logits of the decoded weights by transformers.

Run by hand when it changes, with torch, transformers and safetensors: `python3 make_packed_models.py`.
"""
import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import LlamaConfig, LlamaForCausalLM

here = pathlib.Path(__file__).parent
IDS = [3, 17, 44, 60, 5]
GROUP, BITS = 32, 4
CONFIG = dict(
    hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=16, vocab_size=64, max_position_embeddings=128,
    tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)


def words(codes):
    """Eight codes along the last axis in one word, low bits first."""
    parts = codes.reshape(*codes.shape[:-1], -1, 8).astype(np.uint32)
    return (parts << (4 * np.arange(8, dtype=np.uint32))).sum(-1, dtype=np.uint32).view(np.int32)


def write(name, method):
    rng = np.random.default_rng(len(name))
    model = LlamaForCausalLM(LlamaConfig(**CONFIG)).float()
    tensors, decoded = {}, {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        if "proj" not in key:
            around = 1 if "norm" in key else 0
            value = (around + 0.2 * rng.standard_normal(tuple(tensor.shape))).astype(np.float32)
            tensors[key] = decoded[key] = value
            continue
        outputs, inputs = tensor.shape
        path = key.removesuffix(".weight")
        codes = rng.integers(0, 16, (inputs, outputs))
        zeros = rng.integers(1, 16, (inputs // GROUP, outputs))
        scales = (rng.uniform(0.5, 1.5, zeros.shape) * 0.3 * inputs**-0.5).astype(np.float16)
        groups = np.arange(inputs) // GROUP
        if name == "gptq-order":
            groups = rng.permutation(groups)
        decoded[key] = (scales[groups].astype(np.float32) * (codes - zeros[groups])).T.copy()
        if method == "awq":
            order = [0, 2, 4, 6, 1, 3, 5, 7]  # Code j of a word is column order[j] of eight.

            def mixed(values):
                return values.reshape(len(values), -1, 8)[:, :, order].reshape(values.shape)

            tensors[f"{path}.qweight"] = words(mixed(codes))
            tensors[f"{path}.qzeros"] = words(mixed(zeros))
        else:
            tensors[f"{path}.qweight"] = words(codes.T).T.copy()
            tensors[f"{path}.qzeros"] = words(zeros - 1)
            tensors[f"{path}.g_idx"] = groups.astype(np.int32)
        tensors[f"{path}.scales"] = scales
    model.load_state_dict(
        {key: torch.from_numpy(value) for key, value in decoded.items()}, strict=False)
    model.tie_weights()
    quantization = {"quant_method": method, "bits": BITS, "group_size": GROUP}
    quantization |= {"version": "gemm", "zero_point": True} if method == "awq" else {
        "desc_act": name == "gptq-order", "sym": False}
    folder = here / name
    folder.mkdir(exist_ok=True)
    config = CONFIG | {
        "model_type": "llama", "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
        "quantization_config": quantization}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    save_file(tensors, folder / "model.safetensors")
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0].numpy()


save_file(
    {name: write(name, name.split("-")[0]) for name in ["gptq", "gptq-order", "awq"]},
    here / "expected.safetensors")
