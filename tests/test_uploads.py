"""How the bytes come in."""

import hashlib
import io
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.test import RequestFactory

from callcov_portal.bodies import WholeBody, in_one_piece, whole_bodies
from callcov_portal.middleware import body_limit, client_address, htmx_redirects
from callcov_portal.uploads import DiskFull, TooLarge, incoming_folder

CONTENT = b"0123456789" * 300_000


def request_with(content: bytes = CONTENT, name: str = "a.wav"):
    return RequestFactory().post(
        "/calls/add/files/", {"file": SimpleUploadedFile(name, content, "audio/wav"), "agent": "x"}
    )


def files_of(request) -> HttpResponse:
    """A view that looks at the files, as every view with a form does."""
    return HttpResponse(str(request.FILES))


def test_a_file_arrives_complete_and_hashed() -> None:
    received = request_with().FILES["file"]
    assert received.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (received.size, received.name, received.content_type) == (len(CONTENT), "a.wav", "audio/wav")
    assert received.path.read_bytes() == CONTENT
    received.close()


def test_a_file_that_nobody_took_is_gone_after_the_request() -> None:
    request_with().close()
    request = request_with()
    request.FILES["file"].close()
    request.FILES["file"].close()
    request.close()
    assert list(incoming_folder().iterdir()) == []


def test_a_file_above_the_limit_is_given_up_where_the_limit_is_reached(settings) -> None:
    settings.CALLCOV_MAX_UPLOAD_MB = 2
    request = request_with()
    with pytest.raises(TooLarge, match="larger than 2 MB"):
        body_limit(files_of)(request)
    assert list(incoming_folder().iterdir()) == []


def test_a_full_disk_is_noticed_before_the_first_byte(monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=10_000_000))
    with pytest.raises(DiskFull, match="10 MB left"):
        request_with().FILES  # noqa: B018
    assert list(incoming_folder().iterdir()) == []


