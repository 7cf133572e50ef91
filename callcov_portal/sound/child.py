"""One hostile file, one process, hard limits: what runs inside the child that reads a recording.

Started by path (`python -I child.py VERB …`) and not as a module: the package's own imports would triple the
start-up time, and a process that a hostile file may take over should know as little as possible. So this
module imports nothing of ours. It prints one JSON object: `{"ok": {…}}` or `{"error": code, "sentence": …}`.
"""

import ctypes
import json
import math
import re
import resource
import signal
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, NoReturn

import av
import puremagic

# FFmpeg's demuxers for the nine formats. Everything else is refused before it can parse: among the others are
# demuxers that open other files or addresses (concat, HLS, DASH) or listen on the network (SDP).
DEMUXERS = "wav,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg"
DECLARES_LENGTH = {"wav", "flac", "mp4", "m4a"}  # whose header states a length that can be relied on
COUNTED_FRAMES = re.compile(
    rb"\xff[\xe0-\xff]..(?:.{9}|.{17}|.{32})(?:Xing|Info)", re.DOTALL
)  # in the first frame of an MP3
COUNT_SECONDS = 8.0  # time given to counting packets, after which the header is believed
TRIAL_PACKETS = 400  # packets in which at least one frame must be decodable
MAX_CHANNELS = 8  # beyond, FFmpeg keeps planes elsewhere, where PyAV 18 does not look (it crashed on a mutated file)
RATES = range(2000, 768_001)  # samples a second; a lie of 1 would make hours out of a packet
MIXED_ABOVE = 2


class Failure(Exception):
    """Ends the work with a code (`not_audio`, `too_long`) and a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def refuse(sentence: str) -> NoReturn:
    """Nothing in this file can be heard."""
    raise Failure("not_audio", sentence)


def clock(seconds: float) -> str:
    """A length in words people use: `3 min 20 s`."""
    whole = round(seconds)
    parts = [(whole // 3600, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"


def first_look(path: str) -> None:
    """Refuse what is plainly something else (a PDF, a picture, a ZIP) with its name; leave doubts to FFmpeg."""
    try:
        guesses = [g for g in puremagic.magic_file(path) if len(g.byte_match) >= 4]
    except Exception:  # noqa: BLE001 - only a first look: what it cannot name, FFmpeg judges
        return
    kinds = [g.mime_type for g in guesses if g.mime_type]
    if kinds and not any(k.startswith(("audio/", "video/")) or "ogg" in k for k in kinds):
        zipped = guesses[0].byte_match.startswith(b"PK")
        refuse(
            f"This is not a recording: it is {'a ZIP archive or an Office document' if zipped else guesses[0].name}."
        )


class Opened:
    """An open container and its first audio stream. Raises Failure when there is none."""

    def __init__(self, file: BinaryIO) -> None:
        # A file object, never a path: so FFmpeg needs no protocol and can open nothing else.
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
        try:
            self.container = av.open(file, mode="r", options=options, metadata_errors="ignore")
        except MemoryError:
            raise
        except Exception as trouble:  # PyAV leaks UnicodeDecodeError, IndexError and others
            raise Failure("not_audio", "This is not an audio file in a supported format.") from trouble
        if not self.container.streams.audio:
            refuse("There is no sound in this file, only pictures or data.")
        self.stream = self.container.streams.audio[0]
        context: Any = self.stream.codec_context
        if context is None or context.sample_rate not in RATES or not 1 <= context.channels <= MAX_CHANNELS:
            refuse("The sound in this file is of a kind that cannot be decoded.")
        context.thread_count = 1
        self.context = context

    def declared_seconds(self) -> float:
        """The length that the header claims, 0.0 if it says nothing."""
        ticks, base = self.stream.duration, self.stream.time_base
        if ticks and base and ticks > 0:
            return float(ticks * base)
        return max(0.0, (self.container.duration or 0) / 1_000_000)

    def packets(self) -> Iterator[Any]:
        """Demux packet by packet; damage ends the stream instead of raising."""
        try:
            yield from self.container.demux(self.stream)
        except (av.FFmpegError, ValueError, IndexError):
            return

    def frames(self, packets: int | None = None) -> Iterator[Any]:
        """Decode packet by packet (at most so many), skipping damaged ones."""
        for packet in islice(self.packets(), packets):
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError, IndexError):
                continue


def format_of(opened: Opened, head: bytes) -> tuple[str, str]:
    """Return the API's name of the format and the media type."""
    demuxer = opened.container.format.name
    video = any(not s.disposition & s.disposition.attached_pic for s in opened.container.streams.video)
    if demuxer.startswith("mov"):
        apple = head[4:8] == b"ftyp" and head[8:11] in {b"M4A", b"M4B"}
        return ("m4a", "audio/mp4") if apple else ("mp4", "video/mp4" if video else "audio/mp4")
    if demuxer.startswith("matroska"):
        if not re.search(rb"\x42\x82.{1,8}webm", head[:256], re.DOTALL):
            refuse("Matroska (.mkv) files are not supported: save the sound as WebM, MP3 or WAV.")
        return "webm", "video/webm" if video else "audio/webm"
    if demuxer == "mp3":
        layer3 = str(opened.context.name).startswith("mp3")
        return ("mp3" if layer3 else "mpga"), "audio/mpeg"
    mimes = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "mpeg": "video/mpeg"}
    return demuxer, mimes[demuxer]


