"""A report in the forms that people and their tools read."""

from collections.abc import Callable

from kiban.audit.reports import html, junit, markdown, sarif
from kiban.audit.results import Report

FORMATS: dict[str, Callable[[Report], str]] = {
    "sarif": sarif.written,
    "junit": junit.written,
    "markdown": markdown.written,
    "html": html.written,
}
