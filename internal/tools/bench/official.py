"""The official package's side of the benchmark, in PyTorch on the CPU; peer.py stands before it.

It measures the package's own loop from outside, by a clock that PyTorch's modules call. PyTorch computes at once, so
that the clock delays nothing, and all that it has of the processor's cores is used, as by default.
"""

import functools
import time

import numpy as np
import torch
from qwen_tts import Qwen3TTSModel


class Clock:
    """Notes when the talker's passes end: the first is the prompt's, each other one a frame's, with the draw of its
    first code and the code predictor before it."""

    def __init__(self, frames):
        self.frames = frames
        self.begin = time.perf_counter()
        self.ends = []
        self.predictor = 0.0  # of all frames
        self.talker = 0.0
        self.predicted = 0.0  # when the last frame's codes were there

    def predictor_ends(self):
        self.predicted = time.perf_counter()
        self.predictor += self.predicted - self.ends[-1]

    def talker_ends(self):
        now = time.perf_counter()
        if self.ends:
            self.talker += now - self.predicted
        self.ends.append(now)
        if len(self.ends) > self.frames:
            raise Enough


clock = None  # of the job that runs, if it is of frames


def watch(talker):
    """Lets the clock see when a frame's codes and the talker's passes end."""

    def passed(*_):
        if clock is not None:
            clock.talker_ends()

    predict = talker.code_predictor.generate

    def predicted(**inputs):
        codes = predict(**inputs)
        if clock is not None:
            clock.predictor_ends()
        return codes

    talker.register_forward_hook(passed)
    talker.code_predictor.generate = predicted


@functools.cache
def clip(seconds):
    return np.array(hum(seconds), np.float32)


@functools.cache
def heard(model, seconds, words):
    """What the package lets its users keep of a clip."""
    return model.create_voice_clone_prompt((clip(seconds), 24000), words)


def generate(model, job):
    drawn = job["temperature"] > 0
    kind = model.model.tts_model_type
    if kind == "base":
        speak = functools.partial(model.generate_voice_clone, voice_clone_prompt=heard(model, job["clip"], job["voice"]))
    elif kind == "voice_design":
        speak = functools.partial(model.generate_voice_design, instruct=job["voice"])
    else:
        speak = functools.partial(model.generate_custom_voice, speaker="ryan")
    return speak(
        job["text"],
        language="english",
        non_streaming_mode=True,
        do_sample=drawn,
        subtalker_dosample=drawn,
        max_new_tokens=job["frames"] + 1,  # draws of a first code: that of the end is one
        **({"temperature": job["temperature"], "top_k": job["top_k"]} if drawn else {}),
    )


def frames(model, job):
    global clock
    clock = Clock(job["frames"])
    try:
        generate(model, job)
        raise RuntimeError("the speech has ended")
    except Enough:
        return {
            "made": job["frames"],
            "prefill": clock.ends[0] - clock.begin,
            "frames": clock.ends[-1] - clock.ends[0],
            "predictor": clock.predictor,
            "talker": clock.talker,
        }
    finally:
        clock = None


def decode(model, job):
    if job["chunk"] < job["frames"]:
        return {}  # the package decodes all at once: it can't go on where it was
    codes = torch.tensor([[i * 7 % 100 for i in range(16)]] * job["frames"])
    begin = time.perf_counter()
    model.model.speech_tokenizer.decode([{"audio_codes": codes}])
    return {"made": job["frames"], "decode": time.perf_counter() - begin}


def listen(model, job):
    if model.model.tts_model_type != "base":
        return {}
    sound = clip(job["clip"])
    begin = time.perf_counter()
    model.model.extract_speaker_embedding(sound, 24000)
    vector = time.perf_counter()
    model.model.speech_tokenizer.encode(sound, sr=24000)
    return {"vector": vector - begin, "codes": time.perf_counter() - vector}


def speech(model, job):
    begin = time.perf_counter()
    (wave,), _ = generate(model, job)  # nothing is heard before all is there
    return {"made": len(wave) // 1920, "total": time.perf_counter() - begin}


def load(checkpoint, dtype):
    model = Qwen3TTSModel.from_pretrained(str(checkpoint), dtype="auto", device_map="cpu")
    if dtype != "auto":
        model.model.talker.to(getattr(torch, dtype))  # the codec stays as it is, as in the other sides
    watch(model.model.talker)
    return model


serve(load, {"frames": frames, "split": frames, "decode": decode, "listen": listen, "speech": speech})
