"""Why a patch could not be applied, as the API server answers it."""


class PatchRefused(Exception):
    """A patch that cannot be applied: HTTP status, `Status.reason` and message."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code, self.reason, self.message = code, reason, message
        super().__init__(message)


def bad_request(message: str) -> PatchRefused:
    return PatchRefused(400, "BadRequest", message)


def unprocessable(
    message: str = "the server rejected our request due to an error in our request",
) -> PatchRefused:
    return PatchRefused(422, "Invalid", message)


def internal(message: str) -> PatchRefused:
    """Kubernetes answers 500 where its merge library gives up without a type of error."""
    return PatchRefused(500, "", message)
