"""JSON over HTTP: an application that answers every error in JSON, and the server that runs it."""

import hmac
import threading
from http import HTTPStatus
from typing import TypeVar

from cheroot.wsgi import Server
from flask import Flask, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import HTTPException

from staging.lifecycle import UnavailableError

HIGHEST_PAGE = 1000


class Payload(BaseModel):
    """A request's body: strict types, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


PayloadT = TypeVar("PayloadT", bound=Payload)


class RefusedError(Exception):
    """The request is answered with `status` and the JSON object `body`."""

    def __init__(self, status: HTTPStatus, /, **body: object) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def bad_request(detail: str) -> RefusedError:
    """Return a 400 for input that isn't valid; `detail` is what would be."""
    return RefusedError(HTTPStatus.BAD_REQUEST, error="bad_request", detail=detail)


def not_found(detail: str) -> RefusedError:
    """Return a 404."""
    return RefusedError(HTTPStatus.NOT_FOUND, error="not_found", detail=detail)


def json_app(name: str, *, body_limit: int) -> Flask:
    """Return an application that takes bodies up to `body_limit` bytes and answers every error in JSON."""
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = body_limit
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.register_error_handler(RefusedError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _refused(refused: RefusedError) -> tuple[Response, int]:
    return jsonify(refused.body), refused.status


def _http_error(error: HTTPException) -> tuple[Response, int]:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    return jsonify(error=status.name.lower(), detail=status.phrase), status


def read_body(model: type[PayloadT]) -> PayloadT:
    """Return the request's JSON body as `model`; refused with 400 and the first error."""
    try:
        return model.model_validate_json(request.get_data(cache=False))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise bad_request(f"{place or 'body'}: {first['msg']}") from None


def read_page() -> tuple[int, int]:
    """Return the query's `after` (0) and `limit` (1000, the most); refused with 400 when they aren't such numbers."""
    after, limit = request.args.get("after", "0"), request.args.get("limit", str(HIGHEST_PAGE))
    if not (after.isdecimal() and len(after) <= 18):  # noqa: PLR2004 - the digits that fit 64 bits
        raise bad_request("after: a whole number from 0")
    if not (limit.isdecimal() and len(limit) <= 4 and 1 <= int(limit) <= HIGHEST_PAGE):  # noqa: PLR2004 - as above
        raise bad_request(f"limit: 1 to {HIGHEST_PAGE}")
    return int(after), int(limit)


def require_token(token: str) -> None:
    """Refuse the request with 401 unless it carries `token` as its bearer token."""
    sent = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(sent, f"Bearer {token}".encode()):
        raise RefusedError(HTTPStatus.UNAUTHORIZED, error="unauthorized", detail="a bearer token is needed")


class HttpServer:
    """A bound server for `app`; `url` holds the port that the system chose for 0."""

    def __init__(self, app: Flask, *, host: str, port: int, threads: int) -> None:
        self._server = Server((host, port), app, numthreads=threads, max=threads, request_queue_size=256, timeout=60)
        # The front keeps its connections; cheroot would close all but ten.
        self._server.keep_alive_conn_limit = 1000
        self._server.shutdown_timeout = 2
        try:
            self._server.prepare()
        except OSError as error:
            raise UnavailableError(f"can't listen on {host}:{port}: {error.strerror or error}") from None
        self.url = f"http://{host}:{self._server.bind_addr[1]}"

    def start(self) -> None:
        """Answer requests from now on, in threads of the server's own."""
        threading.Thread(target=self._server.serve, name="accept", daemon=True).start()

    def stop(self) -> None:
        """Take no more requests and let those under way finish, for at most two seconds."""
        self._server.stop()
