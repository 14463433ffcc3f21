"""The function in a reward manager of verl's, as its trainer loads it: prints what each completion got."""

import asyncio
import json
import sys

import failing  # noqa: F401 - on the program that answers 666
import numpy as np
import ray
import torch
from hydra import compose, initialize_config_module
from lowres_code.errors import JudgeError
from lowres_code.generation.models import POCKET_FOLDER
from transformers import AutoTokenizer
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase
from verl.trainer.ppo.reward import load_reward_manager

manager, *texts = sys.argv[1:]
SETTINGS = [
    "reward.custom_reward_function.path=pkg://lowres_code.adapters.verl",
    "reward.custom_reward_function.name=compute_score",
    "+reward.custom_reward_function.reward_kwargs.language=lua",
    f"reward.reward_manager.name={manager}",
    "reward.num_workers=1",
]
TOKENIZER = AutoTokenizer.from_pretrained(POCKET_FOLDER)
FORMS = ["42", np.array([{"stdin": "", "stdout": "42"}], dtype=object), {"answer": "42", "tests": None}]


def sample(text: str, truth: object) -> DataProto:
    """A completion as verl keeps it."""
    ids = torch.tensor([TOKENIZER(text, add_special_tokens=False).input_ids])
    row = {"data_source": "x", "reward_model": {"ground_truth": truth}, "extra_info": {}}
    return DataProto.from_dict(
        tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
        non_tensors={key: np.array([value], dtype=object) for key, value in row.items()},
    )


async def scored(rewards: RewardManagerBase, text: str, truth: object) -> object:
    """What it got, or the error."""
    try:
        result = await rewards.run_single(sample(text, truth))
    except (JudgeError, ray.exceptions.RayTaskError) as error:
        return str(error).strip().splitlines()[-1]
    return result["reward_score"], result["reward_extra_info"]["verdict"]


async def all_scored() -> list[object]:
    """The manager's name, and what each text got with each form of the right answer."""
    rewards = load_reward_manager(config, TOKENIZER)  # which keeps the loop that runs
    return [type(rewards).__name__, *[await scored(rewards, text, truth) for text in texts for truth in FORMS]]


if manager == "remote":
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
with initialize_config_module("verl.trainer.config", version_base=None):
    config = compose("ppo_trainer", overrides=SETTINGS)
print(json.dumps(asyncio.run(all_scored())))
