"""Keyword spotting with res8 (Tang and Lin 2018, arXiv:1710.10361), from waveforms."""

import hashlib
import math
import random
import re
import wave
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
CLASSES = ["silence", "unknown", *WORDS]
RATE = 16_000  # samples in a second, the length of a waveform


def load(folder):
    """Return Speech Commands: waveforms float32 [N, 1, 16000] by the hash of their speakers."""
    parts, unknown = {"train": [], "validation": [], "test": []}, []
    for file in sorted(folder.glob("[!_]*/*.wav")):
        word = file.parent.name
        if word not in WORDS:
            unknown.append((file, 1))
            continue
        speaker = re.sub("_nohash_.*$", "", file.name)
        most = 2**27 - 1
        bucket = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (most + 1) * (100 / most)
        part = "validation" if bucket < 10 else "test" if bucket < 20 else "train"
        parts[part].append((file, 2 + WORDS.index(word)))
    random.shuffle(unknown)
    for rows in parts.values():
        known = len(rows)
        rows.extend(unknown.pop() for _ in range(known // 10))
        rows.extend((None, 0) for _ in range(known // 10))
    made = {part: (waves(rows), np.array([y for _, y in rows])) for part, rows in parts.items()}
    return {**made, "classes": CLASSES}


def waves(rows):
    x = np.zeros((len(rows), 1, RATE), np.float32)
    for row, (file, _) in enumerate(rows):
        sound = np.zeros(0) if file is None else samples(file)[:RATE]
        x[row, 0, : len(sound)] = sound
    return x


def samples(file):
    with wave.open(str(file)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768


def shifted(sound, most):
    """Shift a waveform by at most `most` samples, and fill with silence."""
    shift = random.randint(-most, most)
    moved = sound.roll(-shift, -1)
    if shift:
        moved[..., slice(-shift, None) if shift > 0 else slice(0, -shift)] = 0
    return moved


class Noise:
    """Add background noise of a random place and volume to a share of the waveforms."""

    def __init__(self, folder, share):
        files = sorted(Path(folder).glob("*.wav"))
        self.noises = [torch.tensor(samples(file), dtype=torch.float32) for file in files]
        self.share = share

    def __call__(self, sound):
        if random.random() >= self.share:
            return sound
        noise = random.choice(self.noises)
        start = random.randint(0, len(noise) - RATE - 1)
        return (sound + random.random() * 0.1 * noise[start : start + RATE]).clamp(-1, 1)


class Mfcc(nn.Module):
    """Waveforms [B, 1, T] to 40 cepstral coefficients [B, 1, frames, 40], as librosa has them."""

    def __init__(self, bands=40, size=480, hop=160, low=20, high=4000):
        super().__init__()
        self.size, self.hop = size, hop
        edges = to_hertz(torch.linspace(to_mel(low), to_mel(high), bands + 2))
        pitch = torch.linspace(0, RATE / 2, size // 2 + 1)
        rising = (pitch - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
        falling = (edges[2:, None] - pitch) / (edges[2:] - edges[1:-1])[:, None]
        filters = torch.minimum(rising, falling).clamp(min=0)
        filters = filters * (2 / (edges[2:] - edges[:-2]))[:, None]
        place = torch.arange(bands)
        waves = torch.cos(math.pi / bands * (place[None] + 0.5) * place[:, None])
        waves = waves * math.sqrt(2 / bands)
        waves[0] /= math.sqrt(2)
        self.register_buffer("filters", filters)
        self.register_buffer("waves", waves)

    def forward(self, x):
        window = torch.hann_window(self.size, device=x.device)
        parts = torch.stft(x[:, 0], self.size, self.hop, window=window, return_complex=True)
        power = self.filters @ parts.abs().square()  # [B, bands, frames]
        logs = torch.where(power > 0, power.clamp(min=1e-30).log(), power)
        return (self.waves @ logs).transpose(1, 2)[:, None]


def to_mel(hertz):
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def to_hertz(mel):
    return torch.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


class Res8(nn.Module):
    def __init__(self, classes, maps):
        super().__init__()
        self.mfcc = Mfcc()
        self.first = nn.Conv2d(1, maps, 3, padding=1, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv2d(maps, maps, 3, padding=1, bias=False) for _ in range(6)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(maps, affine=False) for _ in range(6))
        self.output = nn.Linear(maps, classes)

    def forward(self, x):
        x = before = F.avg_pool2d(self.first(self.mfcc(x)).relu(), (4, 3))
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = conv(x).relu()
            if i % 2:
                x = before = x + before
            x = norm(x)
        return self.output(x.mean((2, 3)))
