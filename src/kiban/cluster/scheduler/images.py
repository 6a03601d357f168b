"""The images that pods need and that nodes have, by the names that both use."""

from kiban.kube.objects import Manifest, get_in


def full_name(image: str) -> str:
    """The image with its tag, as nodes name it."""
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def images_of(node: Manifest) -> dict[str, int]:
    """The images on a node, by every name that they have, with their sizes in bytes."""
    return {
        full_name(name): image.get("sizeBytes", 0)
        for image in get_in(node, "status", "images") or ()
        for name in image.get("names") or ()
    }


def wanted_images(pod: Manifest) -> tuple[str, ...]:
    """The images of a pod's containers."""
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    return tuple(full_name(entry.get("image", "")) for entry in containers)
