"""Roles and their permissions: the page is what the program does, and families of measures are what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from perunit.access.permit import OWNER, ROLES, Permission, Permit, Role, roles_with
from perunit.contract.access import RoleName
from perunit.measures.catalogue import MEASURES, Family, Unit, _usage_measures
from perunit.model.errors import ForbiddenError

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"
MONEY = re.compile(r"(recorded|listed|effective|reconciled)_|billed_(direct|usage|shared|fixed|idle|unallocated|all)$")


def table() -> str:
    """Roles and permissions as docs/roles.md shows them; mend the page by writing this to it."""
    lines = [f"| Permission | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 1) + "|"]
    for permission in Permission:
        marks = ("yes" if permission in permissions else "" for permissions in ROLES.values())
        lines.append(f"| `{permission}` | {' | '.join(marks)} |".replace("|  ", "| "))
    return "\n".join(lines) + "\n"


def test_the_page_has_the_table() -> None:
    """docs/roles.md shows for every role and permission what is enforced."""
    assert table() in PAGE.read_text(encoding="utf-8")


def test_every_permission_is_explained() -> None:
    """docs/roles.md says of each permission what it lets a viewer do."""
    text = PAGE.read_text(encoding="utf-8")
    assert [permission for permission in Permission if f"- `{permission}`: " not in text] == []


def test_the_contract_names_the_roles_there_are() -> None:
    """A group of an identity provider can be given every role, and no other."""
    assert get_args(RoleName) == tuple(Role)


def test_what_is_missing_is_named_with_who_has_it() -> None:
    """A refusal names the permission and the roles that have it, so that the reader knows what to ask for."""
    permit = Permit(ROLES[Role.viewer])
    with pytest.raises(ForbiddenError, match="prices:approve is needed, which finance and admin have") as refused:
        permit.require(Permission.APPROVE)
    assert refused.value.permission == "prices:approve"
    assert refused.value.roles == ("finance", "admin")


def test_somebody_has_each_permission_and_only_admin_has_all() -> None:
    """No permission is out of everybody's reach, and no other role may do everything."""
    assert all(roles_with(permission) for permission in Permission)
    assert [role for role, permissions in ROLES.items() if permissions == OWNER.permissions] == [Role.admin]


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_made_of_money_is_financial(name: str) -> None:
    """Whatever is money, or read from a sum of money, is of the financial family; nothing else is."""
    measure = MEASURES[name]
    made_of_money = any(MONEY.match(each) for each in measure.needs())
    assert made_of_money == (measure.family is Family.FINANCIAL)
    assert measure.unit is not Unit.MONEY or made_of_money


def test_quantities_of_meters_are_operational() -> None:
    """How much of a meter was used says nothing of what it costs."""
    assert {measure.family for measure in _usage_measures("cpu_seconds", "s")} == {Family.OPERATIONAL}
