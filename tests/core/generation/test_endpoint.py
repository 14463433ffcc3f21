"""An OpenAI-compatible endpoint on this machine that behaves in every bad way, one after another."""

from __future__ import annotations

import time

import pytest
from lowres_code.errors import UsageError
from lowres_code.generation.base import Failure, Request, Sample
from lowres_code.generation.endpoint import EndpointGenerator, Patience, without_credentials

from tests.core.generation.conftest import SAMPLING, Behave, Handler, Server, ask, whole


def test_what_is_asked_and_what_comes_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-very-secret-key")
    made = ask(server)
    assert whole(made)
    sample = made[0]
    assert isinstance(sample, Sample)
    assert (sample.text, sample.tokens, sample.stop) == ("<code>42</code>", 5, "stop")
    headers, body = server.requests[0]
    assert headers["authorization"] == "Bearer a-very-secret-key"
    assert (body["model"], body["temperature"], body["top_p"], body["max_tokens"]) == ("m", 0.5, 0.9, 77)
    assert len({request["seed"] for _, request in server.requests}) == 6  # or every sample would be the same


def test_it_asks_several_at_a_time_and_no_more(server: Server) -> None:
    running, most = 0, 0

    def behave(handler: Handler, before: int) -> None:
        nonlocal running, most
        with server.lock:
            running += 1
            most = max(most, running)
        time.sleep(0.1)
        with server.lock:
            running -= 1  # before the answer: with that another may be asked for
        handler.say()

    server.behave = behave
    assert whole(ask(server, problems=10), problems=10)
    assert 2 <= most <= 4


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(server: Server, status: int) -> None:
    server.behave = lambda h, before: h.say() if before >= 2 else h.send(status, {"error": {"message": "busy"}})
    assert whole(ask(server))
    assert set(server.seen.values()) == {3}


def test_an_endpoint_that_says_when_to_come_back_is_believed(server: Server) -> None:
    times: list[float] = []

    def behave(handler: Handler, before: int) -> None:
        times.append(time.monotonic())
        handler.say() if before else handler.send(429, {}, Retry_After="1")

    server.behave = behave
    assert whole(ask(server, problems=1, samples=1), 1, 1)
    assert times[1] - times[0] >= 1


def drop(handler: Handler, before: int) -> None:
    if before:
        handler.say()
    else:
        handler.connection.close()


def drop_in_the_middle(handler: Handler, before: int) -> None:
    if before:
        handler.say()
        return
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.connection.close()


def garble(data: bytes) -> Behave:
    return lambda handler, before: handler.say() if before else handler.send(200, data)


@pytest.mark.parametrize(
    "behave",
    [
        drop,
        drop_in_the_middle,
        garble(b"<html>gateway</html>"),
        garble(b""),
        garble(b"{}"),
        garble(b"[1, 2]"),
        garble(b'{"choices": []}'),
        garble(b"[" * 100_000),
        garble(b"\xff\xfe\x00"),
        lambda handler, before: handler.say() if before else handler.say(None),
    ],
)
def test_answers_that_are_broken_count_like_none(server: Server, behave: Behave) -> None:
    server.behave = behave
    assert whole(ask(server))


def test_an_answer_without_end_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowres_code.generation.endpoint.LARGEST_ANSWER", 100_000)
    server.behave = garble(b'{"choices": "' + b"x" * 200_000)
    assert whole(ask(server))


def test_an_endpoint_that_does_not_answer_is_not_waited_for(server: Server) -> None:
    server.behave = lambda handler, before: handler.say() if before else time.sleep(3)
    assert whole(ask(server, problems=1, timeout_s=0.5), 1)


def test_an_endpoint_that_drips_is_not_waited_for(server: Server) -> None:
    def behave(handler: Handler, before: int) -> None:
        if before:
            handler.say()
            return
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(40):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    server.behave = behave
    assert whole(ask(server, problems=1, samples=1, timeout_s=1.0), 1, 1)


