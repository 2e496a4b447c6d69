"""Replays the wire format of the app that TTSUI's users come from, by requests and sseclient: its fields with its
null values, its sentences, and what was right about its status codes.

    original.py URL FOLDER CLIP
"""

import json
import os
import re
import sys
import threading
import time
import wave

import requests
import sseclient

URL, DIR, CLIP = sys.argv[1:4]
PREFIX = "mlx-community/Qwen3-TTS-12Hz-"
ORDER = [PREFIX + name for name in (
    "0.6B-Base-bf16", "1.7B-Base-bf16", "0.6B-CustomVoice-bf16", "1.7B-CustomVoice-bf16", "1.7B-VoiceDesign-bf16")]
BASE, CUSTOM, DESIGN = ORDER[0], ORDER[2], ORDER[4]

session = requests.Session()
checks = 0


def same(name, got, want):
    global checks
    checks += 1
    if got != want:
        sys.exit(f"original.py: {name}: {got!r:.1000}, want {want!r:.1000}")


def like(name, got, pattern):
    same(f"{name}: {got!r} matches {pattern!r}", isinstance(got, str) and re.fullmatch(pattern, got) is not None, True)


def call(method, path, body=None, status=200):
    answer = session.request(method, URL + path, json=body, timeout=300)
    same(f"{method} {path}: {answer.text}: status", answer.status_code, status)
    same(f"{path}: Content-Type", answer.headers["Content-Type"].split(";")[0], "application/json")
    same(f"{path}: no CORS header", [h for h in answer.headers if h.lower().startswith("access-control")], [])
    return answer.json()


def get(path):
    return call("GET", path)


def post(path, body, status=200):
    return call("POST", path, body, status)


def records():
    return {m["model_id"]: m for m in get("/models")["models"]}


UNKNOWN = {"before_mb": None, "after_mb": None, "delta_mb": None}


