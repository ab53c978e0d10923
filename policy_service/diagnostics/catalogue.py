"""Every code: a letter and three digits, never reused; the name completes 'allow ...'.

`tests/diagnostics/<code>.md` holds the prose, a wrong source and the exact rendering of each.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of fault; `explanation` is one sentence for the person who made it."""

    code: str
    name: str
    explanation: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


# language
SYNTAX = Code("L101", "syntax", "The expression or cell cannot be read.")
FULL_WIDTH = Code("L102", "full-width-sign", "A full-width sign stands where a half-width one belongs.")
BAD_LITERAL = Code("L103", "bad-literal", "A number, date or duration literal has no such value.")
NAME_UNKNOWN = Code("L201", "name-unknown", "The name is declared nowhere in reach.")
TYPE_MISMATCH = Code("L202", "type-mismatch", "The operands are of kinds that do not go together.")
UNIT_MISMATCH = Code("L203", "unit-mismatch", "Quantities of different units are added or compared.")
OUTSIDE_PROFILE = Code("L204", "outside-profile", "FEEL allows it, the rule-file profile does not.")
NUMBER_RANGE = Code("L205", "number-range", "A value may pass 15 digits, scale 6 or 64 bits.")
DIVISION_UNROUNDED = Code("L206", "division-unrounded", "A quotient needs a rounding that names its scale.")
ARGUMENTS = Code("L207", "wrong-arguments", "The builtin takes other arguments.")
NOT_EQUAL_OPTIONAL = Code(
    "L208", "negated-optional", "A negated test of an optional fact holds also when the fact is missing.", "warning"
)
EXPRESSION_BUDGET = Code("L209", "expression-budget", "An expression comes to too many parts.")

# facts
FACT_DECLARATION = Code("F101", "bad-fact", "A declaration in facts.yaml is incomplete or contradicts itself.")
BAD_TYPE = Code("F102", "bad-type", "A declaration in types.yaml is incomplete or contradicts itself.")
TYPE_UNUSED = Code("F103", "type-unused", "A type of types.yaml is the type of nothing.", "warning")

# rule files
YAML_SYNTAX = Code("P101", "yaml-syntax", "The file is not the YAML we read.")
KEY_UNKNOWN = Code("P102", "key-unknown", "The key is not one of those allowed here.")
KEY_MISSING = Code("P103", "key-missing", "A key that must be there is not.")
VALUE_INVALID = Code("P104", "value-invalid", "The value of the key is not of the form it needs.")
KEY_DUPLICATE = Code("P105", "key-duplicate", "A key stands twice in one mapping.")
NAME_CLASH = Code("P106", "name-clash", "A name is declared twice in one reach.")
CYCLE = Code("P107", "cycle", "Decisions need each other in a circle.")
PERIOD_OVERLAP = Code("P108", "period-overlap", "Two files of one policy are in force on one day.")
PERIOD_HOLE = Code("P109", "period-hole", "On some days between two files of one policy none is in force.", "warning")
NUMBER_UNSOURCED = Code("P110", "number-unsourced", "A stated number needs its source.")
PARAMETER_UNCOVERED = Code("P111", "parameter-uncovered", "A parameter has no value on a day of the policy's period.")
SUBJECT_MISMATCH = Code("P112", "subject-mismatch", "A policy reads facts or decisions of a subject it cannot see.")
ANSWER_DUPLICATE = Code("P113", "answer-duplicate", "One answer id is given twice in a policy.")
CLAIM_INVALID = Code("P114", "claim-invalid", "The claim does not fit the policy or the kind of the reward.")
REFERENCE_UNKNOWN = Code("P115", "reference-unknown", "A campaign, group, policy, reward or section is not declared.")
TEXT_MISSING = Code("P116", "text-missing", "A title or text lacks zh or en, or a row of the relation.")
FOLDER = Code("P117", "rules-folder", "The rules folder or a file in it cannot be read, or a file is lacking.")
OPTIONAL_UNUSED = Code("P118", "optional-unused", "An optional fact is never read by the policy.", "warning")
CASE_INVALID = Code(
    "P119", "case-invalid", "A case of a .test.yaml names what does not exist, or posts or expects what cannot be."
)

CEILING = Code(
    "P120", "ceiling-exceeded", "A reward may grant more than the ceiling that bundle.yaml sets for its kind."
)

