"""mlx-audio's side of the benchmark.

    python3 mlxaudio.py CHECKPOINT DTYPE

loads a CustomVoice checkpoint, then reads jobs from standard input, one JSON object a line, and answers each with
another. The first line that it writes tells about the load. It measures mlx-audio's own loop from outside: its parts
are replaced by the same parts with a clock around them.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

# What mlx-audio prints must not mix with the answers.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import mlx.core as mx
from mlx_audio.tts.models.qwen3_tts.speech_tokenizer import Qwen3TTSSpeechTokenizerDecoder
from mlx_audio.tts.utils import load_model


class Clock:
    """Notes how long each part takes, from the end of the part before. It evaluates part by part."""

    def __init__(self):
        self.laps = None  # no job that asks for them

    def start(self, wanted):
        self.laps = [] if wanted else None
        self.last = time.perf_counter()

    def lap(self, part, size, *arrays):
        mx.eval(*arrays)
        now = time.perf_counter()
        self.laps.append({"part": part, "size": size, "seconds": now - self.last})
        self.last = now

    def around(self, owner, method, part):
        """Replaces a method; part gives a lap's name and size from the input and the arrays of the output."""
        inner = getattr(owner, method)

        def outer(*args, **kwargs):
            out = inner(*args, **kwargs)
            if self.laps is not None:
                outs = out if isinstance(out, tuple) else (out,)
                name, size = part(next(a for a in args if isinstance(a, mx.array)))
                self.lap(name, size, *(a for a in outs if isinstance(a, mx.array)))
            return out

        setattr(owner, method, outer)


def watch(model, clock):
    def talker(rows):  # [1, rows, hidden]
        return ("talker", 1) if rows.shape[1] == 1 else ("prefill", rows.shape[1])

    clock.around(type(model.talker), "__call__", talker)
    clock.around(type(model.talker.code_predictor), "__call__", lambda rows: ("predictor", 1))
    clock.around(Qwen3TTSSpeechTokenizerDecoder, "streaming_step", lambda codes: ("codec", codes.shape[2]))


def speak(model, clock, job):
    clock.start(job["parts"])
    begin, first, samples = time.perf_counter(), None, 0
    for chunk in model.generate_custom_voice(
        job["text"],
        speaker=job["speaker"],
        language="english",
        temperature=job["temperature"],
        top_k=job["top_k"],
        max_tokens=job["frames"],
        stream=True,
        streaming_interval=job["chunk"] / 12.5 + 1e-6,
    ):
        mx.eval(chunk.audio)
        first = first or time.perf_counter() - begin
        samples += chunk.audio.shape[0]
    total = time.perf_counter() - begin
    return {"first": first, "total": total, "samples": samples, "laps": clock.laps or []}


def rss():
    return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())]))


def peak_rss():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main():
    checkpoint, dtype = sys.argv[1:]
    rss_before, begin = rss(), time.perf_counter()
    model = load_model(Path(checkpoint))
    if dtype != "auto":
        kind = getattr(mx, dtype)
        model.talker.apply(lambda p: p.astype(kind) if mx.issubdtype(p.dtype, mx.floating) else p)
        mx.eval(model.parameters())
    loading = {"load": time.perf_counter() - begin, "rss_before": rss_before, "rss_after": rss()}
    print(json.dumps(loading), file=answers)

    clock = Clock()
    watch(model, clock)
    for line in sys.stdin:
        job = json.loads(line)
        answer = speak(model, clock, job)
        answer |= {"peak_rss": peak_rss(), "peak_mlx": mx.get_peak_memory()}
        print(json.dumps(answer), file=answers)


main()
