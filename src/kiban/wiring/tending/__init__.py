"""What a running `kiban up` does about releases by itself: it watches them, takes bad ones back,
and brings good ones further."""
