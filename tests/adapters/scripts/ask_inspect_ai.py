"""The task in an evaluation of inspect_ai's: prints each sample's value and the metrics."""

import json
import sys

import failing  # noqa: F401 - on the program that answers 666
from inspect_ai import eval as evaluate
from inspect_ai.model import ModelOutput, ModelUsage, get_model

problems, *texts = sys.argv[1:]


def said(text: str) -> ModelOutput:
    """What the model says; with its usage, since inspect_ai would fetch a tokenizer to count."""
    output = ModelOutput.from_content("mockllm/model", text)
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


model = get_model("mockllm/model", custom_outputs=[said(text) for text in texts])
arguments = {"language": "lua", "problems": problems}
(log,) = evaluate("lowres_code/programs", model, task_args=arguments, max_samples=1, display="none", log_dir="logs")
assert log.status == "success" and log.results and log.samples, log.error
(scores,) = log.results.scores
samples = [sample.scores["right_program"] for sample in log.samples if sample.scores]
found = {"values": [str(score.value) for score in samples], "told": [score.explanation for score in samples]}
print(json.dumps({**found, "unscored": scores.unscored_samples, "accuracy": scores.metrics["accuracy"].value}))