def counted_seconds(opened: Opened) -> float | None:
    """Add up the packets' lengths: what is really there. None if they carry no lengths or time runs out."""
    ticks, stop = 0, time.monotonic() + COUNT_SECONDS
    for packet in opened.packets():
        ticks += packet.duration or 0
        if time.monotonic() > stop:
            return None
    return float(ticks * opened.stream.time_base) if ticks and opened.stream.time_base else None


def announced_by_wav(head: bytes, size: int, seconds: float) -> float:
    """The length that a WAV header states; FFmpeg reports only what the file has room for."""
    at = head.find(b"data", 12)
    stated = int.from_bytes(head[at + 4 : at + 8], "little") if at > 0 else 0
    if stated >= 0x7FFFF000:  # recorders that write while they listen claim the largest size there is
        return seconds
    return seconds * stated / max(1, size - at - 8)


def check_not_cut_off(name: str, head: bytes, declared: float, counted: float) -> None:
    """A cut recording would give false results (a disclosure that seems missing), so it is refused."""
    reliable = name in DECLARES_LENGTH or (name == "mp3" and COUNTED_FRAMES.search(head))
    if reliable and counted < declared * 0.95 - 1:
        refuse(f"The file is cut off: it announces {clock(declared)} of sound but holds only {clock(counted)}.")


def examine(path: str) -> dict[str, Any]:
    """Look at the file. Returns Probe's fields; raises Failure when there is nothing to hear."""
    with open(path, "rb") as file:
        head = file.read(65536)
        file.seek(0)
        if not head:
            refuse("The file is empty.")
        first_look(path)
        opened = Opened(file)
        name, mime = format_of(opened, head)
        if not any(frame.samples for frame in opened.frames(TRIAL_PACKETS)):
            refuse("There is no sound in this file that can be decoded: it is damaged or cut off.")
        context = opened.context
        facts = {
            "codec": context.codec.canonical_name,
            "channels": context.channels,
            "sample_rate": context.sample_rate,
        }
    with open(path, "rb") as file:  # from the start again: not every container can be rewound
        opened = Opened(file)
        declared, counted = opened.declared_seconds(), counted_seconds(opened)
        size = file.seek(0, 2)
    if counted is not None:
        check_not_cut_off(name, head, announced_by_wav(head, size, counted) if name == "wav" else declared, counted)
    seconds = counted if counted is not None else declared
    if not 0 < seconds < math.inf:
        refuse("There is no sound in this file.")
    return {"format": name, "mime": mime, "duration_seconds": seconds, **facts}


class Resampler:
    """Frames of any kind in, interleaved float32 at one rate out, always with the same number of channels.

    FFmpeg's resampler fixes its input at the first frame; streams may change theirs, so a new one is made then.
    """

    def __init__(self, channels: int, rate: int) -> None:
        self.channels = 1 if channels > MIXED_ABOVE else channels
        self.rate = rate
        self.kind: tuple[Any, ...] = ()
        self.engine: Any = None

    def take(self, frame: Any) -> bytes:
        if frame.sample_rate not in RATES or frame.layout.nb_channels > MAX_CHANNELS:
            refuse("The sound in this file is damaged: its speed or its number of channels makes no sense.")
        if frame.layout.nb_channels > MIXED_ABOVE:
            frame = mixed(frame)
        frame.pts = None  # samples are laid end to end: wild time stamps must not stretch them
        kind, flushed = (frame.format.name, frame.layout.name, frame.sample_rate), b""
        if kind != self.kind:
            flushed, self.engine, self.kind = self.rest(), self._fresh(), kind
        return flushed + b"".join(self._bytes(out) for out in self.engine.resample(frame))

    def rest(self) -> bytes:
        return b"".join(self._bytes(out) for out in self.engine.resample(None)) if self.engine else b""

    def _fresh(self) -> Any:
        return av.AudioResampler(format="flt", layout="stereo" if self.channels == 2 else "mono", rate=self.rate)

    def _bytes(self, frame: Any) -> bytes:
        return bytes(frame.planes[0])[: frame.samples * self.channels * 4]


