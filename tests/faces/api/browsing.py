"""A browser as far as a server sees one: it keeps cookies, and says where a request comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

from tests.faces.serving import HTTP, Answer

__all__ = ["Browser"]


@dataclass
class Browser:
    """One browser on one server."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str | None = None
    set_cookies: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """A request of perunit's own page; a header that is None is left out."""
        named: dict[str, str | None] = {"origin": self.address, "sec-fetch-site": "same-origin"}
        named |= {"x-csrf-token": self.csrf, "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()) or None}
        named |= {} if body is None else {"content-type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else json.dumps(body).encode()
        sent = {name: value for name, value in named.items() if value is not None}
        response = HTTP.request(method, f"{self.address}{path}", body=content, headers=sent, redirect=False)
        self._keep(response.headers.getlist("set-cookie"))
        is_json = "json" in response.headers.get("content-type", "")
        answer = Answer(response.status, response.headers, response.json() if is_json else response.data.decode())
        if is_json and isinstance(answer.body, dict) and "csrf_token" in answer.body:
            self.csrf = answer.body["csrf_token"]
        return answer

    def sign_in(self, name: str, password: str, **headers: str | None) -> Answer:
        """With a password."""
        return self.send("POST", "/api/v1/session", {"name": name, "password": password}, **headers)

    def _keep(self, said: list[str]) -> None:
        self.set_cookies = said
        for line in said:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
