"""The way in for what exists: manifests that were copied for each environment become one short
spec for each service, and it is proved that nothing was lost.

Pure: documents go in, the files of a platform repo and the proof come out.
"""

from kiban.adopt.adoption import Adoption, Options, adopted
from kiban.adopt.copies import Copy
from kiban.adopt.proof import Deviation
from kiban.adopt.report import as_data, as_text, plan_text

__all__ = ["Adoption", "Copy", "Deviation", "Options", "adopted", "as_data", "as_text", "plan_text"]
