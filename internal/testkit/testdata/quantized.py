"""Makes golden/quantized.json: what mlx-audio's converter makes of the golden checkpoints.

    PYTHON quantized.py    (a Python with mlx-audio 0.6.2 and mlx 0.32.4, on the CPU)

For each checkpoint, width and group there are two SHA-256, over name, type, shape and bytes of the tensors in the order
of their names: of all, and of all but the output heads.
"""

import hashlib
import json
import os
import struct
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
from mlx_audio.convert import convert

golden = Path(__file__).parent / "golden"


def digests(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    every, headless = hashlib.sha256(), hashlib.sha256()
    for name in sorted(header):
        t = header[name]
        first, last = t["data_offsets"]
        shape = ",".join(str(n) for n in t["shape"])
        line = f"{name} {t['dtype']} {shape}\n".encode()
        body = data[8 + size + first : 8 + size + last]
        every.update(line + body)
        if "codec_head." not in name and "lm_head." not in name:
            headless.update(line + body)
    return {"all": every.hexdigest(), "but_heads": headless.hexdigest()}


made = {}
for checkpoint in ("base", "custom_voice"):
    for bits in (4, 6, 8):
        for group in (32, 64):
            with tempfile.TemporaryDirectory() as out:
                convert(str(golden / "checkpoints" / checkpoint), out, quantize=True, q_bits=bits, q_group_size=group, model_domain="tts")
                made[f"{checkpoint} {bits} {group}"] = digests(Path(out) / "model.safetensors")
(golden / "quantized.json").write_text(json.dumps(made, indent=1) + "\n")
