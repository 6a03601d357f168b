"""The four ways of changing a manifest by a patch: merge patch, JSON patch, strategic merge patch
and server-side apply. Each is a pure function from a manifest and a patch to a new manifest."""
