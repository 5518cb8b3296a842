"""What takes Loopai to other machines: wheels, container images, clusters, services."""
