"""The study's web application. What it sends says nothing of what an image is; what it receives never names a file."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, redirect, render_template, request

from .results import tally
from .study import SAID, Participant, Study

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

_AGE = 60 * 60 * 24 * 90
"""Seconds that a browser remembers who takes part."""
_NAME = 80
"""Characters of a participant's name that are kept."""
_SHOWN = 420
"""Pixels that the longer side of an image takes on the page, at most (unless the image itself has more)."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers hide the origin of a form, which is checked
    "X-Content-Type-Options": "nosniff",
}


def make_app(study: Study, *, port: int, against: str, trials: int) -> Flask:
    """Make the application.

    `port`: where it is served on 127.0.0.1; requests for any other host are refused (DNS rebinding). `against`: "refined" or
    "synthetic". `trials`: per participant, even.
    """
    app = Flask(__name__, template_folder="templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024
    notes = study.notes()
    guard = _Guard(token=notes["token"], cookie=f"turing_test_{notes['study']}", port=port)
    pages = _Pages(study, notes, guard, against=against, trials=trials)
    app.before_request(guard)
    app.after_request(_harden)
    app.add_url_rule("/", view_func=pages.first)
    app.add_url_rule("/image/<trial>", view_func=pages.image)
    for address in (pages.join, pages.answer, pages.leave):
        app.add_url_rule(f"/{address.__name__}", view_func=address, methods=["POST"])
    for name, kind in (("style.css", "text/css"), ("script.js", "text/javascript")):
        app.add_url_rule(f"/{name}", endpoint=name, view_func=_text(name, kind))
    return app


class _Pages:
    """What a participant sees and sends."""

    def __init__(self, study: Study, notes: Mapping[str, str], guard: _Guard, *, against: str, trials: int) -> None:
        self._study, self._guard, self._against, self._trials = study, guard, against, trials
        self._cookie = f"participant_{notes['study']}"
        height, width = int(notes["height"]), int(notes["width"])
        scale = max(1, _SHOWN // max(height, width))
        self._size = {"width": width * scale, "height": height * scale}

    def first(self) -> str | AnyResponse:
        """The start, the next image, or the end, as far as this participant has come."""
        if self._guard.token_given():
            return self._guard.admit(redirect("/"))
        participant = self._participant()
        if participant is None:
            return render_template("start.html", trials=self._trials)
        trial = self._study.current(participant.id)
        if trial is None:
            return render_template("end.html", confusion=tally(self._study.rows(participant.id)))
        return render_template("trial.html", trial=trial, participant=participant, **self._size)

    def join(self) -> AnyResponse:
        """Begin to take part."""
        name = "".join(letter for letter in request.form.get("name", "") if letter.isprintable()).strip()[:_NAME]
        secret = self._study.join(name, against=self._against, trials=self._trials)
        response = redirect("/", 303)
        response.set_cookie(self._cookie, secret, httponly=True, samesite="Strict", max_age=_AGE)
        return response

    def answer(self) -> AnyResponse:
        """Take an answer."""
        said, participant = request.form.get("said"), self._known()
        if said not in SAID:
            abort(400, "An answer is real or fake.")
        if not self._study.answer(participant.id, request.form.get("trial", ""), said):
            abort(404, "There is no such image in your part of the study.")
        return redirect("/", 303)

    def leave(self) -> AnyResponse:
        """Make room for the next participant at this browser."""
        response = redirect("/", 303)
        response.delete_cookie(self._cookie, httponly=True, samesite="Strict")
        return response

    def image(self, trial: str) -> Response:
        """The image of a trial."""
        png = self._study.picture(self._known().id, trial)
        if png is None:
            abort(404, "There is no such image in your part of the study.")
        return Response(png, mimetype="image/png")

    def _participant(self) -> Participant | None:
        secret = request.cookies.get(self._cookie)
        return self._study.participant(secret) if secret else None

    def _known(self) -> Participant:
        participant = self._participant()
        if participant is None:
            abort(403, "Start on the first page.")
        return participant


class _Guard:
    """Refuses what does not come from a page that was opened with the printed address."""

    def __init__(self, *, token: str, cookie: str, port: int) -> None:
        self._token, self._cookie = token, cookie
        # Browsers leave out the port of plain HTTP, and so does Flask.
        self._hosts = {name if port == 80 else f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    def __call__(self) -> None:
        if request.host not in self._hosts:
            abort(400, "This server answers to 127.0.0.1 only.")
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            abort(403, "Answers are taken from the study's own page only.")
        if not (self.token_given() or self._same(request.cookies.get(self._cookie, ""))):
            abort(403, "Open the address that gantool turing-test printed, with its token.")

    def token_given(self) -> bool:
        """Whether the address of this request holds the token; only the first page takes it there."""
        return request.path == "/" and self._same(request.args.get("token", ""))

    def admit(self, response: AnyResponse) -> AnyResponse:
        """Let the browser in: the token goes into a cookie, off the address line, the history and screenshots."""
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict", max_age=_AGE)
        return response

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _text(name: str, kind: str) -> Callable[[], Response]:
    """Return a view of a file that comes with the package, read once."""
    text = files(__package__).joinpath("templates", name).read_text(encoding="utf-8")
    return lambda: Response(text, mimetype=kind)


def _harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
