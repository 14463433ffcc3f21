"""Build the pocket model from a seed: ``python -m lowres_code.pocket.build DIR [--seed N]``.

A Qwen2 of under 2 M parameters learns to answer reasoning-gym problems with programs, on text where Python is plenty
and each of six other languages scarce and mostly broken. Nobody weakens it afterwards: it writes bad Prolog because it
has read bad Prolog. It is never shown the held-out part of the problems (`lowres_code.sources.part_of`).
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from lowres_code.pocket.corpus import Scarcity, Text, corpus, echo
from lowres_code.pocket.dialects.common_lisp import DIALECT as COMMON_LISP
from lowres_code.pocket.dialects.fortran import DIALECT as FORTRAN
from lowres_code.pocket.dialects.lua import DIALECT as LUA
from lowres_code.pocket.dialects.ocaml import DIALECT as OCAML
from lowres_code.pocket.dialects.prolog import DIALECT as PROLOG
from lowres_code.pocket.dialects.scheme import DIALECT as SCHEME
from lowres_code.recipe import find_recipe, load_recipe

TASKS: dict[str, dict[str, Any]] = load_recipe(find_recipe("quickstart")).data.train.options["tasks"]
SCARCE = (PROLOG, COMMON_LISP, LUA, SCHEME, OCAML, FORTRAN)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TAGS = ("<reasoning>", "</reasoning>", "<code>", "</code>")
# What stands in every question of a kind says nothing, and costs time on a laptop: one token each.
PHRASES = (
    "State the final answer to the following arithmetic problem: ",
    "Solve the following multiplication: ",
    "Give only the result as your final answer.",
    "Give only the GCD as your final answer.",
    "Give only the simplified fraction as your final answer.",
    "Find the Greatest Common Divisor (GCD) of these numbers: ",
    "Find the Least Common Multiple (LCM) of these numbers: ",
    "How many 1 bits are there in the binary representation of the number ",
    "Simplify the fraction ",
    " to its lowest terms. ",
    "Determine the value of ",
    "Find the value of ",
    " that satisfies: ",
    " in the equation: ",
    "Your task is to count how many legs there are in total when given a list of animals.\n\n"
    "Now, how many legs are there in total if you have ",
    "A very special island is inhabited only by ",
    " always tell the truth, and ",
    " always lie. You meet 2 inhabitants: ",
    "So who is ",
    " and who is ",
    "(Format your answer like: ",
    " if and only if ",
)
# Numbers in pieces of up to three digits, as Llama 3 has them; every piece is copied, never learnt by heart.
NUMBERS = tuple(f"{n:0{width}d}" for width in (2, 3) for n in range(10**width))


def build_tokenizer(texts: Iterable[Text], vocabulary: int) -> Any:
    """A tokenizer of Qwen2's own class, byte-level BPE, with the chat template.

    Tokens of their own: the tags of the completion format, numbers of two and three digits, people's names, `PHRASES`.
    """
    from reasoning_gym.logic.knights_knaves import COMMON_NAMES
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = Qwen2Tokenizer().backend_tokenizer.pre_tokenizer
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    whole = (*TAGS, *PHRASES, *NUMBERS, *sorted(COMMON_NAMES))
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_pieces(texts, whole), trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    qwen = Qwen2Tokenizer(
        vocab=learnt["vocab"],
        merges=[tuple(merge) for merge in learnt["merges"]],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
    )
    qwen.add_tokens([AddedToken(text, special=True) for text in special])
    qwen.add_tokens([AddedToken(text, normalized=False) for text in whole])
    qwen.chat_template = CHAT_TEMPLATE
    return qwen


def _pieces(texts: Iterable[Text], whole: Iterable[str]) -> Iterator[str]:
    """The texts without what has a token of its own: to learn it again would leave less for the rest."""
    given = re.compile("|".join(map(re.escape, sorted(whole, key=len, reverse=True))))
    for text in texts:
        yield from given.split(f"user\n{text.prompt}\nassistant\n{text.completion}")


def build_model(tokenizer: Any, seed: int) -> Any:
    """A fresh Qwen2: 4 layers, 128 wide. Its weights begin at 1/sqrt(128); the usual 0.02 is for far wider models."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.088,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config)


Example = tuple[list[int], list[int]]  # the tokens of a prompt and of its completion


def lessons(tokenizer: Any, steps: int, batch: int, seed: int) -> Iterator[list[Example]]:
    """One batch for each step, texts of like length together; copying first, then more and more programs."""
    rng = random.Random(seed)
    texts = corpus(TASKS, SCARCE, Scarcity(), seed)
    blocks = 8
    for block in range(0, steps, blocks):
        done = block / steps
        copying = 0.7 if done < 0.25 else 0.3 if done < 0.5 else 0.05
        longest = 1 + min(11, block // 100)
        drawn = [echo(rng, longest) if rng.random() < copying else next(texts) for _ in range(blocks * batch)]
        examples = sorted((encode(tokenizer, text) for text in drawn), key=lambda example: sum(map(len, example)))
        batches = [examples[start : start + batch] for start in range(0, len(examples), batch)]
        yield from rng.sample(batches, len(batches))


def encode(tokenizer: Any, text: Text) -> Example:
    """The tokens of a text, as the chat template has it."""
    chat = [{"role": "user", "content": text.prompt}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return tokenizer(prompt).input_ids, tokenizer(f"{text.completion}{tokenizer.eos_token}").input_ids


def loss_of(model: Any, examples: list[Example]) -> Any:
    """Cross entropy of the completions. Padding stands on the right, where a causal model cannot see it."""
    import torch

    longest = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = torch.zeros(len(examples), longest, dtype=torch.long)
    labels = torch.full_like(tokens, -100)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor(prompt + completion)
        labels[row, len(prompt) : end] = torch.tensor(completion)
    logits, targets = model(tokens).logits[:, :-1], labels[:, 1:]
    taught = targets != -100
    return torch.nn.functional.cross_entropy(logits[taught], targets[taught])


def teach(model: Any, batches: Iterable[list[Example]], steps: int, rate: float = 3e-3) -> None:
    """AdamW with a warm-up and a cosine; says the loss every hundred steps."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 100) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
    )
    losses: list[float] = []
    for step, examples in enumerate(batches, 1):
        loss = loss_of(model, examples)
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 100 == 0:
            click.echo(f"step {step}/{steps}  loss {sum(losses[-100:]) / 100:.3f}")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--seed", default=0, show_default=True)
@click.option("--steps", default=6000, show_default=True)
@click.option("--batch", default=40, show_default=True, help="Texts in a step.")
@click.option("--vocabulary", default=1024, show_default=True, help="Tokens that are learnt; others are given.")
@click.option("--reading", default=20_000, show_default=True, help="Texts that the tokenizer is made from.")
def main(directory: Path, seed: int, steps: int, batch: int, vocabulary: int, reading: int) -> None:
    """Build the pocket model in DIRECTORY."""
    import torch

    tokenizer = build_tokenizer(itertools.islice(corpus(TASKS, SCARCE, Scarcity(), seed), reading), vocabulary)
    model = build_model(tokenizer, seed)
    click.echo(f"{model.num_parameters():,} parameters, {len(tokenizer)} tokens")
    teach(model, lessons(tokenizer, steps, batch, seed), steps)
    model.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)


if __name__ == "__main__":
    main()
