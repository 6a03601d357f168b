"""Files and directories that a service is given."""

from typing import Literal

from pydantic import Field

from kiban.spec.words import AbsolutePath, Mode, Quantity, Text, Words


class File(Words):
    """A file that the program finds at the path that is its key."""

    content: str | None = Field(default=None, description="The text.")
    secret: Text | None = Field(default=None, description="Or what a secret holds, as secret/key.")
    base64: Text | None = Field(default=None, description="Or bytes, encoded.")
    expand: bool = Field(
        default=False,
        description="Fill in `${environment}` and the like, and `${services.user.url}`, as in "
        "`env`.",
    )
    mode: Mode | None = Field(default=None, description="Permissions in octal, like 0644.")


class Volume(Words):
    """A directory that may be written. What is temporary lives as long as the instance; a disk is
    each instance's own and stays (EBS); what is shared is the same for all (EFS)."""

    path: AbsolutePath = Field(description="Where the program finds it.")
    type: Literal["temporary", "memory", "disk", "shared"] = Field(
        default="temporary", description="`temporary`, `memory`, `disk` or `shared`."
    )
    size: Quantity | None = Field(
        default=None, description="At most so much; a disk has 10Gi by default."
    )
    storage_class: Text | None = Field(
        default=None, description="The StorageClass; the cluster's default, or `efs` if shared."
    )
    read_only: bool = Field(default=False, description="The program only reads.")
