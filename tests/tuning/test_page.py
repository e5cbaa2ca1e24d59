"""The page of a session answers to its own address on this machine, and to nobody else."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import photo

from biqa_cli.images.limits import DEFAULT_LIMITS
from biqa_cli.tuning.answers import RATINGS, Answers
from biqa_cli.tuning.page import RatingServer, serve
from biqa_cli.tuning.session import Session


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RatingServer]:
    photo(60, 40).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no photo")
    session = Session(
        [("a.png",), ("b.png",)], Answers(tmp_path / "r.csv", RATINGS), ("1", "2", "3")
    )
    running = RatingServer(session, tmp_path, limits=DEFAULT_LIMITS)
    ready = threading.Event()
    thread = threading.Thread(
        target=serve, args=(running,), kwargs={"when_ready": lambda _: ready.set()}
    )
    thread.start()
    ready.wait(10)
    yield running
    running.shutdown()
    thread.join(10)


def _ask(
    server: RatingServer, path: str, body: Any = None, host: str | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    headers = {} if host is None else {"Host": host}
    given = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, given, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, dict(answer.headers)


def test_an_answer_is_written_and_the_next_question_comes(
    server: RatingServer, tmp_path: Path
) -> None:
    own = f"/{server.secret}"
    status, page, headers = _ask(server, f"{own}/")
    assert status == 200 and b"<title>biqa rate</title>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    state = json.loads(_ask(server, f"{own}/state")[1])
    assert (state["names"], state["allowed"], state["done"]) == (["a.png"], ["1", "2", "3"], 0)
    status, picture, headers = _ask(server, f"{own}/photo/0/0")
    assert (status, headers["Content-Type"], picture[:2]) == (200, "image/jpeg", b"\xff\xd8")
    status, content, _ = _ask(server, f"{own}/answer", {"place": 0, "answer": "3"})
    assert json.loads(content)["names"] == ["b.png"]
    assert (tmp_path / "r.csv").read_text() == "path,mos\na.png,3\n"
    # A second click on the first question answers nothing.
    _ask(server, f"{own}/answer", {"place": 0, "answer": "1"})
    assert (tmp_path / "r.csv").read_text() == "path,mos\na.png,3\n"
    status, content, _ = _ask(server, f"{own}/photo/1/0")
    assert status == 404 and b"not an image in a known format" in content


def test_a_browser_that_hangs_up_leaves_no_traceback(
    server: RatingServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hung_up(*_: object) -> bytes:
        raise BrokenPipeError

    monkeypatch.setattr(server, "picture", hung_up)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        _ask(server, f"/{server.secret}/photo/0/0")
    assert capsys.readouterr().err == ""
    assert _ask(server, f"/{server.secret}/state")[0] == 200


def test_strangers_are_refused(server: RatingServer, tmp_path: Path) -> None:
    assert server.server_address[0] == "127.0.0.1"
    own = f"/{server.secret}"
    for path, host in (
        ("/", None),
        ("/state", None),
        ("/wrong/state", None),
        (f"{own}/state", f"evil.example:{server.server_port}"),
    ):
        assert _ask(server, path, host=host)[0] == 403
    assert _ask(server, "/wrong/answer", {"place": 0, "answer": "1"})[0] in (403, 404)
    for path in ("../r.csv", "photo/9/0", "photo/0/1", "photo/-1/0", "rate.py", "state/.."):
        assert _ask(server, f"{own}/{path}")[0] == 404
    for body in ([], {"place": 0}, {"place": 0, "answer": "9"}, {"place": 0, "answer": ["1"]}):
        assert _ask(server, f"{own}/answer", body)[0] == 400
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("POST", f"{own}/answer", "[" * 9000)
    assert connection.getresponse().status == 400
    connection.close()
    assert not (tmp_path / "r.csv").exists()
