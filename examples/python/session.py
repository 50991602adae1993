"""An HTTP client with the usual calls of `requests`, on Python's own http.client: get, post, json, raise_for_status."""

import http.client
import json
import urllib.parse


class HTTPError(Exception):
    pass


class Response:
    def __init__(self, url, answer):
        self.url = url
        self.status_code = answer.status
        self.reason = answer.reason
        self.headers = answer.headers
        self.content = answer.read()

    @property
    def text(self):
        return self.content.decode(self.headers.get_content_charset() or "utf-8")

    def json(self):
        return json.loads(self.content)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise HTTPError(f"{self.status_code} {self.reason} for {self.url}")


class Session:
    """Keeps one connection open for each host. `timeout`, in seconds, limits each wait for the peer."""

    def __init__(self, timeout=None):
        self.timeout = timeout
        self.connections = {}

    def request(self, method, url, params=None, json=None):
        parts = urllib.parse.urlsplit(url)
        query = "&".join(filter(None, [parts.query, urllib.parse.urlencode(params or {})]))
        target = (parts.path or "/") + (f"?{query}" if query else "")
        body, headers = encoded(json)
        connection = self.connections.get(parts.netloc)
        if connection is None:
            connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
            self.connections[parts.netloc] = connection
        try:
            connection.request(method, target, body, headers)
            return Response(url, connection.getresponse())
        except BaseException:
            connection.close()  # the next request connects again
            raise

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def post(self, url, **options):
        return self.request("POST", url, **options)

    def close(self):
        for connection in self.connections.values():
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def encoded(value):
    if value is None:
        return None, {}
    return json.dumps(value).encode(), {"Content-Type": "application/json"}
