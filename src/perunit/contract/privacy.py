"""What perunit.yaml says of privacy: which units are known by pseudonyms only, and what personal data is looked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from perunit.contract.part import Part

__all__ = ["Privacy"]

# As in `shape`, which builds on this.
UnitName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class Privacy(Part):
    """Whose ids are kept as pseudonyms, and with which keys."""

    pseudonymize: tuple[UnitName, ...] = Field((), description="Unit types whose ids are stored as pseudonyms only.")
    key_file: FileName = Field(
        "privacy.keys", description="Below the project, or an absolute path; made by `perunit privacy init`."
    )
    keys_env: str | None = Field(None, description="The environment variable that holds the keys instead of a file.")
    reveal: bool = Field(
        True, description="false: no sealed ids are kept; nobody can reveal a pseudonym or rotate the keys."
    )
    scan: Literal["off", "reject", "hide"] = Field(
        "off", description="What becomes of e-mail addresses, phone, card and account numbers and IP addresses in text."
    )
    allow: tuple[str, ...] = Field(
        (), description="Segments, unit types, `resource`, `type`, `id` or `intent` that are not looked at."
    )
