"""From the document to a PDF: the template of ``resources/report`` set by Typst.

The same document gives the same bytes: no clock, no path, no font of this computer takes part.
The file is PDF/A-2a for archives and PDF/UA-1 for who reads with the ears, or plain where a text
holds letters that the fonts lack: then somebody must still be able to read the rest. Must not know what is said.
"""

from fieldsurvey.model.messages import resources_dir
from fieldsurvey.report.blocks import Document

_MISSING_LETTER = "could not be displayed"


def typeset(document: Document) -> tuple[bytes, bool]:
    """Return the PDF, and whether it is PDF/A."""
    import typst

    template = (resources_dir() / "report" / "report.typ").read_bytes()
    data = {"document": document.as_json().decode()}
    try:
        archival = typst.compile(
            template, sys_inputs=data, ignore_system_fonts=True, pdf_standards=["a-2a", "ua-1"]
        )
    except typst.TypstError as error:
        if _MISSING_LETTER not in str(error):
            raise
        return typst.compile(template, sys_inputs=data, ignore_system_fonts=True), False
    return archival, True
