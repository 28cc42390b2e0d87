"""From the document to a PDF: the template of ``resources/report`` set by Typst.

The same document gives the same bytes: no clock, no path, no font of this computer takes part.
The file is PDF/A-2a for archives and PDF/UA-1 for who reads with the ears, or plain where these
standards forbid it, as where a name holds letters that the fonts lack: then somebody must still be
able to read the rest. Must not know what is said.
"""

from fieldsurvey.model.messages import resources_dir
from fieldsurvey.report.blocks import Document

_OF_A_STANDARD = "PDF/"  # begins what Typst says where only a standard is in the way


def typeset(document: Document) -> tuple[bytes, bool]:
    """Return the PDF, and whether it keeps to both standards."""
    import typst

    template = (resources_dir() / "report" / "report.typ").read_bytes()
    data = {"document": document.as_json().decode()}
    try:
        archival = typst.compile(
            template, sys_inputs=data, ignore_system_fonts=True, pdf_standards=["a-2a", "ua-1"]
        )
    except typst.TypstError as error:
        if not str(error).startswith(_OF_A_STANDARD):
            raise
        return typst.compile(template, sys_inputs=data, ignore_system_fonts=True), False
    return archival, True
