"""How a pipeline builds the image of a service: the words for `docker buildx build`.

Source: the reference of the Docker command line.
"""

from kiban.spec import ServiceSpec


def build_command(service: ServiceSpec, tag: str) -> tuple[str, ...]:
    """The command, from the root of the platform repo; nothing for an image that others build."""
    build = service.build
    if build is None or service.image is None:
        return ()
    words = ["docker", "buildx", "build", "--push", "--tag", f"{service.image}:{tag}"]
    words += ["--file", f"{build.context}/{build.dockerfile}".removeprefix("./")]
    if build.target:
        words += ["--target", build.target]
    for name, value in sorted(build.args.items()):
        words += ["--build-arg", f"{name}={value}"]
    platforms = sorted(set(build.platforms.values()))
    if not platforms and service.arch:
        platforms = [f"linux/{service.arch}"]
    if platforms:
        words += ["--platform", ",".join(platforms)]
    for image in sorted(set(build.cache.values())):
        words += ["--cache-from", f"type=registry,ref={image}"]
        words += ["--cache-to", f"type=registry,ref={image},mode=max"]
    return (*words, build.context)
