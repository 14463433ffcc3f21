"""TRL's ``GRPOTrainer``, with cheaper completions, and with what each step costs among its metrics.

What is replaced here are methods of TRL that begin with an underscore. `tests/core/train/test_trainer.py` holds each of
them to what TRL's own gives, so that a TRL that has changed them is noticed.
"""

from __future__ import annotations

from typing import Any

from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation

from lowres_code.generation.base import seed_of
from lowres_code.train.costs import Costs, OptimizerCost
from lowres_code.train.rollouts import sample


class Trainer(GRPOTrainer):  # type: ignore[misc]
    """See `trl.GRPOTrainer`; a step's metrics have ``cost/...``: seconds and tokens by part."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.costs = Costs()
        self.add_callback(OptimizerCost(self.costs))

    def training_step(self, *positional: Any, **named: Any) -> Any:
        """TRL's, timed; what is not timed by itself below is the forward and the backward pass."""
        with self.costs.timed("forward_backward"):
            return super().training_step(*positional, **named)

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        with self.costs.timed("preparation"):
            return super()._prepare_inputs(generation_batch)

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
        seed = seed_of(self.args.seed, self.state.global_step, self._step, self.accelerator.process_index)
        config = self.generation_config
        with unwrap_model_for_generation(
            self.model_wrapped,
            self.accelerator,
            generation_kwargs=self.generation_kwargs,
            gradient_checkpointing_kwargs=self.args.gradient_checkpointing_kwargs,
        ) as model:
            return sample(model, self.processing_class, prompt_ids, config, seed, self.costs), None

    def _shares_prompts(self) -> bool:
        """Whether this process has the whole model, and options that do not ask how many tokens a call has made."""
        own_way = self.use_vllm or self.use_transformers_continuous_batching
        sharded = self.is_fsdp_enabled or self.is_deepspeed_enabled
        return not (own_way or sharded or self.args.cache_implementation or self.args.generation_kwargs)