def health_and_models():
    health = get("/health")
    same("fields of /health", sorted(health), ["status", "timestamp"])
    same("status", health["status"], "healthy")
    like("timestamp", health["timestamp"], r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
    answer = get("/models")
    same("fields of /models", list(answer), ["models"])
    same("the order of models", [m["model_id"] for m in answer["models"]], ORDER)
    for m in answer["models"]:
        same("a model before it is loaded", m, {
            "model_id": m["model_id"], "state": "unloaded", "memory": UNKNOWN, "load_time_seconds": None, "error": None})


def measured(name, memory):
    for field in UNKNOWN:
        same(f"{name}: {field} is a number", isinstance(memory[field], float), True)
    same(f"{name}: delta", abs(memory["after_mb"] - memory["before_mb"] - memory["delta_mb"]) < 0.01, True)


def not_loaded():
    out = os.path.join(DIR, "none.wav")
    body = {"model_id": CUSTOM, "text": "a", "speaker": "Vivian", "language": "Chinese", "output_path": out}
    same("not loaded", post("/generate/control", body, 400)["detail"], f"Model {CUSTOM} not loaded")
    body = {"model_id": BASE, "text": "a", "ref_audio_path": CLIP, "ref_text": "", "output_path": out}
    same("not loaded", post("/generate/clone", body, 400)["detail"], f"Model {BASE} not loaded")
    body = {"text": "a", "language": "English", "instruct": "b", "output_path": out}
    same("not loaded", post("/generate/design", body, 400)["detail"], "VoiceDesign model not loaded")
    same("nothing is written", os.path.exists(out), False)


def load():
    for model in (BASE, CUSTOM, DESIGN):
        record = post("/models/load", {"model_id": model})
        same("fields of a record", set(record) >= {"model_id", "state", "memory", "load_time_seconds", "error"}, True)
        same("a loaded model", (record["model_id"], record["state"], record["error"]), (model, "loaded", None))
        same("load time", record["load_time_seconds"] >= 0, True)
        measured(model, record["memory"])
        again = post("/models/load", {"model_id": model})
        same("loaded twice: the present record", again, record)
        same("its row", records()[model], record)
    record = post("/models/load", {"model_id": "some/unknown-model"})
    same("an unknown model", (record["state"], record["load_time_seconds"], bool(record["error"])), ("error", None, True))
    same("it is added", list(records()), ORDER + ["some/unknown-model"])


def generate():
    made = os.path.join(DIR, "made", "by", "parents")
    calls = {
        "clone": {"model_id": BASE, "text": "One.\nAnd two.", "ref_audio_path": CLIP, "ref_text": ""},
        "clone with a text": {"model_id": BASE, "text": "Now I say this.", "ref_audio_path": CLIP, "ref_text": "What I say."},
        "control": {"model_id": CUSTOM, "text": "Hello.", "speaker": "Uncle_Fu", "language": "Chinese"},
        "control with a style": {"model_id": CUSTOM, "text": "Hello.", "speaker": "Ryan", "language": "English",
                                 "instruct": "Very happy and excited"},
        "design": {"text": "Hello.", "language": "English", "instruct": "A calm, deep male voice"},
    }
    for name, body in calls.items():
        path = os.path.join(made, name.replace(" ", "-") + ".wav")
        # max_frames is ours: random models may speak on to the limit, which takes its time.
        answer = post("/generate/" + name.split()[0], dict(body, output_path=path, max_frames=12))
        same(name, (answer["output_path"], answer["success"], answer["error"]), (path, True, None))
        with wave.open(path) as w:
            same(f"{name}: the file", (w.getnchannels(), w.getsampwidth(), w.getframerate()), (1, 2, 24000))
            same(f"{name}: it sounds", 0 < w.getnframes() <= 2 * 12 * 1920, True)
    same("nothing else is there", len(os.listdir(made)), len(calls))


def errors():
    cases = [
        ("/generate/control", {"model_id": CUSTOM, "text": "", "speaker": "Ryan", "language": "English"}, "Target text is required"),
        ("/generate/clone", {"model_id": BASE, "text": "a", "ref_text": ""}, "Reference audio is required"),
        ("/generate/design", {"text": "a", "language": "English"}, "Voice description is required"),
        ("/generate/control", {"model_id": CUSTOM, "text": "a", "speaker": "Ryan"}, "output_path \"a.wav\" is not an absolute path"),
    ]
    for path, body, detail in cases:
        answer = post(path, dict(body, output_path="a.wav" if "absolute" in detail else os.path.join(DIR, "a.wav")), 400)
        same("fields of an error", sorted(answer), ["code", "detail", "hint"])
        same("an error is one sentence, not a list", answer["detail"], detail)


def unload():
    answer = post("/models/unload", {"model_id": DESIGN})
    same("no load time", sorted(answer), ["error", "memory", "model_id", "state"])
    same("unloaded", (answer["model_id"], answer["state"], answer["error"]), (DESIGN, "unloaded", None))
    measured("unload", answer["memory"])
    same("unloaded twice", post("/models/unload", {"model_id": DESIGN})["state"], "unloaded")
    answer = post("/models/unload", {"model_id": "nobody/knows"})
    same("unknown", (answer["state"], answer["error"]), ("error", "Unknown model: nobody/knows"))
    same("an error is left by unloading", post("/models/unload", {"model_id": "some/unknown-model"})["state"], "unloaded")


# What the original wrote, in its order. # is a number.
LINES = [
    f"Loading model: {BASE}", "Memory before load: # MB", "Model loaded successfully", "Memory after load: # MB (# MB)",
    "Load time: # seconds", f"Model {BASE} already loaded", "Failed to load model some/unknown-model: ",
    "Processing reference audio...", "Generating audio...", "Saving output...", "Generated clone audio: ",
    "Preparing generation parameters...", "Generated control audio: ",
    "Preparing voice design parameters...", "Generating audio with custom voice design...", "Generated design audio: ",
    f"Unloading model: {DESIGN}", "Memory before unload: # MB", "Cleared MLX cache", "Model unloaded successfully",
    "Memory after unload: # MB (# MB)", f"Model {DESIGN} is not loaded (state: unloaded)",
]


def logs():
    entries = get("/logs")["logs"]
    at = 0
    for line in LINES:
        pattern = re.escape(line).replace(r"\#", "#").replace("#", r"[+-]?\d+\.\d")
        found = [i for i in range(at, len(entries)) if re.match(pattern, entries[i]["message"])]
        same(f"the log has {line!r} after {entries[at]['message']!r}", found != [], True)
        at = found[0]
    for e in entries:
        like("timestamp", e["timestamp"], r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")
        same("level", e["level"] in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), True)
    memory = [e["level"] for e in entries if e["message"].startswith(("Memory after", "Load time"))]
    same("memory is told at INFO", set(memory), {"INFO"})
    with open(os.path.join(DIR, ".ttsui", "logs", "ttsui.log"), encoding="utf-8") as f:
        for line in f:
            like("a line of the file", line, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) \| .*\n")


def follow(since, count, then=lambda: None):
    """Reads so many events, as sseclient understands them, and calls then when the stream is open."""
    headers = {"Accept": "text/event-stream"}
    if since is not None:
        headers["Last-Event-ID"] = str(since)
    with requests.get(URL + "/logs/stream", headers=headers, stream=True, timeout=30) as stream:
        same("a stream", stream.headers["Content-Type"], "text/event-stream")
        then()
        events = []
        for event in sseclient.SSEClient(stream).events():
            events.append((event.id, json.loads(event.data)))
            if len(events) == count:
                return events
    return events


def log_stream():
    last = get("/logs?limit=1")["last_id"]
    live = follow(last, 6, lambda: threading.Thread(target=post, args=("/models/load", {"model_id": DESIGN})).start())
    same("ids follow each other", [entry["id"] for _, entry in live], list(range(last + 1, last + 7)))
    for id, entry in live:
        like("the event's id", id, rf"[a-z0-9]+-{entry['id']}")
        same("fields of an event", set(entry) >= {"timestamp", "level", "message"}, True)
    same("reconnecting repeats and misses nothing", follow(live[1][0], 4), live[2:])
    while records()[DESIGN]["state"] != "loaded":
        time.sleep(0.05)


def answers_while_it_speaks():
    """The original answered nothing during a generation."""
    body = {"model_id": CUSTOM, "text": "For ever and ever.", "speaker": "Ryan", "language": "English",
            "output_path": os.path.join(DIR, "long.wav"), "max_frames": 400, "temperature": 0}
    speaking = threading.Thread(target=post, args=("/generate/control", body))
    speaking.start()
    during = 0
    while speaking.is_alive():
        if get("/health")["status"] == "healthy" and records()[CUSTOM]["state"] == "loaded":
            during += 1
        time.sleep(0.01)
    speaking.join()
    same("answers during a generation", during > 3, True)
    same("its file", os.path.exists(body["output_path"]), True)


def clear():
    post("/logs/clear", {})
    same("the log is empty but for requests", [e["message"] for e in get("/logs?level=info")["logs"]], [])


for part in (health_and_models, not_loaded, load, generate, errors, unload, logs, log_stream, answers_while_it_speaks, clear):
    part()
print(f"requests {requests.__version__}, sseclient-py: {checks} checks")
