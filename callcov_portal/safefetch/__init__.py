"""Fetches a URL that someone typed, and posts to one, without becoming a way into the network behind us.

The prepared URL is what is judged, for parsers disagree about odd ones. A name is resolved once; every address it
has must be public or allowed, and the connection goes to one of those very addresses, while the Host header, SNI
and the certificate stay with the name. Each redirect starts from the beginning. Bytes and time are capped, the
time by hanging up, so that a trickle of bytes cannot prolong it. No proxy, cookie, .netrc or redirect of requests'
own is used. An own certificate authority is trusted through REQUESTS_CA_BUNDLE or SSL_CERT_FILE.
"""

from callcov_portal.safefetch.errors import Blocked, FetchError, TooLarge, Unreachable
from callcov_portal.safefetch.fetching import Fetched, Head, fetch_to, peek, post
from callcov_portal.safefetch.guard import Guard, check_url, is_public

__all__ = [
    "Blocked",
    "FetchError",
    "Fetched",
    "Guard",
    "Head",
    "TooLarge",
    "Unreachable",
    "check_url",
    "fetch_to",
    "is_public",
    "peek",
    "post",
]
