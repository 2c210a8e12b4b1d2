"""Runs modules, as `python -m MODULE WORDS` does, in processes forked from one that has imported torch.

python forked.py SOCKET                     serve until standard input ends
python -SE forked.py SOCKET MODULE WORDS    have one run: its input, output, environment and folder are those of this program
"""

import importlib
import json
import os
import selectors
import socket
import sys
from pathlib import Path

PRELOADED = ("accelerate", "cv2", "pydantic.type_adapter", "torch._dynamo", "torch.distributed.fsdp", "torch.utils.tensorboard")


def ask(place: str, module: str, words: list[str]) -> int:
    """Return the exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        job = {"module": module, "words": words, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(server, [json.dumps(job).encode()], [0, 1, 2])
        return server.recv(1)[0]


def serve(place: str) -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as ready:
        listener.bind(place)
        listener.listen()
        print("ready", flush=True)
        ready.register(listener, selectors.EVENT_READ)
        ready.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is listener for key, _ in ready.select()):
            client, _ = listener.accept()
            with client:
                child = os.fork()
                if child == 0:
                    os._exit(run(client))
                client.send(bytes([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255]))


def run(client: socket.socket) -> int:
    data, streams, *_ = socket.recv_fds(client, 2**20, 3)
    job = json.loads(data)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    import runpy
    import site
    import sysconfig

    site.addsitedir(sysconfig.get_path("purelib"))  # what was installed since
    sys.path.insert(0, job["folder"])
    sys.argv = [job["module"], *job["words"]]
    try:
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(ask(sys.argv[1], sys.argv[2], sys.argv[3:]))
    serve(sys.argv[1])
