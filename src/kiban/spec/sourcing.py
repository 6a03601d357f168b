"""What a platform delivers beside its services, and how its Secrets come to the clusters."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from kiban.spec.words import Name, Span, Text, Words, wrong


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise wrong(f"{path!r} leads out of the repo; what is delivered must be in the commit")
    return path.rstrip("/") or "."


RepoPath = Annotated[str, AfterValidator(_inside)]


class SourceChange(Words):
    """What is different about a source in one environment."""

    path: RepoPath | None = Field(default=None, description="Another directory.")
    version: Text | None = Field(default=None, description="Another version of the chart.")
    namespace: Text | None = Field(default=None, description="Another namespace.")
    values: list[Text] | None = Field(default=None, description="Other files of Helm values.")
    set: dict[str, Any] | None = Field(default=None, description="Helm values, over the others.")


class Source(Words):
    """A directory of manifests that is delivered as it is, such as an add-on: plain YAML, or
    rendered by Kustomize or Helm. `{environment}` and `{cluster}` in paths are filled in."""

    description: str = Field(default="", description="What it is for, in a sentence.")
    path: RepoPath | None = Field(
        default=None,
        description="Its directory. With a kustomization.yaml it is rendered by Kustomize, with a "
        "Chart.yaml by Helm, else every YAML and JSON file below it is delivered; of those in "
        "`environments/NAME/`, what is there again is merged over.",
    )
    chart: str | None = Field(
        default=None,
        description="Instead of a path: a Helm chart by name or `oci://` URL. A chart in the repo "
        "needs no network.",
    )
    repository: str | None = Field(default=None, description="URL that the chart comes from.")
    version: Text | None = Field(default=None, description="Exact version of the chart.")
    release: Name | None = Field(default=None, description="Helm's name for it; ours by default.")
    values: list[Text] = Field(default_factory=list, description="Files of Helm values.")
    set: dict[str, Any] = Field(default_factory=dict, description="Helm values.")
    namespace: Text | None = Field(
        default=None, description="Of objects that name none; the environment's by default."
    )
    first: bool = Field(default=False, description="Services wait until it is well.")
    only: list[Text] = Field(default_factory=list, description="Environments; all by default.")
    environments: dict[Name, SourceChange] = Field(
        default_factory=dict, description="What differs in one environment."
    )

    def within(self, environment: str) -> "Source | None":
        """The source as it is in an environment; None where it is not."""
        if self.only and environment not in self.only:
            return None
        change = self.environments.get(environment)
        if change is None:
            return self
        said = {name: getattr(change, name) for name in change.model_fields_set}
        if change.set is not None:
            said["set"] = {**self.set, **change.set}
        return self.model_copy(update=said)


class Secrets(Words):
    """How the Secrets that services name come to a cluster. No value is ever in the repo in
    clear."""

    by: Literal["others", "external-secrets", "sealed-secrets", "sops"] = Field(
        default="others",
        description="`others`: somebody makes them, and Kiban waits. `external-secrets`: from a "
        "store, by the External Secrets Operator. `sealed-secrets`: encrypted files in the repo "
        "that the cluster's controller opens. `sops`: encrypted files that `sops` opens on the "
        "way to the cluster.",
    )
    store: str | None = Field(default=None, description="Name of the store of external-secrets.")
    store_kind: Literal["ClusterSecretStore", "SecretStore"] = Field(
        default="ClusterSecretStore", description="The kind of the store."
    )
    key: str = Field(
        default="{platform}/{environment}/{secret}",
        description="Where a Secret is in the store; its keys are properties there.",
    )
    refresh: Span = Field(default=3600.0, description="How often the store is asked.")
    path: RepoPath = Field(
        default="secrets/{environment}", description="Directory of the encrypted files."
    )
