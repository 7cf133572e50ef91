"""What is heard: probe and decode recordings, always in a limited child process."""

from callcov_portal.sound.reading import decode, decode_to, load_pcm, probe
from callcov_portal.sound.values import FORMATS, NotAudio, Pcm, Probe, SoundError, TooLong

__all__ = ["FORMATS", "NotAudio", "Pcm", "Probe", "SoundError", "TooLong", "decode", "decode_to", "load_pcm", "probe"]