def test_that_it_is_asked_again_is_said_once_and_without_the_key(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    refusal = {"error": {"message": "no sk-secret today"}}
    server.behave = lambda handler, before: handler.say() if before > 1 else handler.send(503, refusal)
    ask(server, attempts=1)
    assert not caplog.records  # of what is not asked again
    server.seen.clear()
    assert whole(ask(server))
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith(f"m at {server.url} does not answer as it should (503: ") and "no *** today" in said
    assert said.endswith("); it is asked again")


def test_a_sample_that_never_comes_is_named_and_the_others_are_there(server: Server) -> None:
    def behave(handler: Handler, before: int) -> None:
        content = server.requests[-1][1]["messages"][-1]["content"]
        handler.say() if content != "question 1" else handler.send(500, {"error": {"message": "no such luck"}})

    server.behave = behave
    made = ask(server, concurrency=1)
    failed = [sample for sample in made if isinstance(sample, Failure)]
    assert {(failure.key, failure.number) for failure in failed} == {(1, 0), (1, 1)}
    assert "no such luck" in failed[0].reason
    assert len(made) == 6
    assert server.seen["question 1", server.requests[-1][1]["seed"]] <= 4


@pytest.mark.parametrize(("status", "message"), [(401, "bad key"), (403, "no"), (404, "no such model"), (400, "bad")])
def test_what_no_attempt_would_change_ends_it_at_once(
    server: Server, status: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-very-secret-key")
    server.behave = lambda h, before: h.send(status, {"error": {"message": f"{message}: a-very-secret-key"}})
    with pytest.raises(UsageError, match=message) as error:
        ask(server, problems=50)
    assert "secret" not in str(error.value)
    assert len(server.requests) < 50


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_prompt_that_is_refused_fails_alone(server: Server, status: int) -> None:
    def behave(handler: Handler, before: int) -> None:
        content = server.requests[-1][1]["messages"][-1]["content"]
        refused = content == "question 1"
        handler.send(status, {"error": {"message": "too long"}}) if refused else handler.say()

    server.behave = behave
    made = ask(server, problems=12, samples=10, concurrency=1)  # the only ten that are refused come early
    failed = [sample for sample in made if isinstance(sample, Failure)]
    assert {(failure.key, failure.number) for failure in failed} == {(1, number) for number in range(10)}
    assert f"refuses ({status})" in failed[0].reason and "too long" in failed[0].reason
    assert len(made) == 120
    assert len(server.requests) == 120  # asked once each


LIMIT = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"
TOO_LONG = [
    (400, {"message": LIMIT, "code": "context_length_exceeded"}),
    (400, {"message": "'max_tokens' or 'max_completion_tokens' is too large: 77. " + LIMIT}),
    (400, {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."}),
    (400, {"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."}),
    (400, {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}),
    (400, {"message": "prompt too long; exceeded max context length by 7 tokens"}),
    (400, {"message": "x" * 400, "code": "context_length_exceeded"}),
    (422, {"message": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"}),
    (413, {"message": "Payload Too Large"}),
]
OTHERWISE_REFUSED = [
    (400, {"message": "You have spent your quota", "code": "insufficient_quota"}),
    (400, {"message": "The response was filtered", "code": "content_filter"}),
    (400, {"message": "Invalid value for 'content': expected a string of at least length 1"}),
    (400, {"message": "max_tokens is too large: 77. This model supports at most 50 completion tokens"}),
    (422, {"message": "messages.1.content: Field required"}),
    (404, {"message": "no such model"}),
]


@pytest.mark.parametrize(
    ("status", "error", "for_good"),
    [*((*case, True) for case in TOO_LONG), *((*case, False) for case in OTHERWISE_REFUSED)],
)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_later_turn_ends_for_good_where_it_has_grown_too_long_and_for_nothing_else(
    server: Server, status: int, error: dict[str, str], for_good: bool, turn: int
) -> None:
    server.behave = lambda handler, before: handler.send(status, {"error": error})
    request = Request(0, ({"role": "user", "content": "question"},), (0,), turn)
    with EndpointGenerator(server.url, "m") as generator:
        (failure,) = generator.generate([request], SAMPLING)
    assert isinstance(failure, Failure)
    assert failure.for_good == (for_good and turn == 2)


def test_a_later_turn_that_is_refused_whatever_is_asked_ends_it(server: Server) -> None:
    """What has grown too long is no sign of that, however much of it there is."""
    said = {"message": LIMIT}
    server.behave = lambda handler, before: handler.send(400, {"error": said})
    requests = [Request(key, ({"role": "user", "content": f"question {key}"},), (0,), 2) for key in range(30)]
    with EndpointGenerator(server.url, "m", Patience(concurrency=1)) as generator:
        assert (
            sum(failure.for_good for failure in generator.generate(requests, SAMPLING) if isinstance(failure, Failure))
            == 30
        )
        said["message"] = "You have spent your quota"
        with pytest.raises(UsageError, match=r"spent your quota.*each of the first 8 prompts"):
            list(generator.generate(requests, SAMPLING))


def test_one_prompt_of_many_samples_that_is_refused_first_does_not_end_it(server: Server) -> None:
    def behave(handler: Handler, before: int) -> None:
        content = server.requests[-1][1]["messages"][-1]["content"]
        handler.send(422, {}) if content == "question 0" else handler.say()

    server.behave = behave
    made = ask(server, problems=2, samples=20, concurrency=1)
    assert [sum(isinstance(one, kind) for one in made) for kind in (Sample, Failure)] == [20, 20]


def test_what_was_made_before_the_key_was_refused_comes_out(server: Server) -> None:
    refusal = {"error": {"message": "no"}}
    server.behave = lambda h, before: h.say() if len(server.requests) <= 5 else h.send(401, refusal)
    requests = [Request(key, ({"role": "user", "content": f"question {key}"},), (0,)) for key in range(40)]
    made: list[Sample | Failure] = []
    refused = pytest.raises(UsageError, match=r"refuses \(401\)")
    with EndpointGenerator(server.url, "m", Patience(concurrency=1)) as generator, refused:
        made.extend(generator.generate(requests, SAMPLING))
    assert len(made) == 5


def test_an_endpoint_that_knows_the_limit_by_its_newer_name(server: Server) -> None:
    def behave(handler: Handler, before: int) -> None:
        if "max_tokens" in server.requests[-1][1]:
            handler.send(400, {"error": {"message": "use 'max_completion_tokens' instead of 'max_tokens'"}})
        else:
            handler.say()

    server.behave = behave
    assert whole(ask(server, problems=8), problems=8)
    assert server.requests[-1][1]["max_completion_tokens"] == 77


def test_thinking_that_is_given_beside_the_text_is_kept(server: Server) -> None:
    server.behave = lambda handler, before: handler.say("<code>1</code>", reasoning_content="Let me see.")
    sample = ask(server, 1, 1)[0]
    assert isinstance(sample, Sample)
    assert sample.text == "<think>\nLet me see.\n</think>\n<code>1</code>"


def test_thinking_that_is_cut_is_a_sample_that_was_cut(server: Server) -> None:
    def behave(handler: Handler, before: int) -> None:
        message = {"role": "assistant", "content": None, "reasoning_content": "Let me see"}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        handler.send(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})

    server.behave = behave
    sample = ask(server, 1, 1)[0]
    assert isinstance(sample, Sample)
    assert (sample.text, sample.stop, sample.tokens) == ("<think>\nLet me see\n</think>\n", "length", None)


def test_no_name_and_password_in_a_record() -> None:
    assert without_credentials("https://me:secret@host:8000/v1?key=secret") == "https://host:8000/v1"
