"""The peers' side of the line protocol that `tests/bench/contestant.ts` describes."""

import json
import os
import platform
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What a library prints must not stand between the lines of the protocol.
_protocol = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def peak_memory():
    """The largest resident memory of this process so far, in MiB."""
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024


def refuse(reason):
    """Says why there is no such peer here, and ends."""
    _protocol.write("cannot " + " ".join(str(reason).split()) + "\n")
    sys.exit(0)


def serve(sample, *modules):
    """Answers each "go" with one sample; the modules' versions go into the table."""
    versions = {module.__name__: module.__version__ for module in modules}
    versions["python"] = platform.python_version()
    _protocol.write("ready " + json.dumps(versions) + "\n")
    for line in sys.stdin:
        if line.strip() != "go":
            break
        _protocol.write(f"sample {sample()!r}\n")
    _protocol.write(f"end {peak_memory()!r}\n")
