"""Files that ask their reader to open another: playlists, session descriptions, reference movies."""

import struct
from collections.abc import Iterator

from tests.hostile.boxes import box, rebuilt

TEXTS = {
    "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
    "hls of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{path}\n#EXT-X-ENDLIST\n",
    "hls of a bare path": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
    "hls with a key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n',
    "hls with a map": '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MAP:URI="{url}"\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n',
    "hls of variants": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n",
    "hls by concat": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nconcat:{url}|{path}\n#EXT-X-ENDLIST\n",
    "hls by subfile": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsubfile,,start,0,end,0,,:{path}\n#EXT-X-ENDLIST\n",
    "playlist": "#EXTM3U\n#EXTINF:9,Call\n{path}\n",
    "ffconcat": "ffconcat version 1.0\nfile '{path}'\n",
    "ffconcat of a link": "ffconcat version 1.0\nfile '{url}'\n",
    "ffconcat with options": "ffconcat version 1.0\noption safe 0\nfile '{path}'\noption protocol_whitelist file,http\n",
    "concat list": "file '{path}'\nfile '{path}'\n",
    "pls": "[playlist]\nNumberOfEntries=1\nFile1={url}\nLength1=-1\nVersion=2\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "sdp over tcp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} TCP/RTP/AVP 0\na=setup:active\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' mediaPresentationDuration='PT9S'>"
    "<Period><AdaptationSet mimeType='audio/mp4'><Representation id='1' bandwidth='1'><BaseURL>{url}</BaseURL>"
    "</Representation></AdaptationSet></Period></MPD>",
    "dash of a file": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>file://{path}</BaseURL></MPD>",
    "xml entity": "<?xml version='1.0'?><!DOCTYPE MPD [<!ENTITY x SYSTEM 'file://{path}'>]><MPD>&x;</MPD>",
    "smil": "<smil><body><audio src='{url}'/></body></smil>",
    "asx": "<asx version='3.0'><entry><ref href='{url}'/></entry></asx>",
    "wmv reference": "[Reference]\nRef1={url}\n",
    "rtsp text": "RTSPtext\nrtsp://127.0.0.1:{port}/\n",
    "quicktime link": "<?xml version='1.0'?><?quicktime type='application/x-quicktime-media-link'?><embed src='{url}'/>",
    "xspf": "<?xml version='1.0'?><playlist xmlns='http://xspf.org/ns/0/'><trackList><track><location>{url}</location></track></trackList></playlist>",
    "cue sheet": 'FILE "{path}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "imf": "<?xml version='1.0'?><CompositionPlaylist xmlns='http://www.smpte-ra.org/schemas/2067-3/2016'><Id>{url}</Id></CompositionPlaylist>",
    "vobsub": "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0\n",
    "avisynth": 'WavSource("{path}")\n',
    "metadata": ";FFMETADATA1\ntitle={path}\n",
    "svg": "<svg xmlns='http://www.w3.org/2000/svg'><image href='{url}'/></svg>",
}
NAMES = ("m3u8", "wav")
"""The ending that names the trick, and an innocent one, in turn."""


def openers(m4a: bytes, path: str, port: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents. `m4a` is a good recording, `path` a file and `port` a server on loopback that no reader may touch."""
    url = f"http://127.0.0.1:{port}/secret.wav"
    for number, (title, text) in enumerate(TEXTS.items()):
        yield f"{title}.{NAMES[number % 2]}", text.format(url=url, path=path, port=port).encode()
    tagged = b"ID3\x03\x00\x00\x00\x00\x00\x0a" + bytes(10)
    yield "a tag before a playlist.mp3", tagged + TEXTS["hls"].format(url=url).encode()
    yield "a movie that refers to a link.mp4", reference_movie(url)
    yield "a movie that refers to a file.mp4", reference_movie(f"file://{path}")
    yield "sound in another file, by alias.m4a", rebuilt(m4a, {b"dref": references(b"alis", alias(path))})
    yield "sound in another file, by url.m4a", rebuilt(m4a, {b"dref": references(b"url ", f"file://{path}\0".encode())})
    yield "sound at an address.m4a", rebuilt(m4a, {b"dref": references(b"url ", f"{url}\0".encode())})


def reference_movie(url: str) -> bytes:
    """A QuickTime movie without sound of its own."""
    place = struct.pack(">I4sI", 0, b"url ", len(url)) + url.encode()
    kind = struct.pack(">I4sII", 0, b"mp4a", 0, 0)
    descriptor = box(b"rmda", box(b"rdrf", place) + box(b"rmcd", kind))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", descriptor))


def references(kind: bytes, where: bytes) -> bytes:
    """A table with one reference that is not to the file itself."""
    return struct.pack(">II", 0, 1) + box(kind, bytes(4) + where)


def alias(path: str) -> bytes:
    """A Macintosh alias record that names an absolute path."""
    volume, name = b"disk", path.rsplit("/", 1)[-1].encode()[:63]
    head = bytes(10) + bytes([len(volume)]) + volume.ljust(27, b"\0") + bytes(12)
    head += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    entry = struct.pack(">hH", 2, len(path)) + path.encode() + b"\0" * (len(path) % 2)
    return head + entry + struct.pack(">hH", -1, 0)
