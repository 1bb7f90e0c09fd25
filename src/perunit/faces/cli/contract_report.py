"""How a check's report looks: to a person, as JUnit XML, as Markdown for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import click

if TYPE_CHECKING:
    from perunit.conformance.report import Finding, Report, Subject

__all__ = ["junit", "markdown", "show"]

_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected")
_VERDICTS = {
    "passed": ("the service emits the contract", "green"),
    "failed": ("the service does not emit the contract", "red"),
    "empty": ("nothing was seen", "yellow"),
}
# XML 1.0 has no word for most control characters, escaped or not.
_NO_XML = {code: "\ufffd" for code in range(0x20) if code not in (0x9, 0xA, 0xD)} | {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def show(report: Report) -> None:
    """The report as text: a table of what was seen, then what was found, then the verdict."""
    if report.subjects:
        _table(report)
    for finding in report.findings:
        failure = report.severity(finding) == "failure"
        label = click.style("failure", fg="red", bold=True) if failure else click.style("warning", fg="yellow")
        click.echo(f"\n{label}  {finding.subject}: {finding.kind}\n    {finding}")
    text, colour = _VERDICTS[report.status]
    click.secho(f"\n{text}", fg=colour, bold=True, nl=False)
    click.echo(f": {_summary(report)}")


def _summary(report: Report) -> str:
    warnings = len(report.findings) - len(report.failures)
    parts = [(report.received, "event"), (len(report.failures), "failure"), (warnings, "warning")]
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in parts)


def _table(report: Report) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("event type or source", overflow="fold")
    for name in ("expected", *_COUNTS):
        table.add_column(name, justify="right")
    for subject in report.subjects:
        counts = [f"{getattr(subject, name):,}" for name in _COUNTS]
        table.add_row(subject.name, "yes" if subject.expected else "", *counts)
    print_table(table)


def markdown(report: Report) -> str:
    """The report as Markdown."""
    text, _ = _VERDICTS[report.status]
    lines = [f"### perunit: {text}", "", _summary(report), ""]
    lines += [f"| event type or source | expected | {' | '.join(_COUNTS)} |", f"|---|---|{'--:|' * len(_COUNTS)}"]
    for subject in report.subjects:
        counts = " | ".join(f"{getattr(subject, name):,}" for name in _COUNTS)
        lines.append(f"| {_cell(subject.name)} | {'yes' if subject.expected else ''} | {counts} |")
    if report.findings:
        lines += [
            "",
            "| | event type or source | what | place and mend | count | example |",
            "|---|---|---|---|--:|---|",
        ]
    for each in report.findings:
        got = "" if each.got is None else f"got {each.got!r}, "
        cells = (
            report.severity(each),
            each.subject,
            each.kind,
            f"{each.place}: {got}{each.expected}",
            f"{each.count:,}",
        )
        lines.append(f"| {' | '.join(map(_cell, (*cells, each.example or '')))} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that ends no cell, starts no markup, and cannot be taken for HTML."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(escaped.split())


def junit(report: Report) -> str:
    """The report as JUnit XML: a test case for each subject, and one for what belongs to none."""
    names = [subject.name for subject in report.subjects]
    others = [each for each in report.findings if each.subject not in names]
    suite = ET.Element("testsuite", name="perunit contract test")
    for subject in report.subjects:
        _judged(suite, report, subject, [each for each in report.findings if each.subject == subject.name])
    for each in others:
        _verdicts(
            ET.SubElement(suite, "testcase", classname="perunit.contract", name=_xml(each.subject)), report, [each]
        )
    if report.status == "empty":
        _element(
            ET.SubElement(suite, "testcase", classname="perunit.contract", name="capture"), "error", "nothing was seen"
        )
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in suite)))
    suite.set("tests", str(len(suite)))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname="perunit.contract", name=_xml(name))


def _judged(suite: ET.Element, report: Report, subject: Subject, findings: list[Finding]) -> None:
    case = _case(suite, subject.name)
    _verdicts(case, report, findings)
    if not subject.expected and not findings:
        _element(case, "skipped", "it was not expected")


def _verdicts(case: ET.Element, report: Report, findings: list[Finding]) -> None:
    """The first failure as JUnit has it, with all of them in its text; warnings as output."""
    failures = [each for each in findings if report.severity(each) == "failure"]
    warnings = [each for each in findings if report.severity(each) == "warning"]
    if failures:
        # What is no event of the contract at all is an error of the capture rather than a failure of a type.
        tag = "error" if all(each.kind in {"unknown type", "unreadable", "command"} for each in failures) else "failure"
        _element(case, tag, f"{failures[0].kind}: {failures[0]}", failures[0].kind, "\n".join(map(str, failures)))
    if warnings:
        ET.SubElement(case, "system-out").text = _xml("\n".join(f"warning: {each.kind}: {each}" for each in warnings))


def _element(case: ET.Element, tag: str, message: str, kind: str = "", text: str = "") -> None:
    element = ET.SubElement(case, tag, {"message": _xml(message)} | ({"type": kind} if kind else {}))
    element.text = _xml(text) or None


def _xml(text: str) -> str:
    return text.translate(_NO_XML).encode("utf-8", "replace").decode()
