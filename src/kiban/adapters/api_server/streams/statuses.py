"""How a command or a connection ended, as clients are told on the last channel.

The forms are those of kubelet's remote command server (k8s.io/apimachinery/pkg/api/errors and
client-go/tools/remotecommand).
"""

from typing import Any

import orjson

SUCCESS = orjson.dumps({"metadata": {}, "status": "Success"})


def exit_status(code: int) -> bytes:
    """Success, or the exit code that kubectl ends with too."""
    if code == 0:
        return SUCCESS
    message = f"command terminated with exit code {code}"
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return _failure("NonZeroExitCode", message, causes)


def start_failure(program: str, error: Exception) -> bytes:
    """The program could not be started."""
    if isinstance(error, FileNotFoundError):
        why = "executable file not found in $PATH"
    else:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    inner = f'failed to start: exec: "{program}": {why}'
    message = f"Internal error occurred: error executing command in container: {inner}"
    return _failure("InternalError", message, [{"message": inner}], code=500)


def refusal(port: int, error: OSError) -> bytes:
    """What kubectl shows when nothing listens on a pod's port."""
    return f"unable to connect to port {port} of the pod: {error.strerror or error}".encode()


def _failure(reason: str, message: str, causes: list[dict[str, str]], **more: Any) -> bytes:
    status = {"metadata": {}, "status": "Failure", "message": message, "reason": reason}
    return orjson.dumps({**status, "details": {"causes": causes}, **more})
