"""Running the study's server until it is told to stop."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable
from types import FrameType

from ...errors import GantoolError
from ...plan.settings import StudySettings
from .study import Study

ADDRESS = "127.0.0.1"


def serve(study: Study, asked: StudySettings, *, started: Callable[[str], None]) -> int:
    """Serve until Ctrl-C (returns 0) or SIGTERM (returns 143); `started` gets the address to open.

    Without a port, it is the one that the study had before, so that open pages go on, or any that is free. Raises `GantoolError`
    for a port that is taken.
    """
    import waitress

    from .server import make_app

    notes = study.notes()
    listener = _listen(asked.port, int(notes.get("port", 0)))
    number = listener.getsockname()[1]
    study.note(port=str(number))
    app = make_app(study, port=number, against=asked.against, trials=asked.trials)
    server = waitress.create_server(app, sockets=[listener], threads=4, ident=None, max_request_body_size=16 * 1024)
    terminated = []

    def terminate(_signal: int, _frame: FrameType | None) -> None:
        terminated.append(True)
        raise SystemExit

    # SIGINT too: a shell's background job inherits it ignored.
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        started(f"http://{ADDRESS}:{number}/?token={notes['token']}")
        server.run()  # returns at Ctrl-C
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        server.close()
    return 128 + signal.SIGTERM if terminated else 0


def _listen(port: int | None, before: int) -> socket.socket:
    wanted = [port] if port is not None else [before, 0]
    for number in wanted:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, number))
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return listener
    raise GantoolError(f"--port {port} is taken or not allowed: leave it out, and a free one is found")
