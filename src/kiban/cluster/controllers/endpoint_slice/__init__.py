"""EndpointSlices: the addresses that stand behind a Service, as the gateway reads them."""

from kiban.cluster.controllers.endpoint_slice.controller import EndpointSliceController

__all__ = ["EndpointSliceController"]
