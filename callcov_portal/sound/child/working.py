"""One verb of the child, within hard limits."""

import ctypes
import json
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from .decoding import decode
from .drawing import draw
from .examining import examine
from .failures import Failure
from .hearing import hear
from .muting import mute


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


def probed(path: str) -> dict[str, Any]:
    """`probe PATH`."""
    return examine(path)


def decoded(path: str, out: str, rate: str, max_seconds: str) -> dict[str, Any]:
    """`decode PATH OUT RATE MAX_SECONDS`."""
    return decode(path, out, int(rate), float(max_seconds))


def muted(path: str, out: str, max_seconds: str) -> dict[str, Any]:
    """`mute PATH OUT MAX_SECONDS`; the spans come on standard input: there may be more of them than arguments may be long."""
    return mute(path, out, json.load(sys.stdin), float(max_seconds))


def drawn(path: str, max_seconds: str) -> dict[str, Any]:
    """`draw PATH MAX_SECONDS`."""
    return draw(path, float(max_seconds))


def heard(path: str, out: str, max_seconds: str) -> dict[str, Any]:
    """`hear PATH OUT MAX_SECONDS`."""
    return hear(path, out, float(max_seconds))


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    "probe": probed,
    "decode": decoded,
    "draw": drawn,
    "hear": heard,
    "mute": muted,
}


def work(verb: str, path: str, *rest: str) -> dict[str, Any]:
    """Do one verb and put its outcome, whatever it is, into a dictionary."""
    try:
        return {"ok": VERBS[verb](path, *rest)}
    except Failure as failure:
        return {"error": failure.code, "sentence": str(failure)}
    except MemoryError:
        return {"error": "not_audio", "sentence": "The file asks for too much memory: it is damaged."}
    except OSError as trouble:
        return {"error": "unreadable", "sentence": f"The recording could not be read: {trouble.strerror or trouble}."}
    except Exception as trouble:  # noqa: BLE001 - hostile input: nothing may escape untyped
        return {"error": "not_audio", "sentence": f"The file is damaged ({type(trouble).__name__})."}


def main(arguments: list[str]) -> None:
    """`child MEMORY CPU_SECONDS FILE_BYTES VERB PATH …`; prints the outcome as JSON."""
    memory, cpu_seconds, file_bytes, *verb = arguments
    limit_this_process(int(memory), int(cpu_seconds), int(file_bytes))
    print(json.dumps(work(*verb)))  # noqa: T201 - the answer
