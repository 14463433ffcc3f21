"""Where models come from: a GGUF file that is made here, a folder, and what is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.generation.base import Request, Sample, Sampling
from lowres_code.generation.models import load_model, load_tokenizer, shown_name, weights_fingerprint
from lowres_code.generation.open import open_endpoint, open_generator
from lowres_code.recipe.schema import ModelTable

# llama.cpp's names of a Qwen2's tensors.
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def write_gguf(folder: Path, file: Path) -> None:
    """The model in a folder as llama.cpp's converter would write it, in 8 bits where that is possible."""
    import gguf

    model, tokenizer = load_model(ModelTable(name=str(folder))), load_tokenizer(ModelTable(name=str(folder)))
    config: Any = model.config
    writer = gguf.GGUFWriter(str(file), "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    tree = json.loads((folder / "tokenizer.json").read_text())
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    special = {entry["content"] for entry in tree["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tree["model"]["merges"]]
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue  # the same as the embedding
        data, kind = tensor.float().numpy(), None
        if data.ndim == 2 and data.shape[1] % 32 == 0:
            data, kind = gguf.quantize(data, gguf.GGMLQuantizationType.Q8_0), gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(gguf_name(name), np.ascontiguousarray(data), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, rest = name.split(".", 3)
    part, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{LAYER[part]}.{kind}"


@pytest.fixture(scope="module")
def gguf_file(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gguf") / "tiny-Q8_0.gguf"
    write_gguf(tiny_model, file)
    return file


def test_a_gguf_file_is_the_model_that_it_was_made_of(gguf_file: Path, tiny_model: Path) -> None:
    """Dequantized from 8 bits: near, and not the same."""
    table = ModelTable(name=str(gguf_file))
    model, original = load_model(table), load_model(ModelTable(name=str(tiny_model)))
    tokenizer, own = load_tokenizer(table), load_tokenizer(ModelTable(name=str(tiny_model)))
    text = "Prolog: What is 3 + 4?"
    assert tokenizer(text)["input_ids"] == own(text)["input_ids"]
    assert tokenizer.chat_template == own.chat_template
    ids = torch.tensor([own(text)["input_ids"]])
    with torch.inference_mode():
        difference = (model(input_ids=ids).logits - original(input_ids=ids).logits).abs().max().item()
        scale = original(input_ids=ids).logits.abs().max().item()
    assert 0 < difference < 0.05 * scale
    assert model.dtype == torch.float32


def test_a_gguf_file_writes_and_is_named_as_what_it_is(gguf_file: Path) -> None:
    with open_generator(ModelTable(name=str(gguf_file))) as generator:
        assert generator.name == "tiny-Q8_0.gguf (GGUF, dequantized)"
        request = Request(0, ({"role": "user", "content": "hello"},), (0, 1))
        made = list(generator.generate([request], Sampling(max_new_tokens=5)))
    assert len(made) == 2
    assert all(isinstance(sample, Sample) for sample in made)


def test_eval_takes_a_gguf_file(gguf_file: Path, tmp_path: Path, invoke: Callable[..., Result]) -> None:
    small = ["--set", "data.eval.size=2", "--set", "eval.max_new_tokens=4", "--samples", "1"]
    done = invoke("eval", gguf_file, "--lang", "prolog", "--out", tmp_path / "e", "--json", *small)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["asked"]["model"] == "tiny-Q8_0.gguf (GGUF, dequantized)"
    assert told["all"]["verdicts"] == {"no_code": 2}


def test_what_is_no_model_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").write_bytes(b"")
    for name, said in (
        ("/no/such/model.gguf", "there is no file '/no/such/model.gguf'"),
        (str(tmp_path / "empty.gguf"), "cannot be loaded"),
        ("/no/such/folder", "there is no such folder"),
    ):
        with pytest.raises(UsageError, match=said):
            open_generator(ModelTable(name=name))


def test_what_is_not_here_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # whatever machine this is
    with pytest.raises(UsageError, match=r"there is no GPU here: --set model\.device=cpu"):
        load_model(ModelTable(name="pocket", device="cuda"))
    with pytest.raises(UsageError, match=r'pip install "lowres-code\[vllm\]"'):
        open_generator(ModelTable(name="pocket", engine="vllm"))
    with pytest.raises(UsageError, match="--model is missing"):
        open_endpoint("http://127.0.0.1:1/v1", None)


def test_the_fingerprint_of_weights_tells_one_model_from_another(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    table = ModelTable(name=str(tmp_path))
    before = weights_fingerprint(table)
    assert before == weights_fingerprint(table)
    (tmp_path / "model.safetensors").write_bytes(b"others!")
    assert before != weights_fingerprint(table)
    assert weights_fingerprint(ModelTable(name="somebody/something")) is None
    assert shown_name(ModelTable(name="x", load_in_4bit=True)) == "x (4 bit)"


def test_tries_to_reach_the_hub_are_not_told_one_by_one() -> None:
    program = """
from lowres_code._util.quiet import quiet_libraries
quiet_libraries()
from huggingface_hub.utils import http_backoff
try:
    http_backoff("HEAD", "http://127.0.0.1:9/nomodel", max_retries=2, base_wait_time=0)
except Exception as error:
    print(type(error).__name__)
"""
    online = {**os.environ, "HF_HUB_OFFLINE": "0"}  # no further than this machine
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=online)
    assert (done.stdout, done.stderr) == ("ConnectError\n", "")
