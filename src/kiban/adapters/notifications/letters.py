"""Sends one message by one of three ways, and says what became of it.

Secrets come from the environment when they are needed, and never into what an error says.
"""

import asyncio
import hmac
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

import aiohttp
import orjson

from kiban.spec.notifications import Email, Notification

# Answers about the message itself, which the same message will get again.
_ABOUT_THE_MESSAGE = frozenset({400, 413, 422})
_MAIL_TURNED_DOWN = frozenset({552, 554})
SUBJECT_LENGTH = 120


class NotNow(Exception):
    """The receiver did not take it, and may take it later."""


class TurnedDown(Exception):
    """The receiver will never take this message."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is told. `key` is the same at every attempt; `data` is what a webhook gets."""

    key: str
    kind: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


async def sent(letter: Letter, by: Notification, environment: Mapping[str, str]) -> None:
    """Tell it. Raises `NotNow` or `TurnedDown`."""
    if by.email is not None:
        mail = _mail(letter, by.email)
        await asyncio.to_thread(_send_mail, mail, by.email, by.patience, environment)
    elif by.slack is not None:
        text = letter.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        url = _secret(by.slack, environment)
        await _post(url, orjson.dumps({"text": text}), {}, letter, by.patience)
    else:
        body = orjson.dumps(letter.data)
        headers = _signed(body, by, environment)
        await _post(by.webhook or "", body, headers, letter, by.patience)


def _secret(name: str, environment: Mapping[str, str]) -> str:
    found = environment.get(name)
    if not found:
        raise NotNow(f"the environment variable {name} is not set")
    return found


def _signed(body: bytes, by: Notification, environment: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    if by.token is not None:
        headers["Authorization"] = f"Bearer {_secret(by.token, environment)}"
    if by.secret is not None:
        code = hmac.new(_secret(by.secret, environment).encode(), body, sha256).hexdigest()
        headers["X-Kiban-Signature"] = f"sha256={code}"
    return headers


async def _post(
    url: str, body: bytes, headers: Mapping[str, str], letter: Letter, patience: float
) -> None:
    known = {
        "Content-Type": "application/json",
        "User-Agent": "kiban",
        "Idempotency-Key": letter.key,
        "X-Kiban-Event": letter.kind,
        **headers,
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
            session.post(url, data=body, headers=known, allow_redirects=False) as answer,
        ):
            status = answer.status
    except TimeoutError:
        raise NotNow(f"no answer within {patience:g} s") from None
    except aiohttp.ClientError as error:
        # Its own text may name the URL, which may be a secret.
        cause = getattr(error, "os_error", None)
        text = getattr(cause, "strerror", None) or type(error).__name__
        raise NotNow(f"it cannot be reached: {text}") from None
    if status in _ABOUT_THE_MESSAGE:
        raise TurnedDown(f"the answer was {status}")
    if not 200 <= status < 300:
        raise NotNow(f"the answer was {status}")


def _mail(letter: Letter, to: Email) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = to.sender, ", ".join(to.to)
    first, _, _ = letter.text.partition("\n")
    mail["Subject"] = first[:SUBJECT_LENGTH]
    # The same mail at every attempt, so that a mailbox can drop the second.
    mail["Message-ID"] = f"<{letter.key}@{to.sender.rpartition('@')[2] or 'kiban'}>"
    mail["X-Kiban-Event"] = letter.kind
    mail.set_content(letter.text + "\n")
    return mail


def _send_mail(
    mail: EmailMessage, by: Email, patience: float, environment: Mapping[str, str]
) -> None:
    host, _, port = by.server.rpartition(":")
    user = _secret(by.user, environment) if by.user else ""
    password = _secret(by.password, environment) if by.password else ""
    context = ssl.create_default_context()
    # Said in greeting; found out otherwise, by a name service that may take long.
    name = by.sender.rpartition("@")[2] or "localhost"
    try:
        if by.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, int(port), name, timeout=patience, context=context
            )
        else:
            server = smtplib.SMTP(host, int(port), name, timeout=patience)
        with server:
            if by.security == "starttls":
                server.starttls(context=context)
            if user:
                server.login(user, password)
            server.send_message(mail)
    except smtplib.SMTPResponseException as error:
        kind = TurnedDown if error.smtp_code in _MAIL_TURNED_DOWN else NotNow
        raise kind(f"the mail server answered {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _ in error.recipients.values()})
        raise NotNow(f"every address was refused ({codes[0]})") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotNow(f"the mail server cannot be used: {text}") from None