def mixed(frame: Any) -> Any:
    """The plain mean of more than two channels, as one: no layout tells which of them is the speaker's."""
    import numpy as np  # noqa: PLC0415 - 80 ms that few recordings need

    packed = av.AudioResampler(format="flt").resample(frame)[0]
    count = packed.layout.nb_channels
    flat = np.frombuffer(bytes(packed.planes[0]), np.float32, packed.samples * count)
    samples = flat.reshape(-1, count).mean(axis=1, dtype=np.float32)[None]
    mono = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono


def decode(path: str, out: str, rate: int, max_seconds: float) -> dict[str, Any]:
    """Write the samples of `path` to `out`. Returns Pcm's fields; stops as soon as the limit is passed."""
    facts = examine(path)
    limit = int(max_seconds * rate)
    too_long = Failure(
        "too_long", f"The recording lasts longer than {clock(max_seconds)}, the most that can be analysed."
    )
    if facts["duration_seconds"] > max_seconds + 1:
        raise too_long
    with open(path, "rb") as source, open(out, "wb") as sink:
        opened = Opened(source)
        resampler = Resampler(facts["channels"], rate)
        width, written = 4 * resampler.channels, 0
        for frame in opened.frames():
            written += sink.write(resampler.take(frame))
            if written // width > limit + rate:
                raise too_long
        written += sink.write(resampler.rest())
    samples = written // width
    if samples < facts["duration_seconds"] * rate * 0.5 or not samples:
        refuse("Most of the sound in this file is damaged and cannot be decoded.")
    return {"channels": resampler.channels, "samples": samples, "sample_rate": rate}


def limit_this_process(memory: int, cpu_seconds: int, file_bytes: int) -> None:
    """Hard limits, and death with the parent: a decoder that went wild takes nothing with it."""
    limits = [(resource.RLIMIT_AS, memory, 0), (resource.RLIMIT_FSIZE, file_bytes, 0)]
    limits += [(resource.RLIMIT_NOFILE, 32, 0), (resource.RLIMIT_CORE, 0, 0)]
    # The hard limit is later, so that the end for too much work can be told from a SIGKILL by somebody else.
    limits += [(resource.RLIMIT_CPU, cpu_seconds, 2)]
    for what, soft, spare in limits:
        most = resource.getrlimit(what)[1]
        hard = soft + spare if most == resource.RLIM_INFINITY else min(soft + spare, most)
        resource.setrlimit(what, (min(soft, hard), hard))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a full limit is then an OSError, which can be told
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def work(verb: str, path: str, *rest: str) -> dict[str, Any]:
    """Do one verb and put its outcome, whatever it is, into a dictionary."""
    try:
        if verb == "decode":
            out, rate, max_seconds = rest
            return {"ok": decode(path, out, int(rate), float(max_seconds))}
        return {"ok": examine(path)}
    except Failure as failure:
        return {"error": failure.code, "sentence": str(failure)}
    except MemoryError:
        return {"error": "not_audio", "sentence": "The file asks for too much memory: it is damaged."}
    except OSError as trouble:
        return {"error": "unreadable", "sentence": f"The recording could not be read: {trouble.strerror or trouble}."}
    except Exception as trouble:  # noqa: BLE001 - hostile input: nothing may escape untyped
        return {"error": "not_audio", "sentence": f"The file is damaged ({type(trouble).__name__})."}


def main(arguments: list[str]) -> None:
    """`child.py MEMORY CPU_SECONDS FILE_BYTES VERB PATH …`; prints the outcome as JSON."""
    memory, cpu_seconds, file_bytes, *verb = arguments
    limit_this_process(int(memory), int(cpu_seconds), int(file_bytes))
    print(json.dumps(work(*verb)))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(sys.argv[1:])
