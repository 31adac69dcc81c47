"""The endpoint: a real HTTP server that fails, answers nonsense, never answers, and answers well."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from MedSegRLib.anatomy import AnatomyTable
from MedSegRLib.cli import main
from MedSegRLib.dataset.building.annotator import UnusableConversation
from MedSegRLib.dataset.building.endpoint import Endpoint, EndpointError, EndpointSettings
from MedSegRLib.dataset.building.facts import Facts
from MedSegRLib.dataset.building.language import LanguageAnnotator, read_reply
from MedSegRLib.dataset.building.spending import Bounds, Spending, SpendingError
from MedSegRLib.dataset.conversation import QuestionType
from MedSegRLib.dataset.format import read_items
from MedSegRLib.dataset.source import Source
from MedSegRLib.dataset.source_file import write_sources
from MedSegRLib.errors import DatasetError

GOOD = {
    "exchanges": [
        {
            "question": "Which organ makes bile?",
            "question_type": "implicit",
            "answer": "It is the <p>liver</p>[SEG].",
            "targets": [{"phrase": "liver", "structure": "liver", "side": "none", "present": True}],
        },
        {
            "question": "How old is she?",
            "question_type": "unanswerable",
            "answer": "A scan does not tell that.",
            "targets": [],
        },
    ]
}
ENOUGH = Bounds(50, 10**7)
Handle = Callable[["Server", BaseHTTPRequestHandler], None]


class Server:
    """Answers each request by the next of its handlers, the last one for ever, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.handlers: list[Handle] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.asked.append(json.loads(self.rfile.read(length)))
                outer.headers.append(dict(self.headers) | {"path": self.path})
                handle = outer.handlers.pop(0) if len(outer.handlers) > 1 else outer.handlers[0]
                handle(outer, self)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def sends(status: int, body: bytes, headers: dict[str, str] | None = None) -> Handle:
    def handle(_: Server, request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return handle


def says(text: str, tokens: int | None = 100) -> Handle:
    usage = {} if tokens is None else {"usage": {"total_tokens": tokens}}
    return sends(200, json.dumps({"choices": [{"message": {"content": text}}], **usage}).encode())


def never(server: Server, _: BaseHTTPRequestHandler) -> None:
    server.released.wait(20)


def drips(server: Server, request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while not server.released.wait(0.05):
        try:
            request.wfile.write(b" ")
        except OSError:
            return


def hangs_up(_: Server, request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


class Case:
    """An endpoint on the server, its pauses noted and not made."""

    def __init__(self, server: Server, bounds: Bounds = ENOUGH, **settings: Any) -> None:
        self.pauses: list[float] = []
        self.spending = Spending(bounds)
        values = {"model": "tiny-writer", "timeout_s": 0.4, "tries": 3, **settings}
        self.endpoint = Endpoint(EndpointSettings(server.url, **values), self.spending, self.pauses.append)


def write(case: Case, facts: Facts, table: AnatomyTable) -> Any:
    return LanguageAnnotator(case.endpoint, table).converse(facts, 2, random.Random(0))


def test_a_good_answer_becomes_a_conversation(server: Server, facts: Facts, table: AnatomyTable) -> None:
    server.handlers = [says(f"Here it is:\n```json\n{json.dumps(GOOD)}\n```")]
    case = Case(server, key="secret")
    first, second = write(case, facts, table)
    assert first.question_type is QuestionType.IMPLICIT and first.targets[0].structure == "liver"
    assert second.targets == ()
    (asked,), (headers,) = server.asked, server.headers
    assert headers["path"] == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret"
    assert asked["model"] == "tiny-writer" and asked["response_format"]["type"] == "json_schema"
    system, user = (message["content"] for message in asked["messages"])
    assert "[REJ]" in system and '"millilitres": 324' in user and "pancreas" in user
    assert '"outside_the_scan"' in user and "p1" not in user
    assert (case.spending.requests, case.spending.tokens, case.pauses) == (1, 100, [])
    assert LanguageAnnotator(case.endpoint, table).name == "tiny-writer"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (sends(500, b"oops"), "fails with status 500"),
        (sends(429, b""), "fails with status 429"),
        (sends(200, b"<html>welcome</html>"), "answers something that is no chat completion"),
        (sends(200, b'{"choices": []}'), "answers something that is no chat completion"),
        (sends(200, b'{"choices": [{"message": {"content": null}}]}'), "is no chat completion"),
        (never, "does not answer within 0.4 s"),
        (drips, "does not answer within 0.4 s"),
        (hangs_up, "cannot be reached"),
    ],
    ids=["error", "too many", "html", "no choice", "no text", "silent", "drips", "hangs up"],
)
def test_an_endpoint_that_fails_is_asked_again_after_longer_pauses_and_then_given_up(
    server: Server, bad: Handle, reason: str, facts: Facts, table: AnatomyTable
) -> None:
    server.handlers = [bad]
    case = Case(server)
    with pytest.raises(EndpointError, match=rf"{reason}.*\(3 tries\).*the build goes on where it stopped"):
        write(case, facts, table)
    assert case.spending.requests == 3
    assert len(case.pauses) == 2 and case.pauses[1] > 1.3 * case.pauses[0] > 0


def test_a_failure_in_passing_is_overcome(server: Server, facts: Facts, table: AnatomyTable) -> None:
    server.handlers = [sends(503, b""), never, says(json.dumps(GOOD))]
    assert len(write(Case(server), facts, table)) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_told_at_once(server: Server, status: int, facts: Facts, table: AnatomyTable) -> None:
    server.handlers = [sends(status, b"no such model")]
    case = Case(server)
    with pytest.raises(EndpointError, match=rf"refuses with status {status} \(no such model\); check"):
        write(case, facts, table)
    assert case.spending.requests == 1


def test_facts_do_not_follow_a_redirect(server: Server, facts: Facts, table: AnatomyTable) -> None:
    server.handlers = [sends(307, b"", {"Location": "http://127.0.0.1:9/elsewhere"})]
    with pytest.raises(EndpointError, match="refuses with status 307"):
        write(Case(server), facts, table)


def test_nobody_at_the_address_is_told(facts: Facts, table: AnatomyTable) -> None:
    server = Server()
    case = Case(server)
    server.close()
    with pytest.raises(EndpointError, match="cannot be reached"):
        write(case, facts, table)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("I would rather not.", "holds no JSON object"),
        ('{"exchanges": [}', "is not JSON"),
        ('{"exchanges": []}', "at exchanges"),
        (json.dumps({**GOOD, "note": 1}), "'note' was unexpected"),
        (json.dumps(GOOD).replace("implicit", "riddle"), "at exchanges/0/question_type"),
        (json.dumps(GOOD).replace('"none"', '"middle"'), "at exchanges/0/targets/0/side"),
        (json.dumps({"exchanges": GOOD["exchanges"][:1]}), "has 1 exchanges instead of 2"),
    ],
)
def test_nonsense_is_sent_back_with_what_is_wrong_and_given_up_after_three_times(
    server: Server, reply: str, problem: str, facts: Facts, table: AnatomyTable
) -> None:
    server.handlers = [says(reply)]
    with pytest.raises(UnusableConversation, match=problem):
        write(Case(server), facts, table)
    assert len(server.asked) == 3
    assert problem in server.asked[1]["messages"][-1]["content"]
    server.handlers = [says(reply), says(json.dumps(GOOD))]
    assert len(write(Case(server), facts, table)) == 2
    assert read_reply(json.dumps(GOOD), 2)[0].targets[0].present


