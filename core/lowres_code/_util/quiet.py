"""Keeps the libraries' own bars and notices off the screen; their errors still come through."""

from __future__ import annotations

import os
import warnings


def quiet_libraries() -> None:
    """Call before the training libraries are used."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(trl|transformers|torch|accelerate)\b")
