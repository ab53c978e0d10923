"""What can be done next with what was answered, as OpenAPI's links."""

from typing import Any


def _links(key: str, **meanings: str) -> dict[str, Any]:
    """Links to operations that take the value of a key of the answer as the `id` of their path."""
    return {
        operation: {
            "operationId": operation,
            "parameters": {"id": f"$response.body#/{key}"},
            "description": meaning,
        }
        for operation, meaning in meanings.items()
    }


_RECORDED = {
    "replay": "Evaluate the recorded request again.",
    "proof": "That the decision is in the log; a moment after it was answered.",
    "evidence": "All that proves it, in one file.",
}
OF_A_DECISION = _links("decision_id", decision="The record of the decision.", **_RECORDED)
OF_A_RECORD = _links("decision_id", **_RECORDED)
OF_A_BUNDLE = _links("id", bundle="The bundle, its files and orders.", activateBundle="Make it the active one.")
OF_A_KEY = _links("id", rotateKey="Replace the key.", revokeKey="End the key at once.")
