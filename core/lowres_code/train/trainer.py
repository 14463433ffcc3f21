"""TRL's ``GRPOTrainer``, with cheaper completions, and with what each step costs among its metrics.

What is replaced here are methods of TRL that begin with an underscore. `tests/core/train/test_trainer.py` holds each of
them to what TRL's own gives, so that a TRL that has changed them is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation

from lowres_code.generation.base import seed_of
from lowres_code.generation.local import end_tokens
from lowres_code.train.conversations import ChatTokens, Repair
from lowres_code.train.costs import Costs, OptimizerCost
from lowres_code.train.rollouts import can_sample, sample
from lowres_code.train.shared_prompts import can_share_prompts, log_probs

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from trl import GRPOConfig


class Trainer(GRPOTrainer):  # type: ignore[misc]
    """See `trl.GRPOTrainer`; a step's metrics have ``cost/...``: seconds and tokens by part.

    With a ``repair`` the model tries again where its program failed. That is TRL's way of own rollouts
    (``rollout_func``): it gets the tokens of all turns, and a mask of those that are not the model's.
    """

    def __init__(self, model: PreTrainedModel, args: GRPOConfig, repair: Repair | None = None, **named: Any) -> None:
        if not (args.gradient_checkpointing_kwargs or {}).get("use_reentrant"):
            model.enable_input_require_grads = _nothing
        super().__init__(model=model, args=args, **named)
        self.costs = Costs()
        self._repair, self._rows, self._turn = repair, list[int](), 1
        if repair is not None:
            self._chat = ChatTokens(self._chat_tokens, self._answer_text, self._end_tokens(), self._room())
            self.rollout_func = self._conversations
        self.add_callback(OptimizerCost(self.costs))

    def training_step(self, *positional: Any, **named: Any) -> Any:
        """TRL's, timed; what is not timed by itself below is the forward and the backward pass."""
        with self.costs.timed("forward_backward"):
            return super().training_step(*positional, **named)

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        with self.costs.timed("preparation"):
            return super()._prepare_inputs(generation_batch)

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        """TRL's; its rollouts are not told of which problems they are."""
        self._rows = [row["problem"] for row in inputs] if self._repair else []
        return super()._generate_and_score_completions(inputs)

    def _conversations(self, prompts: list[Any], _trainer: Any) -> dict[str, Any]:
        """A rollout of TRL's with several turns; ``conversation`` goes to the reward functions."""
        assert self._repair is not None
        ids = self._tokenize_prompts(prompts)[0]
        with self.costs.timed("judge"):  # what is written in between counts as that
            made = self._repair.converse(ids, self._rows, self._write, self._chat)
        return {
            "prompt_ids": [it.prompt for it in made],
            "completion_ids": [it.tokens for it in made],
            "logprobs": [it.log_probs for it in made] if self.use_vllm else None,
            "env_mask": [it.own for it in made],
            "conversation": made,
        }

    def _write(self, chats: list[list[int]], turn: int) -> Any:
        """The answers to some chats, in a turn."""
        self._turn = turn
        with self.costs.timed("decode"):
            return self._generate_single_turn(chats, None, {}, self.num_generations if turn == 1 else 1)

    def _chat_tokens(self, messages: list[Any]) -> list[int]:
        ids: list[int] = self.processing_class.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            chat_template=self.chat_template,
            return_dict=False,
            **self.chat_template_kwargs,
        )
        return ids

    def _answer_text(self, tokens: list[int]) -> str:
        return str(self.processing_class.decode(tokens, skip_special_tokens=True))

    def _end_tokens(self) -> list[int]:
        return end_tokens(self.accelerator.unwrap_model(self.model), self.processing_class)

    def _room(self) -> float:
        """Tokens that may stand before a completion."""
        config = self.accelerator.unwrap_model(self.model).config.get_text_config()
        limits = [getattr(config, "max_position_embeddings", None)]
        limits += [getattr(self.args, "vllm_max_model_length", None)] if self.use_vllm else []
        most: float = min((limit for limit in limits if limit), default=math.inf)
        return most - float(self.max_completion_length)

    def _calculate_rewards(self, *positional: Any, **named: Any) -> Any:
        with self.costs.timed("judge"):
            return super()._calculate_rewards(*positional, **named)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's; a step's record has its costs."""
        if "loss" in logs:
            logs.update(self.costs.take())
        super().log(logs, start_time)

    def _generate_single_turn(self, prompt_ids: list[list[int]], *others: Any, **named: Any) -> Any:
        """Token ids of the completions, and no log-probabilities: nothing needs them that is not vLLM's."""
        if not self._shares_prompts():
            with self.costs.timed("decode"):
                return super()._generate_single_turn(prompt_ids, *others, **named)
        place = (self.state.global_step, self._step, self.accelerator.process_index)
        seed = seed_of(self.args.seed, *place, *([f"turn {self._turn}"] if self._turn > 1 else []))
        config = self.generation_config
        with unwrap_model_for_generation(
            self.model_wrapped,
            self.accelerator,
            generation_kwargs=self.generation_kwargs,
            gradient_checkpointing_kwargs=self.args.gradient_checkpointing_kwargs,
        ) as model:
            return sample(model, prompt_ids, config, seed, self.costs), None

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *others: Any, **named: Any
    ) -> Any:
        """TRL's; without a gradient it is a pass that a step with one update can do without."""
        part = "forward_backward" if torch.is_grad_enabled() else "other_passes"
        with self.costs.timed(part):
            if not self._reads_prompts_once(named):
                self.costs.add(f"{part}_tokens", input_ids.numel())
                return super()._get_per_token_logps_and_entropies(
                    model, input_ids, attention_mask, logits_to_keep, *others, **named
                )
            size = named.get("batch_size") or len(input_ids)
            with self.accelerator.autocast():
                chunks = zip(input_ids.split(size), attention_mask.split(size), strict=True)
                parts = [log_probs(model, ids, mask, logits_to_keep) for ids, mask in chunks]
            self.costs.add(f"{part}_tokens", sum(tokens for _, _, tokens in parts))
            entropies = torch.cat([one for _, one, _ in parts]) if named.get("compute_entropy") else None
            return torch.cat([one for one, _, _ in parts]), entropies, None

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """TRL's, and what it keeps in memory alone: the completions of a generation batch that is not used up.

        They are written first: what makes a checkpoint whole is its ``trainer_state.json``, which comes last.
        """
        folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)
        used_up = self._step % (self.args.steps_per_generation * self.num_iterations) == 0
        rest = {"step": self._step, "completions": None if used_up else self._buffered_inputs}
        torch.save(rest, folder / self._generation_file())
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        file = Path(checkpoint or "") / self._generation_file()
        if checkpoint and file.is_file():  # a checkpoint of an older version has none
            rest = torch.load(file, map_location=self.accelerator.device, weights_only=True)
            self._step, self._buffered_inputs = rest["step"], rest["completions"]

    def _generation_file(self) -> str:
        return f"generation-{self.accelerator.process_index}.pt"

    def _shares_prompts(self) -> bool:
        """Whether this process has the whole model, and options that do not ask how many tokens a call has made."""
        own_way = self.use_vllm or self.use_transformers_continuous_batching
        sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled
        special = self.args.cache_implementation or self.args.generation_kwargs
        return not (own_way or sharded or special) and can_sample(self.generation_config)

    def _reads_prompts_once(self, named: Mapping[str, Any]) -> bool:
        """Whether the forward pass may share prompts: not where layers are computed again, split, or compiled."""
        args, more = self.args, {name for name, value in named.items() if value is not None and value is not False}
        elsewhere = self.is_fsdp_enabled or self.is_deepspeed_enabled or self.accelerator.num_processes > 1
        special = args.gradient_checkpointing or args.torch_compile or args.use_liger_kernel
        return not (elsewhere or special or more - {"batch_size", "compute_entropy"}) and self._can_share_prompts

    @cached_property
    def _can_share_prompts(self) -> bool:
        return can_share_prompts(self.accelerator.unwrap_model(self.model))


def _nothing() -> None:
    """Do not ask for the gradient of the embeddings: the backward pass ends at the lowest layer that learns.

    transformers and peft ask for it wherever activations are computed again. Only reentrant checkpoints need it.
    """