def test_half_a_body_is_never_taken_for_the_whole_and_leaves_nothing() -> None:
    whole = request_with()
    body = whole.body
    environ = {**whole.environ, "wsgi.input": io.BytesIO(body[: len(body) // 2])}

    def view(environ, _start_response):
        with pytest.raises(UnreadablePostError):
            body_limit(files_of)(WSGIRequest(environ))
        return [b"seen"]

    assert list(whole_bodies(view)(environ, None)) == [b"seen"]
    assert list(incoming_folder().iterdir()) == []


@pytest.mark.parametrize("read", [lambda body: body.read(), lambda body: b"".join(iter(lambda: body.readline(7), b""))])
def test_a_whole_body_is_read_to_its_end_and_not_further(read) -> None:
    stream = io.BytesIO(b"one\ntwo three four\nnext request")
    body = WholeBody(stream, 19)
    assert read(body) == b"one\ntwo three four\n"
    assert body.read(5) == b""


def test_a_request_without_a_body_is_left_as_it_is() -> None:
    seen = []
    whole_bodies(lambda environ, _s: seen.append(environ) or [])({"wsgi.input": None}, None)
    assert seen == [{"wsgi.input": None}]


def test_an_answer_that_is_there_as_a_whole_is_a_list_and_closed() -> None:
    closed = []
    whole = HttpResponse(b"whole")
    whole.close = lambda: closed.append("whole")  # type: ignore[method-assign]
    assert in_one_piece(lambda _environ, _start: whole)({}, None) == [b"whole"]
    assert closed == ["whole"]


@pytest.mark.parametrize("answer", [StreamingHttpResponse([b"a", b"b"]), (b"a", b"b"), iter([b"a", b"b"])])
def test_an_answer_that_comes_bit_by_bit_is_left_to_the_server(answer) -> None:
    assert in_one_piece(lambda _environ, _start: answer)({}, None) is answer
    assert list(answer) == [b"a", b"b"]


class TestBodyLimit:
    @pytest.fixture
    def gate(self):
        return body_limit(lambda _request: HttpResponse("in"))

    @pytest.mark.parametrize(
        ("path", "size", "status"),
        [
            ("/login/", 1024 * 1024, 200),
            ("/login/", 1024 * 1024 + 1, 413),
            ("/hooks/callcov/x", 8 * 1024 * 1024, 200),
            ("/hooks/callcov/x", 8 * 1024 * 1024 + 1, 413),
            ("/calls/add/files/", 501 * 1024 * 1024, 200),
            ("/calls/add/files/", 501 * 1024 * 1024 + 1, 413),
        ],
    )
    def test_each_door_has_its_limit(self, gate, path, size, status) -> None:
        request = RequestFactory().post(path)
        request.META["CONTENT_LENGTH"] = str(size)
        assert gate(request).status_code == status

    @pytest.mark.parametrize(
        ("accepts", "kind"),
        [
            ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
            ("application/json", "application/json"),
            ("*/*", "application/json"),
        ],
    )
    def test_a_person_is_told_in_a_page_and_a_program_in_a_document(self, gate, accepts, kind) -> None:
        request = RequestFactory().post("/calls/add/files/", headers={"Accept": accepts})
        request.META["CONTENT_LENGTH"] = str(502 * 1024 * 1024)
        response = gate(request)
        assert (response.status_code, response["Content-Type"]) == (413, kind)
        assert b"larger than 501 MB" in response.content

    def test_the_engine_takes_recordings(self, gate, settings) -> None:
        settings.CALLCOV_ROLE = "engine"
        request = RequestFactory().post("/api/v1/analysis/")
        request.META["CONTENT_LENGTH"] = str(501 * 1024 * 1024)
        assert gate(request).status_code == 200

    def test_a_body_of_unknown_length_is_refused(self, gate) -> None:
        request = RequestFactory().post("/login/")
        request.META.update(CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
        assert gate(request).status_code == 411

    def test_no_body_is_no_trouble(self, gate) -> None:
        request = RequestFactory().post("/login/")
        request.META["CONTENT_LENGTH"] = ""
        assert gate(request).status_code == 200


class TestClientAddress:
    @pytest.mark.parametrize(
        ("trusted", "peer", "forwarded", "expected"),
        [
            ([], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
            (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4", "1.2.3.4"),
            (["10.0.0.0/8"], "10.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
            (["10.0.0.0/8"], "10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),
            (["10.0.0.1"], "10.0.0.1", "", "10.0.0.1"),
            (["10.0.0.1"], "", "1.2.3.4", ""),
        ],
    )
    def test_only_trusted_proxies_are_believed(self, settings, trusted, peer, forwarded, expected) -> None:
        settings.CALLCOV_TRUSTED_PROXIES = trusted
        request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
        request.META["REMOTE_ADDR"] = peer
        assert client_address(request) == expected


class TestHtmxRedirects:
    def answer(self, target: str, *, htmx: bool = True, here: str = "http://testserver/calls/?state=failed"):
        request = RequestFactory().get("/calls/rows/", headers={"HX-Current-URL": here})
        request.htmx = htmx  # type: ignore[attr-defined]
        return htmx_redirects(lambda _r: HttpResponse(status=302, headers={"Location": target}))(request)

    def test_an_ended_session_moves_the_whole_page_and_comes_back_to_it(self) -> None:
        answer = self.answer("/login/?next=/calls/rows/")
        assert answer.status_code == 204
        assert answer.headers["HX-Redirect"] == "/login/?next=%2Fcalls%2F%3Fstate%3Dfailed"

    def test_other_redirects_move_the_page_where_they_lead(self) -> None:
        assert self.answer("/calls/7/").headers["HX-Redirect"] == "/calls/7/"

    def test_without_htmx_a_redirect_stays_a_redirect(self) -> None:
        assert self.answer("/login/", htmx=False).status_code == 302

    def test_only_paths_of_ours_are_come_back_to(self) -> None:
        answer = self.answer("/login/", here="https://evil.example//evil.example/x")
        assert answer.headers["HX-Redirect"].startswith("/login/?next=%2F")
