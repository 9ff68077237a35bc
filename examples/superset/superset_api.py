"""Superset's REST API, as much as is needed here: log in, find, make, change, and the data of a chart."""

import http.cookiejar
import json
import os
import urllib.error
import urllib.parse
import urllib.request


class Superset:
    """Logs in with SUPERSET_URL, SUPERSET_USER and SUPERSET_PASSWORD."""

    def __init__(self) -> None:
        self.url = os.environ.get("SUPERSET_URL", "http://127.0.0.1:8088")
        # The token that guards changes is bound to a session: the cookie has to come back with it.
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.headers = {"Content-Type": "application/json", "Referer": self.url}
        login = {
            "username": os.environ.get("SUPERSET_USER", "admin"),
            "password": os.environ["SUPERSET_PASSWORD"],
            "provider": "db",
        }
        self.headers["Authorization"] = "Bearer " + self.call("POST", "security/login", login)["access_token"]
        self.headers["X-CSRFToken"] = self.call("GET", "security/csrf_token/")["result"]

    def call(self, method: str, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, self.headers, method=method)
        try:
            with self.opener.open(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from None

    def find(self, kind: str, column: str, value: str):
        """The id of the one whose column has that value; None where there is none."""
        query = f"(filters:!((col:{column},opr:eq,value:'{value}')))"
        found = self.call("GET", f"{kind}/?q={urllib.parse.quote(query)}")["result"]
        return found[0]["id"] if found else None

    def put(self, kind: str, column: str, body: dict) -> int:
        """Makes it, or brings the one of that name up to date. Returns its id."""
        there = self.find(kind, column, body[column])
        if there is None:
            return self.call("POST", f"{kind}/", body)["id"]
        self.call("PUT", f"{kind}/{there}", body)
        return there

    def data(self, dataset: int, query: dict) -> list:
        """The rows that a chart with this query shows."""
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query], "force": True}
        return self.call("POST", "chart/data", body)["result"][0]["data"]
