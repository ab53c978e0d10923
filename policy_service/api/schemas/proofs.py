"""What is shown of the log: heads, proofs, and the file that proves one decision."""

from marshmallow import fields

from policy_service.api.schemas.answer import ReceiptSchema, Shown, bundle_id, listed, text_field

_DIGEST = "^sha256:[0-9a-f]{64}$"


def _hashes(description: str) -> fields.List[str]:
    return fields.List(
        fields.String(), required=True, metadata={"description": f"{description} 32 bytes each, in base64."}
    )


def _size(description: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description, "minimum": 0})


def _note() -> fields.String:
    return text_field("The signed head: a C2SP checkpoint, as witnesses and monitors read it.")


class HeadSchema(Shown):
    """What the log signed that it was at a size."""

    origin = text_field("The name of the log.")
    size = _size("Number of records.")
    root = text_field("Root of the RFC 9162 tree over them, in base64.")
    signed_at = text_field("When it was sealed, in UTC.", format="date-time")
    note = text_field("The signed head: a C2SP checkpoint, with the cosignatures of witnesses, if there are any.")
    keys = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Verifier keys, `name+hash+base64`: those that sign, then the retired ones. Who verifies "
            "keeps copies from elsewhere."
        },
    )


class ProofSchema(Shown):
    """That a record is in the log: RFC 9162, section 2.1.3."""

    index = _size("Its place in the log, from 0.")
    size = _size("Of the tree that is proved against.")
    leaf = text_field("`sha256:` and the leaf hash of the record, as in its receipt.", pattern=_DIGEST)
    hashes = _hashes("Those that lead from the leaf to the root, lowest first.")
    root = text_field("The root of the tree, in base64.")
    head = _note()


class ConsistencySchema(Shown):
    """That one head's log is the beginning of another's: RFC 9162, section 2.1.4."""

    from_ = fields.Integer(required=True, data_key="from", metadata={"description": "Size of the earlier tree."})
    to = _size("Size of the later tree.")
    hashes = _hashes("The consistency proof; none where the earlier tree is empty or the same.")
    head = _note()


class EvidenceBundleSchema(Shown):
    """The rules that decided."""

    id = bundle_id()
    model = text_field("What the rules say, as canonical JSON in a text: the id is `sha256:` and its SHA-256.")
    sources = fields.Dict(required=True, metadata={"description": "Text of each rule file by its path."})


class InclusionSchema(Shown):
    """Where the record stands in the tree of the head."""

    index = _size("From 0.")
    size = _size("Of the tree.")
    hashes = _hashes("The inclusion proof.")


class ProvedActSchema(Shown):
    """A signed act, and where it stands in the log."""

    body = text_field("As it was hashed: canonical JSON, as a text.")
    receipt = fields.Nested(ReceiptSchema, required=True)
    inclusion = fields.Nested(InclusionSchema, required=True)


class PrivateSchema(Shown):
    """A value that stands as a commitment in the record."""

    pointer = text_field("RFC 6901, into the record.")
    salt = text_field("32 bytes in base64.")
    value = text_field("Canonical JSON, as a text.")


class EvidenceSchema(Shown):
    """All that proves one decision: `tools/verify_decision.py` verifies it without the service."""

    format = fields.Integer(required=True, metadata={"const": 2, "description": "Of this document."})
    record = text_field("The record as it was hashed: canonical JSON, as a text.")
    leaf = text_field("`sha256:` and its leaf hash.", pattern=_DIGEST)
    bundle = fields.Nested(EvidenceBundleSchema, required=True)
    inclusion = fields.Nested(InclusionSchema, required=True)
    head = text_field("The signed head: a C2SP checkpoint, with the cosignatures of witnesses, if there are any.")
    receipt = fields.Nested(
        ReceiptSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null only for a record from before the first act of the log."},
    )
    order = fields.Nested(
        ProvedActSchema,
        required=True,
        metadata={"description": "The act that stored the bundle: it has the digest of each text."},
    )
    signing = listed(ProvedActSchema, "The act that began the log, and each since that changed the keys that sign it.")
    keys = fields.List(fields.String(), required=True, metadata={"description": "Verifier keys, for information."})
    private = listed(PrivateSchema, "Only with `private`, and as far as they are not erased.")
