"""Writes frozen.json.gz: 2,000 texts with the ids that Hugging Face's tokenizers 0.23.3 gives them, and the pieces it
cuts their NFC into, as lengths in bytes.

Run with the folder of a checkpoint as argument; needs `pip install tokenizers==0.23.3`. Left out on purpose:
characters newer than Unicode 15 and runs of more than thirty combining marks (see the package's doc), and texts with
a mark so new that this library's NFC, which is older than Python's, does not know its class yet.
"""
import gzip, json, os, random, sys, unicodedata
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")

SPLIT = pre_tokenizers.Split(Regex(PATTERN), "isolated")
NFC = normalizers.NFC()


def load(folder):
    lines = open(folder + "/merges.txt", encoding="utf8").read().split("\n")[1:]
    vocab = json.load(open(folder + "/vocab.json", encoding="utf8"))
    t = Tokenizer(models.BPE(vocab, [tuple(line.split(" ")) for line in lines if line]))
    t.normalizer = NFC
    t.pre_tokenizer = pre_tokenizers.Sequence([
        SPLIT,
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return t, vocab


# Unicode 14 at most (Python 3.11), assigned, no surrogates and no private use.
CHARS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
MARKS = [c for c in CHARS if unicodedata.combining(c)]
SPACES = [c for c in CHARS if c.isspace()] + ["\r\n", "\n\n", "  ", "   ", "\t "]
NUMBERS = [c for c in CHARS if unicodedata.category(c)[0] == "N"]
SUFFIXES = ["'s", "'T", "'re", "'VE", "'m", "'Ll", "'D", "'\u017f", "'x", "''", "\u2019s"]
SYMBOLS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") + ["...", "--", "\u2014", "\u3002", "\uff0c", "\u00bf"]
EMOJI = ["\U0001f389", "\U0001f469\u200d\U0001f467", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3"]
RANGES = [(0x41, 0x5a), (0x61, 0x7a), (0xc0, 0x24f), (0x370, 0x3ff), (0x400, 0x4ff), (0x531, 0x586), (0x5d0, 0x5ea),
          (0x620, 0x64a), (0x900, 0x97f), (0xe00, 0xe5b), (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x1200, 0x137c),
          (0x1e00, 0x1fff), (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0xf900, 0xfad9), (0xfb00, 0xfdff),
          (0xff01, 0xffee), (0x1d400, 0x1d7ff), (0x20000, 0x2a6df), (0x2f800, 0x2fa1d)]
ASSIGNED = set(CHARS)


def words(r, vocab):
    low, high = r.choice(RANGES)
    return r.choice([
        lambda: "".join(c for c in (chr(r.randint(low, high)) for _ in range(r.randint(1, 8))) if c in ASSIGNED),
        lambda: "".join(r.choice(vocab) for _ in range(r.randint(1, 4))),
        lambda: r.choice(["the", "Hello", "WORLD", "camelCase", "iPhone", "Stra\u00dfe", "na\u00efve", "\u4f60\u597d"]),
        lambda: "".join(r.choice(CHARS) for _ in range(r.randint(1, 6))),
        lambda: r.choice("aeouAEOU\u0915\u05d0") + "".join(r.choice(MARKS) for _ in range(r.randint(1, 4))),
        lambda: r.choice(SUFFIXES),
        lambda: "".join(r.choice(SYMBOLS) for _ in range(r.randint(1, 4))),
        lambda: "".join(r.choice(NUMBERS[:10] if r.random() < .7 else NUMBERS) for _ in range(r.randint(1, 6))),
        lambda: r.choice(EMOJI),
        lambda: chr(r.randint(0, 31)),
        lambda: "".join(r.choice(SPACES) for _ in range(r.randint(1, 5))),
        lambda: r.choice(" \n") * r.randint(1, 4),
    ])()


def main():
    tokenizer, vocab = load(sys.argv[1])
    visible = [w for w in vocab if w.isascii()]
    r = random.Random(20260101)
    rows, seen = [], set()
    while len(rows) < 2000:
        glue = r.choice(["", " ", " "])
        text = glue.join(words(r, visible) for _ in range(r.randint(1, 12)))
        nfc = NFC.normalize_str(text)
        if nfc == unicodedata.normalize("NFC", text) and text not in seen:
            seen.add(text)
            rows.append({"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids,
                         "pieces": [len(piece.encode()) for piece, _ in SPLIT.pre_tokenize_str(nfc)]})
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frozen.json.gz")
    with gzip.GzipFile(out, "wb", 9, mtime=0) as f:
        f.write(json.dumps(rows, ensure_ascii=True, separators=(",", ":")).encode())


main()
