"""Makes sample.json, what `werift_client.mjs` sends: two seconds of VP8 that begin with a keyframe, and a second of Opus.

Run it again only to change the sample: encoders of other versions write other bytes.
"""

import base64
import fractions
import json
import math
import pathlib
import random

import av

WIDTH, HEIGHT, FRAME_RATE, FRAMES = 160, 120, 15, 30
SAMPLE_RATE, SAMPLES, SOUNDS, HZ = 48_000, 960, 50, 660
HUE = (60, 60)


def pictures():
    """A bar that wanders over grain, so that pictures fill several packets."""
    grain = random.Random(1)
    lines = [bytes(grain.randrange(0x48, 0x78) for _ in range(WIDTH)) for _ in range(HEIGHT)]
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = fractions.Fraction(1, FRAME_RATE)
    encoder.bit_rate = 120_000
    encoder.gop_size = FRAMES
    encoder.options = {"deadline": "realtime", "cpu-used": "4", "lag-in-frames": "0", "error-resilient": "1"}
    for count in range(FRAMES):
        at = count * 5 % (WIDTH - 16)
        bright = [line[:at] + b"\xe0" * 16 + line[at + 16 :] for line in lines]
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        u, v = ([bytes([value]) * (WIDTH // 2)] * (HEIGHT // 2) for value in HUE)
        for plane, rows in zip(frame.planes, (bright, u, v)):
            plane.update(b"".join(row.ljust(plane.line_size, b"\0") for row in rows))
        frame.pts = count
        frame.time_base = encoder.time_base
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def loud(index):
    """A tone that swells once in a second, so that no two packets are alike."""
    turn = 2 * math.pi * index / SAMPLE_RATE
    return int((9_000 + 3_000 * math.sin(turn)) * math.sin(HZ * turn))


def sounds():
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "s16"
    encoder.bit_rate = 24_000
    for count in range(SOUNDS):
        frame = av.AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        samples = b"".join(
            loud(index).to_bytes(2, "little", signed=True)
            for index in range(count * SAMPLES, (count + 1) * SAMPLES)
        )
        frame.planes[0].update(samples)
        frame.sample_rate = SAMPLE_RATE
        frame.pts = count * SAMPLES
        yield from encoder.encode(frame)


def texts(packets):
    return [base64.b64encode(bytes(packet)).decode() for packet in packets]


sample = {
    "vp8": {"width": WIDTH, "height": HEIGHT, "hue": HUE, "frame_rate": FRAME_RATE, "frames": texts(pictures())},
    "opus": {"hz": HZ, "frames": texts(sounds())},
}
pathlib.Path(__file__).with_name("sample.json").write_text(json.dumps(sample, indent=0) + "\n")