def test_nothing_is_sent_beyond_the_bounds(server: Server, facts: Facts, table: AnatomyTable) -> None:
    server.handlers = [says(json.dumps(GOOD))]
    few = Case(server, Bounds(1, 10**7))
    write(few, facts, table)
    with pytest.raises(SpendingError, match=r"1 of 1 requests, 100 of 10000000 tokens\); raise it"):
        write(few, facts, table)
    with pytest.raises(SpendingError, match="0 of 50 requests"):
        write(Case(server, Bounds(50, 100)), facts, table)
    assert len(server.asked) == 1


def test_tokens_are_guessed_where_nobody_tells_them(
    server: Server, facts: Facts, table: AnatomyTable
) -> None:
    server.handlers = [says(json.dumps(GOOD), None)]
    case = Case(server)
    write(case, facts, table)
    assert case.spending.tokens > 500


def test_what_was_spent_outlives_a_stop(tmp_path: Path) -> None:
    first = Spending(Bounds(3, 1000), tmp_path / "spent.json")
    first.begin(10)
    first.end(400)
    first.begin(10)
    second = Spending(Bounds(3, 1000), tmp_path / "spent.json")
    assert (second.requests, second.tokens) == (2, 400)
    second.begin(10)
    with pytest.raises(SpendingError):
        second.begin(10)
    (tmp_path / "spent.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match="does not say what was spent; restore it"):
        Spending(Bounds(3, 1000), tmp_path / "spent.json")


@pytest.mark.parametrize("url", ["ftp://host/v1", "http:///v1", "localhost:8000"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(DatasetError, match="is no address of an endpoint; write http"):
        EndpointSettings(url, "m")
    with pytest.raises(DatasetError, match="must be above 0"):
        EndpointSettings("http://127.0.0.1:1/v1", "m", timeout_s=0.0)


def test_the_command_writes_with_an_endpoint_only_where_one_is_named(
    server: Server, source: Source, tmp_path: Path
) -> None:
    server.handlers = [sends(503, b""), says("no"), says(json.dumps(GOOD))]
    write_sources(tmp_path / "sources.jsonl", [source])
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'turns = [2, 2]\n[[scans]]\nevery = 0\n[endpoint]\nmodel = "tiny-writer"\nrequests = 9\n'
        "tokens = 100000\npause_s = 0.01\n",
        encoding="utf-8",
    )
    command = ["dataset", "build", str(recipe), "--data", str(tmp_path / "sources.jsonl"), "-o"]
    offline = CliRunner().invoke(main, [*command, str(tmp_path / "offline")])
    assert offline.exit_code == 0 and server.asked == []
    written = CliRunner().invoke(main, [*command, str(tmp_path / "written"), "--annotator", server.url])
    assert written.exit_code == 0, written.output
    (item,) = read_items(tmp_path / "written" / "items.jsonl")
    assert item.provenance.annotator == "tiny-writer" and item.exchanges[0].targets[0].mask is not None
    spent = json.loads((tmp_path / "written" / "spent.json").read_text(encoding="utf-8"))
    assert spent["requests"] == len(server.asked) == 3
