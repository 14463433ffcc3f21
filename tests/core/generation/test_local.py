"""A model in this process: what it writes is what transformers writes alone, however it is batched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lowres_code.errors import UsageError
from lowres_code.generation.base import Request, Sample, Sampling, seed_of
from lowres_code.generation.decode import EVERY
from lowres_code.generation.local import LocalGenerator
from lowres_code.generation.models import load_model, load_tokenizer
from lowres_code.recipe.schema import ModelTable

QUESTIONS = [
    "What is 3 + 4?",
    "Calculate 12 * 30 - 7.",
    "Find the Greatest Common Divisor of these numbers: 84, 36",
    "1?",
]


def requests(numbers: tuple[int, ...] = (0, 1, 2)) -> list[Request]:
    return [
        Request(key, ({"role": "user", "content": f"Prolog: {question}"},), numbers)
        for key, question in enumerate(QUESTIONS)
    ]


@pytest.fixture(scope="module")
def pocket() -> LocalGenerator:
    table = ModelTable(name="pocket", dtype="float32")
    return LocalGenerator(load_model(table), load_tokenizer(table), "pocket")


_ALONE: dict[int, tuple[str, int]] = {}


def alone(generator: LocalGenerator, key: int) -> tuple[str, int]:
    """The greedy completion of one prompt by transformers' own ``generate``, and its tokens: under a hundred."""
    if key not in _ALONE:
        _ALONE[key] = greedy(generator, requests()[key], 100)
        assert _ALONE[key][1] < 100
    return _ALONE[key]


def greedy(generator: LocalGenerator, request: Request, most: int) -> tuple[str, int]:
    model, tokenizer = generator._model, generator._tokenizer
    text = tokenizer.apply_chat_template(list(request.messages), add_generation_prompt=True, tokenize=False)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        output = model.generate(
            **inputs, do_sample=False, max_new_tokens=most, pad_token_id=tokenizer.pad_token_id, repetition_penalty=1.0
        )
    new = output[0, inputs["input_ids"].shape[1] :]
    return tokenizer.decode(new, skip_special_tokens=True), len(new)


@pytest.mark.parametrize("batch_size", [1, 5, 32])
def test_greedy_completions_are_those_of_transformers_alone(pocket: LocalGenerator, batch_size: int) -> None:
    generator = LocalGenerator(pocket._model, pocket._tokenizer, "pocket", batch_size)
    made = list(generator.generate(requests(), Sampling(temperature=0.0, max_new_tokens=100)))
    assert sorted((s.key, s.number) for s in made) == [(key, n) for key in range(len(QUESTIONS)) for n in range(3)]
    for sample in made:
        assert isinstance(sample, Sample)
        assert (sample.text, sample.tokens) == alone(pocket, sample.key)
        assert sample.stop == "stop"


def test_a_completion_that_is_cut_says_so_and_has_just_so_many_tokens(pocket: LocalGenerator) -> None:
    for most in (1, 33):
        made = list(pocket.generate(requests((0,)), Sampling(temperature=0.0, max_new_tokens=most)))
        for sample in made:
            assert isinstance(sample, Sample)
            assert sample.tokens == min(most, alone(pocket, sample.key)[1])
            assert (sample.stop == "length") == (alone(pocket, sample.key)[1] > most)


