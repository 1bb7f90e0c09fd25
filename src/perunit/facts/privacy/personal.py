"""Personal data in text, as SQL. Enters: SQL of a text. Leaves: SQL of what kind of personal data is in it, or null.

What has a check digit is held to it, so that an order number is not taken for a card. Nothing here is certain: a
version of four numbers looks like an address. That is what `privacy.allow` is for.
"""

from __future__ import annotations

from perunit.engine.duckdb import literal

__all__ = ["KINDS", "KINDS_OF_KEYS", "kind_sql"]

_EMAIL = r"[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*\.\p{L}{2,}"
# E.164: a plus, a country and at most 15 digits, as people write them.
_PHONE = r"(^|[^0-9A-Za-z+])\+[1-9]([ ().-]{0,2}[0-9]){6,14}($|[^0-9])"
# Issuers begin with 2 to 6; a time in milliseconds with 1.
_CARD = r"(?:^|[^0-9A-Za-z.])([2-6](?:[ -]?[0-9]){12,18})(?:$|[^0-9A-Za-z])"
_IBAN = r"(?:^|[^0-9A-Za-z])([A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,30})"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"(^|[^0-9A-Za-z.])({_OCTET}\.){{3}}{_OCTET}($|[^0-9A-Za-z.])"
_IPV6 = (
    r"(?i)(^|[^0-9a-z:])(([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"
    r"|([0-9a-f]{1,4}:){2,6}(:[0-9a-f]{1,4}){1,5}|([0-9a-f]{1,4}:){2,7}:)($|[^0-9a-z:])"
)
# What every one of the above has: one look lets nearly all text go.
_SUSPECT = (
    r"@|\+[1-9]|[2-6](?:[ -]?[0-9]){12}|[A-Z]{2}[0-9]{2} ?[0-9A-Z]|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|[0-9a-fA-F]:"
)
_IBAN_LENGTHS = (15, 34)

KINDS = ("email", "phone", "iban", "card", "ip")
# Ids are often long numbers, of which one in ten passes a card's check, or name a machine.
KINDS_OF_KEYS = ("email", "phone", "iban")


def kind_sql(text: str, kinds: tuple[str, ...] = KINDS) -> str:
    """SQL of the first of `kinds` that is in `text`, which is SQL of type VARCHAR; null where none is."""
    cases = " ".join(f"WHEN {_found(kind, text)} THEN {literal(kind)}" for kind in kinds)
    return f"CASE WHEN regexp_matches({text}, {literal(_SUSPECT)}) THEN CASE {cases} END END"


def _found(kind: str, text: str) -> str:
    match kind:
        case "email":
            return f"regexp_matches({text}, {literal(_EMAIL)})"
        case "phone":
            return f"regexp_matches({text}, {literal(_PHONE)})"
        case "iban":
            return _any(text, _IBAN, _is_iban)
        case "card":
            return _any(text, _CARD, _is_card)
        case _:
            return f"regexp_matches({text}, {literal(_IPV4)}) OR regexp_matches({text}, {literal(_IPV6)})"


def _any(text: str, pattern: str, holds: str) -> str:
    """Whether one of the matches, without what people put between its characters, holds."""
    found = f"regexp_extract_all({text}, {literal(pattern)}, 1)"
    plain = f"list_transform({found}, lambda found: regexp_replace(found, '[ -]', '', 'g'))"
    return f"coalesce(list_bool_or(list_transform({plain}, lambda plain: {holds})), false)"


# Luhn (ISO/IEC 7812-1): every second digit from the right is doubled, its digits are added; the sum ends in 0.
_IS_CARD_DIGIT = "CAST(substr(plain, length(plain) - nth, 1) AS INTEGER)"
_is_card = (
    f"list_sum(list_transform(range(length(plain)), lambda nth: CASE WHEN nth % 2 = 0 THEN {_IS_CARD_DIGIT} "
    f"WHEN {_IS_CARD_DIGIT} > 4 THEN 2 * {_IS_CARD_DIGIT} - 9 ELSE 2 * {_IS_CARD_DIGIT} END)) % 10 = 0"
)
# ISO 13616: country and check digits go to the end, letters become 10 to 35, and 1 is left of a division by 97. The
# text may go on after the number, so every length is tried.
_is_iban = (
    f"coalesce(list_bool_or(list_transform(range({_IBAN_LENGTHS[0]}, least(length(plain), {_IBAN_LENGTHS[1]}) + 1), "
    "lambda size: list_reduce(list_transform("
    "string_split(substr(plain, 5, size - 4) || left(plain, 4), ''), "
    "lambda sign: CASE WHEN sign <= '9' THEN ascii(sign) - 48 ELSE ascii(sign) - 55 END), "
    "lambda rest, value: (rest * CASE WHEN value > 9 THEN 100 ELSE 10 END + value) % 97) = 1)), false)"
)
