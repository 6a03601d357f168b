"""Asks webhooks over HTTPS, for clusters that have questions for those outside."""

import asyncio
import os
import ssl
from collections.abc import Mapping, Sequence

import aiohttp
from yarl import URL

from kiban.cluster.consulting import Question, Reply

# An answer that is longer is no answer.
MOST_BYTES = 3 * 1024 * 1024
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_UNTRUSTED = "tls: failed to verify certificate: x509: certificate signed by unknown authority"


class WebhookCaller:
    """Calls webhooks, those of one write at the same time. The certificate of each must be good
    for the name in its URL."""

    async def ask(self, questions: Sequence[Question]) -> Mapping[Question, Reply]:
        replies = await asyncio.gather(*(self._ask(question) for question in questions))
        return dict(zip(questions, replies, strict=True))

    async def _ask(self, question: Question) -> Reply:
        try:
            async with asyncio.timeout(question.seconds):
                return await _posted(question)
        except TimeoutError:
            return Reply(error="context deadline exceeded")
        except aiohttp.ClientConnectorCertificateError as error:
            return Reply(error=_certificate_fault(error))
        except aiohttp.ClientConnectorError as error:
            said = os.strerror(error.os_error.errno or 0).lower()
            return Reply(error=f"dial tcp {error.host}:{error.port}: connect: {said}")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(error=str(error) or type(error).__name__)


async def _posted(question: Question) -> Reply:
    url = URL(question.url, encoded=True)
    target = url
    if question.address is not None:
        host, port = question.address
        target = url.with_host(host).with_port(port)
    context = ssl.create_default_context(cadata=question.authority or None)
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.post(
            target,
            data=question.body,
            headers={**_HEADERS, "Host": url.authority},
            ssl=context,
            server_hostname=url.host,
            allow_redirects=False,
        ) as answer,
    ):
        body = await answer.content.read(MOST_BYTES + 1)
        while len(body) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
            body += more
        if len(body) > MOST_BYTES:
            return Reply(error=f"the answer is longer than {MOST_BYTES} bytes")
        return Reply(answer.status, body)


def _certificate_fault(error: aiohttp.ClientConnectorCertificateError) -> str:
    fault = error.certificate_error
    said = getattr(fault, "verify_message", "")
    if "ostname mismatch" in said or "IP address mismatch" in said:
        return f"tls: failed to verify certificate: x509: {said[0].lower()}{said[1:]}"
    return _UNTRUSTED
