"""What the sides of other programs share. A side's own script follows in the same program, and ends with serve().

    python3 -c PEER+SCRIPT CHECKPOINT DTYPE

loads a checkpoint, then reads jobs from standard input, one JSON object a line, and answers each with
another; package speed says what is in them. The first line that it writes tells about the load.
"""

import json
import math
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

# What the program prints must not mix with the answers.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


class Enough(Exception):
    """The frames that were asked for are there."""


def hum(seconds):
    """The clip to clone, by the formula of package speed."""
    turns = [2 * math.pi * i / 24000 for i in range(seconds * 24000)]
    return [0.2 * math.sin(140 * t) + 0.1 * math.sin(420 * t) * math.sin(3 * t) for t in turns]


def rss():
    return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())]))


def peak_rss():
    if sys.platform == "linux":  # getrusage counts what this process was before it became Python: a copy of the benchmark
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def serve(load, jobs, memory=dict):
    """Loads by load(checkpoint, dtype), then does jobs, each by its kind's jobs[kind](model, job). memory() is added."""
    checkpoint, dtype = sys.argv[1:]
    rss_before, begin = rss(), time.perf_counter()
    model = load(Path(checkpoint), dtype)
    loading = {"load": time.perf_counter() - begin, "rss_before": rss_before, "rss_after": rss(), "rss_peak": peak_rss()}
    print(json.dumps(loading), file=answers)
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(jobs[job["kind"]](model, job) | {"rss": rss()} | memory()), file=answers)
