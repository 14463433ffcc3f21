"""A model behind an OpenAI-compatible endpoint, which answers each question with the program that is meant for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Mapping[str, str] = {}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = str(asked["messages"][-1]["content"])
        (text,) = [answer for part, answer in self.answers.items() if part in question]
        said = {"role": "assistant", "content": text}
        if asked.get("stream"):
            chunks = [_reply("delta", said, None), _reply("delta", {}, "stop")]
            lines = [json.dumps(chunk) for chunk in chunks]
            self._send("text/event-stream", "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]))
        else:
            self._send("application/json", json.dumps(_reply("message", said, "stop")))

    def _send(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _reply(key: str, said: dict[str, str], finish: str | None) -> dict[str, Any]:
    kind = "chat.completion.chunk" if key == "delta" else "chat.completion"
    choice = {"index": 0, key: said, "finish_reason": finish}
    usage = {} if key == "delta" else {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    return {"id": "x", "object": kind, "created": 0, "model": "m", "choices": [choice], **usage}


@contextmanager
def endpoint(answers: Mapping[str, str]) -> Iterator[str]:
    """Its URL; ``answers`` has what is said to a question in which the key stands."""
    handler = type("Handler", (_Handler,), {"answers": answers})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()