def test_how_far_a_batch_is_can_be_heard(pocket: LocalGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pocket, "tell", told.append)
    longest = max(alone(pocket, key)[1] for key in range(4))
    list(pocket.generate(requests((0,)), Sampling(temperature=0, max_new_tokens=40)))
    assert told[0] == "4 being written, up to 1 tokens so far, 0 waiting"
    assert len(told) == 1 + -(-(longest - 1) // EVERY)


def test_the_seed_decides_and_samples_differ(pocket: LocalGenerator) -> None:
    def drawn(seed: int) -> list[tuple[int, int, str]]:
        made = pocket.generate(requests(), Sampling(temperature=1.0, max_new_tokens=64, seed=seed))
        return sorted((s.key, s.number, s.text) for s in made if isinstance(s, Sample))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len({text for _, _, text in drawn(1)}) > 6


def test_what_is_asked_for_later_is_not_drawn_again(pocket: LocalGenerator) -> None:
    """A caller that goes on with samples 2 and 3 does not get 0 and 1 once more."""
    sampling = Sampling(temperature=1.5, max_new_tokens=48)
    first = [s.text for s in pocket.generate(requests((0, 1)), sampling) if isinstance(s, Sample)]
    later = [s.text for s in pocket.generate(requests((2, 3)), sampling) if isinstance(s, Sample)]
    assert not set(first) & set(later)
    assert len({seed_of(0, key, number) for key in range(100) for number in range(100)}) == 10_000


def test_other_random_numbers_and_the_models_mode_are_left_alone(pocket: LocalGenerator) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    pocket._model.train()
    assert list(pocket.generate(requests((0,)), Sampling(max_new_tokens=4)))
    assert torch.equal(torch.rand(3), expected)
    assert pocket._model.training
    pocket._model.eval()


def test_the_batch_is_halved_when_memory_runs_out_and_nothing_is_lost(
    pocket: LocalGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, sizes = LocalGenerator(pocket._model, pocket._tokenizer, "pocket", 12), []
    original = pocket._model.forward

    def forward(**options: Any) -> Any:
        rows, columns = options["input_ids"].shape
        sizes.append(rows)
        if columns == 1 and rows > 3:  # the prompts can be read, and it fails as they are answered
            raise torch.OutOfMemoryError("out of memory")
        return original(**options)

    monkeypatch.setattr(pocket._model, "forward", forward)
    made = list(generator.generate(requests(), Sampling(temperature=1.0, max_new_tokens=100)))
    assert sizes[:5] == [4, 12, 2, 6, 1]
    monkeypatch.undo()
    undisturbed = list(pocket.generate(requests(), Sampling(temperature=1.0, max_new_tokens=100)))
    assert {s.text for s in made if isinstance(s, Sample)} == {s.text for s in undisturbed if isinstance(s, Sample)}
    assert sorted((s.key, s.number) for s in made) == [(key, n) for key in range(len(QUESTIONS)) for n in range(3)]
    with pytest.raises(RuntimeError, match="other"):
        generator._halve(RuntimeError("some other thing"))
    generator._batch_size = 1
    with pytest.raises(UsageError, match="does not fit into memory"):
        generator._halve(torch.OutOfMemoryError("out of memory"))


def test_the_longest_prompts_come_first(pocket: LocalGenerator) -> None:
    generator = LocalGenerator(pocket._model, pocket._tokenizer, "pocket", 1)
    made = [s.key for s in generator.generate(requests((0,)), Sampling(temperature=0.0, max_new_tokens=2))]
    lengths = [len(generator._tokens(request)) for request in requests()]
    assert [lengths[key] for key in made] == sorted(lengths, reverse=True)


def test_a_prompt_that_does_not_fit_is_told_before_anything_is_made(pocket: LocalGenerator) -> None:
    context = pocket._model.config.max_position_embeddings
    with pytest.raises(UsageError, match=f"do not fit into the {context} tokens.*--set eval.max_new_tokens="):
        next(iter(pocket.generate(requests(), Sampling(max_new_tokens=context))))


def test_a_model_without_prefill_to_share_still_writes(tiny_model: Path) -> None:
    """A random model that ends nothing: all are cut, at once or in segments."""
    table = ModelTable(name=str(tiny_model))
    generator = LocalGenerator(load_model(table), load_tokenizer(table), "tiny")
    made = list(generator.generate(requests((0, 4)), Sampling(temperature=2.0, max_new_tokens=70)))
    assert len(made) == 8
    assert all(isinstance(s, Sample) and s.tokens is not None and s.tokens <= 70 for s in made)
