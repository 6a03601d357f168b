"""HTML and SVG as text that cannot be broken by what is put into it."""

from html import escape

# Elements that have no end tag.
_VOID = frozenset({"meta", "br", "hr", "line", "rect", "path", "circle", "polyline", "polygon"})


class Markup(str):
    """Text that is markup already. Everything else is escaped."""

    __slots__ = ()


def element(tag: str, /, *children: object, **attributes: object) -> Markup:
    """One element. `class_` and other reserved names lose their underscore, inner ones become
    hyphens; an attribute that is None or False is left out."""
    opened = f"<{tag}{''.join(_attribute(key, value) for key, value in attributes.items())}"
    if tag in _VOID and not children:
        return Markup(f"{opened}/>")
    return Markup(f"{opened}>{joined(*children)}</{tag}>")


def joined(*children: object) -> Markup:
    """Children side by side; lists are opened, None is nothing."""
    return Markup("".join(_child(child) for child in children))


def _child(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, list | tuple):
        return "".join(_child(inner) for inner in child)
    return escape(str(child), quote=False)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escape(str(value))}"'
