import pytest

from callcov_portal.client.api import Api
from tests.client.peer import Peer


@pytest.fixture
def peer():
    with Peer() as running:
        yield running


@pytest.fixture
def pauses():
    """The seconds that the client would have slept."""
    return []


@pytest.fixture
def api(peer, pauses):
    return Api(peer.url, "sk_live_abc", connect_timeout=10, read_timeout=10, sleep=pauses.append)


@pytest.fixture
def link():
    return {
        "audio_url": "https://example.com/recordings/call-001.wav",
        "agent_id": "agent_john_doe",
        "contact_id": "customer_12345",
        "webhook_url": "https://your-app.example/hooks/1",
        "idempotency_key": "0b0e8f2c-0000-4000-8000-000000000001",
    }
