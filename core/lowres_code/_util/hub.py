"""The hub of models and data sets, where there is no network."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
import urllib.request
from functools import cache
from urllib.parse import urlsplit

log = logging.getLogger("lowres_code")
_TRIES, _PAUSE_S = 3, 0.5


@cache
def look_for_hub() -> None:
    """Call before the hub is asked: where nobody knows its name, only what it has given before is used, at once.

    By itself its client tries again and again, for minutes, before it takes what is here. Where the way leads through
    a proxy, nothing is looked for.
    """
    from huggingface_hub import constants

    if constants.is_offline_mode() or urllib.request.getproxies():
        return
    if reason := _unknown(urlsplit(constants.ENDPOINT).hostname or ""):
        log.warning("%s cannot be reached (%s): only what it has given before is used", constants.ENDPOINT, reason)
        os.environ["HF_HUB_OFFLINE"] = "1"  # for what is imported later, and for processes that are started
        constants.HF_HUB_OFFLINE = True
        if "datasets" in sys.modules:
            sys.modules["datasets"].config.HF_HUB_OFFLINE = True


def _unknown(host: str) -> str:
    """Why the address of a host cannot be had; nothing if it can."""
    reason = ""
    for number in range(_TRIES):
        time.sleep(_PAUSE_S if number else 0.0)
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            return ""
    return reason
