"""What is known about the fields of every kind: their types, how lists are keyed, how patches merge
them; and the reading of what a client sent against it."""

from kiban.kube.schema.builtin import shape_of, shape_of_type
from kiban.kube.schema.custom import custom_shape
from kiban.kube.schema.shapes import ANYTHING, Field, Shape

__all__ = ["ANYTHING", "Field", "Shape", "custom_shape", "shape_of", "shape_of_type"]
