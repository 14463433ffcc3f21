"""Completions as tokens: drawn from the right distribution, whatever is written beside them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from lowres_code.generation.decode import Decoder, sample
from lowres_code.generation.live import Draft
from lowres_code.generation.onednn import WideProducts
from transformers import AutoModelForCausalLM, MistralConfig, Qwen2Config

VOCABULARY = 50


def model(config: type = Qwen2Config, **options: int) -> Any:
    """A random one, with few words and so few ties."""
    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    return AutoModelForCausalLM.from_config(
        config(vocab_size=VOCABULARY, num_key_value_heads=2, max_position_embeddings=256, **sizes, **options)
    ).eval()


def watched(one: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """What the model is asked from now on."""
    asked: list[dict[str, torch.Tensor]] = []
    original = one.forward

    def forward(**options: Any) -> Any:
        asked.append(options)
        return original(**options)

    monkeypatch.setattr(one, "forward", forward)
    return asked


def drafts(prompts: list[list[int]], samples: int) -> list[Draft[tuple[int, int]]]:
    return [
        Draft(prompt, 100 * place + number, (place, number))
        for place, prompt in enumerate(prompts)
        for number in range(samples)
    ]


PROMPTS = [list(range(1, 30)), list(range(5, 22)), [7, 8, 9], [11]]
ALIKE = [list(range(9, 39)) + prompt for prompt in PROMPTS]  # all begin with 30 tokens that are the same


@pytest.mark.parametrize("rows", [1, 3, 4, 7, 100])
@pytest.mark.parametrize("prompts", [PROMPTS, ALIKE], ids=["different", "alike"])
def test_samples_are_the_same_however_many_are_written_side_by_side(rows: int, prompts: list[list[int]]) -> None:
    """Rows of other lengths leave and join meanwhile; alone there is neither padding nor company."""
    made = {d.key: d.tokens for d in Decoder(model(), [3, 4], 40, rows).write(drafts(prompts, 3))}
    alone = {d.key: d.tokens for draft in drafts(prompts, 3) for d in Decoder(model(), [3, 4], 40, 1).write([draft])}
    assert made == alone
    assert len({len(tokens) for tokens in made.values()}) > 5
    assert all((tokens[-1] in (3, 4)) or len(tokens) == 40 for tokens in made.values())
    assert not any(token in (3, 4) for tokens in made.values() for token in tokens[:-1])


@pytest.mark.parametrize(("config", "options"), [(Qwen2Config, {}), (MistralConfig, {"sliding_window": 8})])
@pytest.mark.parametrize("prompts", [PROMPTS, ALIKE], ids=["different", "alike"])
def test_greedy_tokens_are_those_of_transformers(
    config: type, options: dict[str, int], prompts: list[list[int]]
) -> None:
    """Also where layers look back a few tokens only, whose cache would be cut by default."""
    one = model(config, **options)
    for draft in Decoder(one, [3], 30, 5, temperature=0).write(drafts(prompts, 2)):
        ids = torch.tensor([draft.prompt])
        whole = one.generate(ids, do_sample=False, max_new_tokens=30, eos_token_id=3, pad_token_id=0)
        assert draft.tokens == whole[0, ids.shape[1] :].tolist()


def test_each_token_is_drawn_as_often_as_its_share_says() -> None:
    """50,000 evenly spread numbers instead of random ones: the counts are exact up to one."""
    logits = torch.tensor([[2.0, 0.0, 1.0, -30.0]])
    shares = [0.6652409557748219, 0.09003057317038046, 0.24472847105479767, 0.0]
    numbers = [(n + 0.5) / 50_000 for n in range(50_000)]
    counts = Counter(sample(logits.expand(len(numbers), -1), numbers).tolist())
    for token, share in enumerate(shares):
        assert abs(counts[token] - share * 50_000) <= 1, token


def test_nucleus_sampling_keeps_the_fewest_tokens_that_have_the_share() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.5, 0.15, 0.25]]))
    numbers = [(n + 0.5) / 3_000 for n in range(3_000)]
    counts = Counter(sample(logits.expand(len(numbers), -1), numbers, top_p=0.7).tolist())
    assert counts == {1: 2_000, 3: 1_000}  # .5 and .25 have the share of .7; of these two thirds and one
    assert Counter(sample(logits.expand(2, -1), [0.0, 0.999999], top_p=0.01).tolist()) == {1: 2}


def test_of_the_likeliest_tokens_alone_each_keeps_its_share() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.5, 0.15, 0.25]]))
    numbers = [(n + 0.5) / 3_000 for n in range(3_000)]
    rows = logits.expand(len(numbers), -1)
    assert Counter(sample(rows, numbers, top_k=2).tolist()) == {1: 2_000, 3: 1_000}
    assert Counter(sample(rows, numbers, top_k=1).tolist()) == {1: 3_000}
    assert Counter(sample(rows, numbers, top_k=3, top_p=0.8).tolist()) == {1: 2_000, 3: 1_000}  # .5 and .25 of .9


def test_a_prompt_is_read_once_for_all_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    read = watched(one, monkeypatch)
    list(Decoder(one, [], 2, 16).write(drafts(PROMPTS, 4)))
    assert [tuple(options["input_ids"].shape) for options in read] == [(4, 29), (16, 1)]


def test_what_all_prompts_begin_with_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = model()
    read = watched(one, monkeypatch)
    list(Decoder(one, [], 2, 8).write(drafts(ALIKE, 4)))
    assert [tuple(options["input_ids"].shape) for options in read] == [(1, 30), (2, 29), (8, 1), (2, 3), (8, 1)]


def test_what_is_alike_but_not_all_of_a_prompt_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt may be the beginning of another: something is left of it to be read, for its first token."""
    one = model()
    read = watched(one, monkeypatch)
    list(Decoder(one, [], 1, 8).write(drafts([ALIKE[0], ALIKE[0][:20]], 1)))
    assert [tuple(options["input_ids"].shape) for options in read] == [(1, 19), (2, 40)]


def test_ended_rows_make_room_and_padding_of_those_that_left_goes_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time: the cache is never longer than the one completion in it."""
    one = model()
    read = watched(one, monkeypatch)
    list(Decoder(one, [], 20, 2).write(drafts(PROMPTS, 1)))
    widths = [options["attention_mask"].shape[1] for options in read]
    assert max(widths) == 29 + 20 - 1 and widths[-1] == 3 + 20 - 1


def test_what_is_asked_again_becomes_the_same() -> None:
    one, first = model(), drafts(PROMPTS[:1], 2)
    texts = [list(d.tokens) for d in Decoder(one, [3], 30, 4).write(first)]
    assert [d.tokens for d in Decoder(one, [3], 30, 4).write(first)] == texts


def test_wide_products_by_onednn_are_those_of_torch_and_leave_no_trace() -> None:
    one = model()
    wide = [layer for layer in one.modules() if isinstance(layer, torch.nn.Linear) and layer.weight.shape == (48, 32)]
    ids = torch.randint(0, VOCABULARY, (3, 7))
    with torch.inference_mode():
        expected = one(input_ids=ids).logits
        products = WideProducts(one, least=1)
        with products:
            assert all("forward" in layer.__dict__ for layer in (*wide, one.lm_head))
            assert torch.allclose(one(input_ids=ids).logits, expected, atol=1e-5)
            one.lm_head.weight.mul_(2)  # the copy does not know
            assert torch.allclose(one(input_ids=ids).logits, expected, atol=1e-5)
        assert torch.allclose(one(input_ids=ids).logits, 2 * expected, atol=1e-5)
    assert len(wide) == 4 and not any("forward" in layer.__dict__ for layer in one.modules())
