"""Values without a domain: instants, quantities, chance, problems, located trees, differences,
canonical text, graphs. Nothing here knows Kubernetes or Kiban; everything else stands on it."""
