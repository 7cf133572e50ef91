"""What the embedded engine can do, measured through its API against truth, beside plain faster-whisper.

    make bench-engine                               the example calls in tests/calls
    make bench-engine CALLS=folder,other            other calls: wav, mp3 or flac beside <call>.truth.json
    make bench-engine NOISE=15                      noise at another level in dB; 0 leaves it out
    make bench-engine ARGS="--details --json FILE"  every miss and false alarm; all figures as JSON
    make bench-engine-workers                       two workers with one thread against one with two

The exit status is 1 when a gate (`gates.py`) is missed, unless `--no-gate` is given. What is compared how:

Words: Whisper's English normaliser, then every digit a word. Leading zeros are spaced first, because it would drop them.
Pooled over all calls of a condition; the conversation in the order of its stretches' starts, alike for engine and peer.
Speakers: of the recognised words that are in the truth, the share given to the right speaker.
Noise: pink, on each channel of the stereo recording its own, relative to that channel's speech while it lasts.
Events and sensitive data: see `places.py` and `masking.py`.
CPU: user and system time of the engine's worker with recogniser and decoder, from submitting to results, after one
recording that is not counted (it loads the model); the peer's from decoding on. Both with one thread, taking turns.
Memory: the peaks of worker and recogniser added up.
"""
