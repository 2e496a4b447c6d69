"""mlx-audio's side of the benchmark; peer.py stands before it.

It measures mlx-audio's own loop from outside: what that calls is replaced by the same with a clock around it.
"""

import functools
import time

import mlx.core as mx
from mlx_audio.tts.utils import load_model

FOREVER = 1e6  # seconds of speech that are decoded at once, so that none is
evaluate = mx.eval


class Clock:
    """Notes when frames end. The first one has the prompt in it and is left out: ours end with the talker's pass.

    What is evaluated before the prompt comes of the clip, which is measured by itself.
    """

    def __init__(self, frames, split):
        self.frames, self.split = frames, split
        self.begin = time.perf_counter()
        self.prefill = 0.0
        self.ends = []
        self.waited = 0.0  # in evaluations, since the first frame's end
        self.parts = {"talker": 0.0, "predictor": 0.0}
        self.last = self.begin

    def eval(self, *arrays):
        """In place of mx.eval, which mlx-audio's loop calls once a frame."""
        begin = time.perf_counter()
        evaluate(*arrays)
        now = time.perf_counter()
        if not self.prefill:
            self.begin = now
            return
        if self.ends:
            self.waited += now - begin
        self.ends.append(now)
        if len(self.ends) > self.frames:
            raise Enough

    def talker(self, rows, outs):
        if rows.shape[1] > 1:  # [1, rows, hidden]
            evaluate(*outs)
            self.prefill = time.perf_counter() - self.begin
        elif self.split:
            self.part("talker", outs)

    def predictor(self, rows, outs):
        if self.split:
            self.part("predictor", outs)

    def part(self, name, outs):
        """Evaluates outs and adds the time since the part before, unless the first frame isn't over."""
        evaluate(*outs)
        now = time.perf_counter()
        if self.ends:
            self.parts[name] += now - max(self.last, self.ends[0])
        self.last = now


def watch(owner, see):
    """Lets see(input, outputs) follow each call of a module."""
    inner = owner.__call__

    def outer(self, *args, **kwargs):
        out = inner(self, *args, **kwargs)
        if clock is not None:
            outs = [a for a in (out if isinstance(out, tuple) else (out,)) if isinstance(a, mx.array)]
            see(clock, next(a for a in args if isinstance(a, mx.array)), outs)
        return out

    owner.__call__ = outer


clock = None  # of the job that runs, if it is of frames


@functools.cache
def clip(seconds):
    return mx.array(hum(seconds))


def generate(model, job, interval):
    kind = model.config.tts_model_type
    if kind == "base":
        voice = {"ref_audio": clip(job["clip"]), "ref_text": job["voice"]}
    elif kind == "voice_design":
        voice = {"instruct": job["voice"]}
    else:
        voice = {"voice": "ryan"}
    return model.generate(
        job["text"],
        lang_code="english",
        **voice,
        temperature=job["temperature"],
        top_k=job["top_k"],
        max_tokens=job["frames"] + (interval == FOREVER),
        stream=True,
        streaming_interval=interval,
    )


def frames(model, job):
    global clock
    clock = Clock(job["frames"], job["kind"] == "split")
    mx.eval = clock.eval
    try:
        for _ in generate(model, job, FOREVER):
            pass
        raise RuntimeError("the speech has ended")
    except Enough:
        total = clock.ends[-1] - clock.ends[0]
        return {"made": job["frames"], "prefill": clock.prefill, "frames": total, "host": total - clock.waited, **clock.parts}
    finally:
        mx.eval, clock = evaluate, None


def decode(model, job):
    decoder = model.speech_tokenizer.decoder
    decoder.reset_streaming_state()
    codes = mx.array([[[i * 7 % 100] * job["chunk"] for i in range(16)]])
    begin = time.perf_counter()
    for _ in range(job["frames"] // job["chunk"]):
        mx.eval(decoder.streaming_step(codes))
    return {"made": job["frames"], "decode": time.perf_counter() - begin}


def listen(model, job):
    if model.config.tts_model_type != "base":
        return {}
    heard = clip(job["clip"])
    begin = time.perf_counter()
    mx.eval(model.extract_speaker_embedding(heard))
    vector = time.perf_counter()
    mx.eval(model.speech_tokenizer.encode(heard[None, None]))
    return {"vector": vector - begin, "codes": time.perf_counter() - vector}


def speech(model, job):
    begin, first, samples = time.perf_counter(), None, 0
    for chunk in generate(model, job, 1 / 12.5 + 1e-6):
        mx.eval(chunk.audio)
        first = first or time.perf_counter() - begin
        samples += chunk.audio.shape[0]
    return {"made": samples // 1920, "first": first, "total": time.perf_counter() - begin}


def load(checkpoint, dtype):
    model = load_model(checkpoint)
    if dtype != "auto":
        kind = getattr(mx, dtype)
        model.talker.apply(lambda p: p.astype(kind) if mx.issubdtype(p.dtype, mx.floating) else p)
        mx.eval(model.parameters())
    watch(type(model.talker), Clock.talker)
    watch(type(model.talker.code_predictor), Clock.predictor)
    return model


JOBS = {"frames": frames, "split": frames, "decode": decode, "listen": listen, "speech": speech}
serve(load, JOBS, lambda: {"peak_mlx": mx.get_peak_memory()})
