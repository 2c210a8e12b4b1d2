"""Starts runs of several processes by forking, so that torch is imported once for all tests; otherwise as torchrun does.

Reads jobs from standard input, one JSON line each: {"words", "count", "env", "site", "log"}. Answers with the process ids, then
with the exit codes. When one process fails, the others get SIGTERM.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
import time

from gantool.cli.main import run

# What the processes would import one by one.
NEEDED = (
    "torch._dynamo",
    "torch.distributed.fsdp",
    "torch.utils.tensorboard",
    "gantool.builtin.metrics",
    "gantool.training.loop",
)
for module in (*NEEDED, "simgan_plugin.recipe"):
    importlib.import_module(module)


def child(job, rank, port, log):
    if job["count"] > 1:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(job["count"])}
        os.environ |= {"LOCAL_WORLD_SIZE": str(job["count"]), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= job["env"]
    sys.path.insert(0, job["site"])
    for stream in (1, 2):
        os.dup2(log, stream)
    code = run(job["words"])
    sys.stdout.flush()
    os._exit(code)


def start(job):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Before they are started: one that another's error ends at once has a log too, an empty one.
    logs = [os.open(f"{job['log']}.{rank}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC) for rank in range(job["count"])]
    pids = []
    for rank, log in enumerate(logs):
        pid = os.fork()
        if pid == 0:
            child(job, rank, port, log)
        os.close(log)
        pids.append(pid)
    return pids


def codes(pids):
    ended = {}
    while len(ended) < len(pids):
        for pid in pids:
            if pid not in ended and (status := os.waitpid(pid, os.WNOHANG))[0]:
                ended[pid] = os.waitstatus_to_exitcode(status[1])
                if ended[pid]:
                    for other in pids:
                        if other not in ended:
                            os.kill(other, signal.SIGTERM)
        time.sleep(0.01)
    return [ended[pid] for pid in pids]


for line in sys.stdin:
    pids = start(json.loads(line))
    print(json.dumps(pids), flush=True)
    print(json.dumps(codes(pids)), flush=True)
