"""Keeps the libraries' own bars and notices off the screen; their errors still come through."""

from __future__ import annotations

import logging
import os
import warnings

_NOTICES = (  # loggers that warn of what nobody can do anything about
    "bitsandbytes.backends.cpu.ops",  # of a kernel that it has not, whenever it is imported
    "huggingface_hub.utils._http",  # of each try to reach the hub; that it failed is an error, and told
)


def quiet_libraries() -> None:
    """Call before the training libraries are used."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in _NOTICES:
        logging.getLogger(name).setLevel(logging.ERROR)
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(trl|transformers|torch|accelerate)\b")
