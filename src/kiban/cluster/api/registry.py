"""Creating and changing objects by the rules of Kubernetes, whoever asks.

HTTP requests, controllers and the kubelet all write through here, so that one set of rules holds
for identity, versions, generations, admission, validation, field ownership and finalizers.
Sources: k8s.io/apiserver/pkg/registry/{rest,generic/registry} and B1.4 of the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from kiban.cluster.admission.attempts import Attempt, Chain
from kiban.cluster.api import form, metadata, ownership
from kiban.cluster.api.calls import Call
from kiban.cluster.api.changes import (
    changeable_part,
    check_applied_identity,
    check_precondition,
    is_over,
    raises_generation,
    without_status,
)
from kiban.cluster.api.customs import DEFINITION, Customs, customs_of
from kiban.cluster.api.failures import (
    Failure,
    already_exists,
    invalid,
    not_found,
)
from kiban.cluster.api.strategies import strategy_of
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo, Kinds
from kiban.kube.objects import Key, Manifest, group_of, is_deleting
from kiban.kube.ownership import same_but_for_times
from kiban.kube.printing import Printer, printer_of
from kiban.kube.schema import Shape, shape_of
from kiban.kube.warnings import kind_warning

# How often a clash of generated names is tried again (registry/generic/registry/store.go).
NAME_TRIES = 8

# Changes through these end points are no changes of what is wished.
_UNCOUNTED = ("status", "binding")

Change = Callable[[Manifest], Manifest]


@dataclass
class Registry:
    """The objects of a cluster behind their rules. Every method raises `Failure` to refuse.

    A rehearsal needs neither managedFields nor proof that its own controllers keep the rules:
    `tracks_ownership` off leaves the fields alone, `trusts_controllers` leaves out the checks.
    """

    store: Store
    built_in: Kinds
    admissions: Chain = field(default_factory=Chain)
    tracks_ownership: bool = True
    trusts_controllers: bool = False
    _customs: Customs = field(default_factory=Customs)
    _kinds: Kinds | None = None
    _definitions_at: int = 0

    # Kinds

    @property
    def kinds(self) -> Kinds:
        """The kinds served now: the built-in ones and those of established definitions."""
        at = self.store.latest(DEFINITION)
        if self._kinds is None or at != self._definitions_at:
            self._customs = customs_of(self.store.list(DEFINITION))
            self._kinds = self.built_in.including(self._customs.infos)
            self._definitions_at = at
        return self._kinds

    def shape_of(self, info: KindInfo) -> Shape:
        """The fields of a kind."""
        custom = self._customs.found.get(info)
        return custom.shape if custom else shape_of(info)

    def printer_of(self, info: KindInfo) -> Printer:
        """The columns of a kind."""
        custom = self._customs.found.get(info)
        return custom.printer if custom else printer_of(info)

    def selectable(self, info: KindInfo) -> tuple[str, ...]:
        """The fields a custom kind declares for field selectors."""
        custom = self._customs.found.get(info)
        return custom.selectable if custom else ()

    def warning_about(self, info: KindInfo) -> str:
        """What is said of every request for a kind in a version that should not be used."""
        custom = self._customs.found.get(info)
        return custom.warning if custom else kind_warning(info.api_version, info.kind)

    def scale_paths(self, info: KindInfo) -> Mapping[str, str] | None:
        """Where a custom kind keeps its scale; None for built-in kinds."""
        custom = self._customs.found.get(info)
        return custom.scale if custom else None

    def understood(
        self,
        info: KindInfo,
        manifest: Manifest,
        call: Call,
        duplicates: tuple[str, ...] = (),
        known: Manifest | None = None,
    ) -> Manifest:
        """What the server makes of what a client sent; what it shares with `known`, which was
        understood before, is not looked at. Raises `form.Misread`."""
        custom = self._customs.found.get(info)
        if custom is not None:
            return form.custom_understood(custom, manifest, call, duplicates)
        return form.understood(self.shape_of(info), manifest, call, duplicates, known)

    # Creating

    def create(self, info: KindInfo, namespace: str, manifest: Manifest, call: Call) -> Manifest:
        """Create an object, with a generated name if it has none of its own."""
        manifest = metadata.placed(info, namespace, manifest)
        given = manifest.get("metadata") or {}
        if given.get("name") or not given.get("generateName"):
            return self._create(info, namespace, manifest, call)
        names = call.names(self.store.chance)
        for attempt in range(NAME_TRIES):
            name = metadata.generated_name(given["generateName"], names)
            named = {**manifest, "metadata": {**given, "name": name}}
            try:
                return self._create(info, namespace, named, call)
            except Failure as failure:
                if failure.reason != "AlreadyExists":
                    raise
                if attempt == NAME_TRIES - 1:
                    raise already_exists(info, name, retry_seconds=1) from failure
        raise AssertionError("unreachable")

    def _create(self, info: KindInfo, namespace: str, manifest: Manifest, call: Call) -> Manifest:
        strategy = strategy_of(info)
        name = manifest["metadata"].get("name", "")
        attempt = Attempt("CREATE", info, namespace, name, None, call, self.store)
        names = call.names(self.store.chance)
        new = metadata.fresh(manifest, call, names, counts=strategy.generation)
        new = form.completed(info, without_status(new, info, strategy))
        # Owned is what the client sent and its defaults, not what admission adds.
        if self.tracks_ownership and not call.tracked:
            new = ownership.after_write(self.shape_of(info), info, None, new, call)
        new = form.identified(info, self.admissions.admitted(attempt, new))
        if not (self.trusts_controllers and call.is_of_controller):
            form.check_new(info, new, self._customs.found.get(info), call)
        self.admissions.review(attempt, new)
        key = Key(info.group, info.kind, namespace if info.namespaced else "", name)
        present = self.store.get(key)
        if present is not None:
            raise already_exists(info, name, being_deleted=is_deleting(present))
        return new if call.dry_run else self.store.put(new)

    # Changing

    def update(
        self, info: KindInfo, key: Key, change: Change, call: Call, subresource: str = ""
    ) -> Manifest:
        """Change an object that is there. `change` is given the live object and answers with the
        wished one, which is refused if its resourceVersion or uid are those of another state."""
        live = self.store.get(key)
        if live is None:
            raise not_found(info, key.name)
        wished = change(live)
        check_precondition(info, key, wished, live)
        return self._changed(info, key, wished, call, subresource)

    def _changed(
        self, info: KindInfo, key: Key, wished: Manifest, call: Call, subresource: str
    ) -> Manifest:
        """Store the wished state of an object that is there, as far as the rules allow."""
        live = self.store.get(key)
        assert live is not None, f"{key} was there a moment ago"
        new = self._next_state(info, key, live, wished, call, subresource)
        if same_but_for_times(live, new):
            return live
        if is_deleting(new) and not new["metadata"].get("finalizers") and is_over(new):
            # Watchers are shown the state that was stored; the writer sees what it made of it.
            if not call.dry_run:
                self.store.remove(key)
            return new
        return new if call.dry_run else self.store.put(new)

    def replace(
        self, info: KindInfo, key: Key, manifest: Manifest, call: Call, subresource: str = ""
    ) -> tuple[Manifest, bool]:
        """PUT: the object as stored, and whether it was created by this."""
        strategy = strategy_of(info)
        live = self.store.get(key)
        if live is None:
            if not strategy.create_on_update or subresource:
                raise not_found(info, key.name)
            bare = {k: v for k, v in manifest["metadata"].items() if k != "resourceVersion"}
            return self.create(info, key.namespace, {**manifest, "metadata": bare}, call), True
        if not strategy.unconditional_update and not manifest["metadata"].get("resourceVersion"):
            cause = {
                "reason": "FieldValueInvalid",
                "message": "Invalid value: 0: must be specified for an update",
                "field": "metadata.resourceVersion",
            }
            # Custom resources are named by their plural here, as the real server does.
            named = info if info.type_name else replace(info, kind=info.plural)
            raise invalid(named, key.name, [cause])
        return self.update(info, key, lambda _: manifest, call, subresource), False

    def apply(
        self,
        info: KindInfo,
        key: Key,
        config: Manifest,
        call: Call,
        *,
        force: bool,
        subresource: str = "",
    ) -> tuple[Manifest, bool]:
        """Server-side apply: the object as stored, and whether it was created by this."""
        live = self.store.get(key)
        if live is None and subresource:
            raise not_found(info, key.name)
        if live is not None:
            check_applied_identity(info, key, config, live)
        applied = ownership.applied(
            self.shape_of(info), info, live, config, call, force=force, subresource=subresource
        )
        wished = applied.manifest
        try:
            if wished is not live:
                wished = self.understood(info, wished, call, known=live)
        except form.Misread as misread:
            raise misread.in_body(info) from misread
        wished = metadata.placed(info, key.namespace, wished)
        tracked = call.as_tracked()
        if live is None:
            bare = {k: v for k, v in wished["metadata"].items() if k != "resourceVersion"}
            created = self._create(info, key.namespace, {**wished, "metadata": bare}, tracked)
            return created, True
        return self._changed(info, key, wished, tracked, subresource), False

    def _next_state(
        self,
        info: KindInfo,
        key: Key,
        live: Manifest,
        wished: Manifest,
        call: Call,
        subresource: str,
    ) -> Manifest:
        strategy = strategy_of(info)
        new = metadata.placed(info, key.namespace, wished)
        new = form.completed(info, changeable_part(new, live, info, strategy, subresource), live)
        if self.tracks_ownership and not call.tracked:
            new = ownership.after_write(self.shape_of(info), info, live, new, call, subresource)
        new = metadata.carried(info, new, live)
        attempt = Attempt(
            "UPDATE", info, key.namespace, key.name, live, call, self.store, subresource
        )
        new = self.admissions.admitted(attempt, new)
        if (
            strategy.generation
            and subresource not in _UNCOUNTED
            and raises_generation(new, live, strategy, info)
        ):
            generation = live["metadata"].get("generation", 0) + 1
            new = {**new, "metadata": {**new["metadata"], "generation": generation}}
        if not (self.trusts_controllers and call.is_of_controller):
            custom = self._customs.found.get(info)
            form.check_change(info, new, live, subresource, custom, call)
        self.admissions.review(attempt, new)
        return new

    def info_of(self, key: Key) -> KindInfo:
        """The preferred version of a key's kind. Raises `Failure` for one not served."""
        info = self.kinds.of(key.group_kind)
        if info is None:
            raise Failure(404, "NotFound", "the server could not find the requested resource", {})
        return info

    def info_of_manifest(self, manifest: Manifest) -> KindInfo:
        info = self.kinds.of_manifest(manifest)
        if info is None:
            group, kind = group_of(manifest.get("apiVersion", "")), manifest.get("kind", "")
            raise Failure(404, "NotFound", f'no matches for kind "{kind}" in group "{group}"', {})
        return info
