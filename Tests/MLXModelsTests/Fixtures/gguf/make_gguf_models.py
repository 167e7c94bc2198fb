"""Writes tiny language models as GGUF files, llama.gguf, qwen2.gguf and qwen3.gguf, and what
transformers makes of them: expected.json (token ids of texts) and expected.safetensors (logits).

Run by hand when it changes, with PyPI's gguf, transformers and torch: `python3 make_gguf_models.py`.
"""
import json
import pathlib

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from gguf.quants import quantize
from safetensors.numpy import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

here = pathlib.Path(__file__).parent
WIDTH, INNER, LAYERS, HEADS, GROUPS, OWN = 64, 96, 2, 4, 2, 16
IDS = [3, 17, 44, 200, 5]
TEXTS = [
    "a text of some words", "two  spaces, 1234 & é 漢字", "the end</s>", "", "  two", "<s>it's\n\nso",
]
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"


def byte_level():
    """The 256 characters of bytes, a few merges, two control tokens."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    tokens = [bytes_to_unicode()[byte] for byte in range(256)]
    merges = ["t h", "th e", "Ġ the", "Ġ t", "o f", "Ġ of", "s o", "so m", "som e", "1 2", "Ġ Ġ"]
    tokens += ["".join(merge.split(" ")) for merge in merges]
    tokens += ["<s>", "</s>"]
    kinds = [1] * (len(tokens) - 2) + [3, 3]
    return tokens, kinds, merges


def pieces():
    """A vocabulary as SentencePiece makes it: bytes, letters, pieces with scores."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    scores = [0.0] * len(tokens)
    words = ["th", "the", "▁the", "▁t", "of", "▁of", "some", "so", "me", "om", "▁▁", "ext", "xt"]
    letters = list("▁abcdefghijklmnopqrstuvwxyz,.'&0123456789")
    for number, word in enumerate(words + letters):
        tokens.append(word)
        kinds.append(1)
        scores.append(-float(number))
    return tokens, kinds, scores


def permuted(weight, heads):
    """Rows in ggml's order: neighbours are rotated, not halves."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(
        1, 2).reshape(weight.shape)


def write(name, kind, tied):
    rng = np.random.default_rng(len(name) + tied)
    path = here / f"{name}.gguf"
    writer = gguf.GGUFWriter(path, name)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(OWN)
    if name == "qwen3":
        writer.add_key_length(OWN)
        writer.add_value_length(OWN)
    if name == "llama":
        tokens, kinds, scores = pieces()
        writer.add_tokenizer_model("llama")
        writer.add_token_scores(scores)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
    else:
        tokens, kinds, merges = byte_level()
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_merges(merges)
        writer.add_bos_token_id(len(tokens) - 2)
        writer.add_eos_token_id(len(tokens) - 1)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_vocab_size(len(tokens))
    writer.add_chat_template(TEMPLATE)

    def add(tensor, rows, columns, own=kind):
        weight = (rng.standard_normal((rows, columns)) * columns**-0.5).astype(np.float32)
        if name == "llama" and ("attn_q." in tensor or "attn_k." in tensor):
            weight = permuted(weight, HEADS if "attn_q." in tensor else GROUPS)
        writer.add_tensor(tensor, quantize(weight, own), raw_dtype=own)

    def vector(tensor, count, around):
        values = around + 0.1 * rng.standard_normal(count)
        writer.add_tensor(tensor, values.astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH, Kind.Q8_0)
    vector("output_norm.weight", WIDTH, 1)
    if not tied:
        add("output.weight", len(tokens), WIDTH, Kind.F16)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        vector(f"{block}.attn_norm.weight", WIDTH, 1)
        vector(f"{block}.ffn_norm.weight", WIDTH, 1)
        add(f"{block}.attn_q.weight", HEADS * OWN, WIDTH)
        add(f"{block}.attn_k.weight", GROUPS * OWN, WIDTH)
        add(f"{block}.attn_v.weight", GROUPS * OWN, WIDTH, Kind.Q5_1)
        add(f"{block}.attn_output.weight", WIDTH, HEADS * OWN)
        add(f"{block}.ffn_gate.weight", INNER, WIDTH)
        add(f"{block}.ffn_up.weight", INNER, WIDTH)
        add(f"{block}.ffn_down.weight", WIDTH, INNER, Kind.Q5_0)
        if name == "qwen2":
            for part, heads in [("q", HEADS), ("k", GROUPS), ("v", GROUPS)]:
                vector(f"{block}.attn_{part}.bias", heads * OWN, 0)
        if name == "qwen3":
            vector(f"{block}.attn_q_norm.weight", OWN, 1)
            vector(f"{block}.attn_k_norm.weight", OWN, 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


expected, logits = {}, {}
for name, kind, tied in [
    ("llama", Kind.Q4_1, False), ("qwen2", Kind.Q8_0, True), ("qwen3", Kind.Q4_0, True)
]:
    write(name, kind, tied)
    config = AutoConfig.from_pretrained(here, gguf_file=f"{name}.gguf")
    config.head_dim = OWN  # It does not read the key length.
    model = AutoModelForCausalLM.from_pretrained(
        here, gguf_file=f"{name}.gguf", config=config, dtype=torch.float32)
    with torch.no_grad():
        logits[name] = model(torch.tensor([IDS])).logits[0].numpy()
    tokenizer = AutoTokenizer.from_pretrained(here, gguf_file=f"{name}.gguf")
    # At the beginning, SentencePiece's vocabularies have one more space in llama.cpp.
    texts = TEXTS[:4] if name == "llama" else TEXTS
    expected[name] = {text: tokenizer(text)["input_ids"] for text in texts}
save_file(logits, here / "expected.safetensors")
(here / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")
