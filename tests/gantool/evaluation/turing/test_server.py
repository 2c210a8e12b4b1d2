from __future__ import annotations

import re
from typing import Any

import pytest

pytest.importorskip("flask")

import torch

from gantool.evaluation.turing.filling import encode
from gantool.evaluation.turing.server import make_app
from gantool.evaluation.turing.study import Study

HOST = "127.0.0.1:5000"


@pytest.fixture
def client(study: Study) -> Any:
    """A browser that has opened the printed address."""
    client = new_client(study)
    assert client.get(f"/?token={study.notes()['token']}").status_code == 302
    return client


def new_client(study: Study) -> Any:
    app = make_app(study, port=5000, against="refined", trials=6)
    app.config["SERVER_NAME"] = HOST  # what the test client calls itself
    return app.test_client()


def current(client: Any) -> str:
    found = re.search(r'name="trial" value="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def test_a_whole_study(client: Any, study: Study) -> None:
    assert "You will see 6 small pictures" in client.get("/").text
    client.post("/join", data={"name": " Ann <b>\n"})
    for number in range(6):
        page = client.get("/").text
        assert f"Picture {number + 1} of 6" in page
        trial = current(client)
        image = client.get(f"/image/{trial}")
        said = "real" if image.data.startswith(b"real") else "fake"
        assert client.post("/answer", data={"trial": trial, "said": said}).status_code == 303
    assert "right about <strong>6</strong>" in client.get("/").text
    assert {row.name for row in study.rows()} == {"Ann <b>"}
    client.post("/leave")
    assert "You will see 6 small pictures" in client.get("/").text


@pytest.mark.parametrize("path", ["/", "/image/x", "/style.css", "/script.js", "/answer", "/join"])
def test_nothing_is_served_without_the_token(study: Study, path: str) -> None:
    client = new_client(study)
    for address in (path, f"{path}?token=wrong", f"{path}?token="):
        assert client.get(address).status_code == 403
        assert client.post(address).status_code == 403
    assert study.counts()["real"] == 10
    assert study.unfinished() == 0


def test_the_token_goes_into_a_strict_cookie_and_off_the_address(study: Study) -> None:
    response = new_client(study).get(f"/?token={study.notes()['token']}")
    assert response.headers["Location"] == "/"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_the_participant_is_a_strict_cookie(client: Any) -> None:
    cookie = client.post("/join").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("host", ["evil.example:5000", "127.0.0.1", "127.0.0.1:5001", "localhost.evil.example:5000", ""])
def test_other_hosts_are_refused(client: Any, host: str) -> None:
    assert client.get("/", environ_overrides={"HTTP_HOST": host}).status_code == 400


def test_localhost_is_this_host(study: Study) -> None:
    address = f"/?token={study.notes()['token']}"
    assert new_client(study).get(address, environ_overrides={"HTTP_HOST": "localhost:5000"}).status_code == 302


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:5001"])
def test_answers_from_other_pages_are_refused(client: Any, study: Study, origin: str) -> None:
    client.post("/join")
    data = {"trial": current(client), "said": "real"}
    assert client.post("/answer", data=data, headers={"Origin": origin}).status_code == 403
    assert study.rows() == []
    assert client.post("/answer", data=data, headers={"Origin": f"http://{HOST}"}).status_code == 303


def test_answers_for_unknown_trials_and_unknown_answers_are_refused(client: Any, study: Study) -> None:
    assert client.post("/answer", data={"trial": "x", "said": "real"}).status_code == 403  # nobody takes part yet
    client.post("/join")
    trial = current(client)
    assert client.post("/answer", data={"trial": "unknown", "said": "real"}).status_code == 404
    assert client.post("/answer", data={"said": "real"}).status_code == 404
    assert client.post("/answer", data={"trial": trial, "said": "perhaps"}).status_code == 400
    assert client.post("/answer", data={"trial": trial}).status_code == 400
    assert client.post("/answer", data={"trial": trial, "said": "real", "junk": "x" * 20000}).status_code == 413
    assert study.rows() == []


def test_a_double_submitted_answer_counts_once(client: Any, study: Study) -> None:
    client.post("/join")
    trial = current(client)
    for said in ("real", "real", "fake"):
        assert client.post("/answer", data={"trial": trial, "said": said}).status_code == 303
    assert [row.said for row in study.rows()] == ["real"]


@pytest.mark.parametrize(
    "path", ["../study.sqlite", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "%2e%2e/x", "1", "'; DROP TABLE answer;--"]
)
def test_no_path_leads_to_a_file(client: Any, path: str) -> None:
    client.post("/join")
    response = client.get(f"/image/{path}", follow_redirects=True)
    assert response.status_code == 404
    assert b"root:" not in response.data


def test_what_is_sent_is_alike_for_both_kinds(client: Any, study: Study) -> None:
    noise, flat = torch.rand(1, 1, 12, 16) * 2 - 1, torch.zeros(1, 1, 12, 16)
    with study._transaction() as run:
        run.execute("UPDATE image SET png = ? WHERE kind = 'real'", encode(noise))
        run.execute("UPDATE image SET png = ? WHERE kind = 'refined'", encode(flat))
    client.post("/join")
    seen: dict[bytes, set[Any]] = {}
    for _ in range(6):
        trial = current(client)
        page, image = client.get("/").text, client.get(f"/image/{trial}")
        headers = {key: value for key, value in image.headers if key != "Date"}
        form = re.sub(re.escape(trial), "", re.sub(r"Picture \d|\d of 6|value=\"\d\"", "", page))
        seen.setdefault(image.data, set()).add((tuple(headers.items()), len(image.data), len(trial), form))
        client.post("/answer", data={"trial": trial, "said": "real"})
    real, refined = seen.values()
    assert real == refined
    assert len(real) == 1
    ((headers, *_),) = real
    assert dict(headers)["Cache-Control"] == "no-store"
    assert not {"ETag", "Last-Modified", "Content-Disposition"} & set(dict(headers))


def test_every_answer_is_hardened(client: Any) -> None:
    for path in ("/", "/style.css", "/image/none"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