MEMBER_FOREIGN = Code(
    "P121", "member-not-in-force", "A file gives a member of a named type on days on which it does not belong to it."
)
DECISION_GAP = Code(
    "P122", "decision-gap", "On some days of a file no file of the policy whose decision it reads gives it.", "warning"
)
BUNDLE_BUDGET = Code("P123", "bundle-budget", "The files hold more text, rows or days than one bundle may.")

# tables
TABLE_SHAPE = Code("T201", "table-shape", "The table's rows and header do not fit together.")
HIT_POLICY = Code("T202", "hit-policy", "The hit policy does not fit the table's outputs.")
ROW_OVERLAP = Code("T203", "row-overlap", "Two rows of a UNIQUE table match the same values.")
ROW_UNREACHABLE = Code("T204", "row-unreachable", "A row can never answer.")
CELL_EMPTY = Code("T205", "cell-empty", "A cell has no content and the header no formula.")

# engines
PEN_REFUSED = Code("E101", "pen-refused", "The rules go beyond what the rete engine is proven to hold.")

# requests
WRONG_TYPE = Code("A101", "wrong-type", "A posted value is of another JSON type than declared.")
TOO_MANY_DECIMALS = Code("A102", "too-many-decimals", "A number has more decimals than declared; it is never rounded.")
OUT_OF_RANGE = Code("A103", "out-of-range", "A value lies outside its declared range.")
UNKNOWN_FACT = Code("A104", "unknown-fact", "A posted fact or section is not declared.")
NOT_A_DATE = Code("A105", "not-a-date", "A text is not a calendar day or instant.")
FUTURE_DATE = Code("A106", "future-date", "A date fact lies after as_of.")
NOT_A_MEMBER = Code("A107", "not-a-member", "A text is not one of the declared values.")
BAD_ID = Code("A108", "bad-id", "An id is not 1 to 64 of letters, digits, dot, underscore, colon, hyphen.")
ID_MISSING = Code("A109", "id-missing", "A posted section or element that declares an id lacks it.")
ID_DUPLICATE = Code("A110", "id-duplicate", "Two posted elements have the same id.")
ID_DIFFERS = Code("A111", "id-differs", "merchant_id and facts.merchant.id differ.")
BAD_TEXT = Code("A112", "bad-text", "A text is too long or holds signs that no text may hold.")
UNKNOWN_KEY = Code("A113", "unknown-key", "A key of the request is not known.")
KEY_ABSENT = Code("A114", "key-absent", "A key of the request that must be there is not.")
UNKNOWN_POLICY = Code("A115", "unknown-policy", "A filter matches no policy of the bundle.")
UNKNOWN_BUNDLE = Code("A116", "unknown-bundle", "No bundle with this id is stored.")
BAD_OPTION = Code("A117", "bad-option", "An option has a value it cannot have.")
TOO_MANY = Code("A118", "too-many", "More elements are posted than allowed.")
DUPLICATE_KEY = Code("A119", "duplicate-key", "A JSON object holds a key twice.")
MALFORMED = Code("A120", "malformed-json", "The body is not JSON, or holds NaN, Infinity or bad UTF-8.")
TOO_DEEP = Code("A121", "too-deep", "The body is nested deeper than allowed.")
UNKNOWN_DECISION = Code("A122", "unknown-decision", "No decision with this id is stored.")
TOO_LARGE = Code("A123", "body-too-large", "The body is larger than allowed.")
BAD_HEADER = Code("A124", "bad-header", "A header of the request has a value it cannot have.")
ANSWER_TOO_LARGE = Code("A125", "answer-too-large", "The answer to the request is larger than allowed.")

# decisions and log
STORE_UNREACHABLE = Code("D101", "store-unreachable", "The store of decisions and bundles cannot be read now.")
NO_ACTIVE_BUNDLE = Code("D102", "no-active-bundle", "No bundle was activated yet.")
WORKER_ENDS = Code("D103", "worker-ends", "The worker that answers finishes what is under way, and ends.")
KEY_UNAVAILABLE = Code("D104", "key-unavailable", "A key that signs the log cannot sign now.")
LOG_HELD = Code("D105", "log-held", "Nothing is signed on this log until a person has looked at it.")

ALL: tuple[Code, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Code))
BY_CODE: dict[str, Code] = {code.code: code for code in ALL}
