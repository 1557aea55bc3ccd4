"""A picture with at most 256 colours, as a PNG with a palette: a third of the size, and nobody sees the difference."""

import base64
import struct
import zlib
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

_EXACT = 32
_PIXELS = """async data => {
  const image = new Image()
  image.src = 'data:image/png;base64,' + data
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const bytes = context.getImageData(0, 0, image.width, image.height).data
  let text = ''
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
  return [image.width, image.height, btoa(text)]
}"""


def shrink(browser: Browser, file: Path) -> None:
    """Writes the file anew. The browser decodes it: nothing else here can."""
    page = browser.new_page()
    width, height, raw = page.evaluate(_PIXELS, base64.b64encode(file.read_bytes()).decode())
    page.close()
    pixels = np.frombuffer(base64.b64decode(raw), np.uint8).reshape(-1, 4)[:, :3]
    colours, places, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    palette = _palette(colours, counts)
    away = ((colours[:, None, :].astype(int) - palette[None, :, :].astype(int)) ** 2).sum(axis=2)
    rows = away.argmin(axis=1).astype(np.uint8)[places.reshape(-1)].reshape(height, width)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (b"IHDR", head), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))


def _palette(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The most frequent colours as they are, then the most frequent of each neighbourhood: a rare hue has few pixels,
    and means something (an error, a kind of span)."""
    order = np.argsort(-counts)
    _, firsts = np.unique(colours[order] >> 4, axis=0, return_index=True)
    chosen = dict.fromkeys([*range(min(_EXACT, len(order))), *sorted(firsts)])
    return colours[order[list(chosen)[:256]]]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
