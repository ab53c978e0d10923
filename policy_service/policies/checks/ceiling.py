"""Rewards whose amount, by the bounds of its type, may pass the ceiling of its kind, or is no number to compare."""

from decimal import Decimal

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import CEILING, TYPE_MISMATCH
from policy_service.language import types
from policy_service.language.format import number_text
from policy_service.language.values import exact
from policy_service.policies.model import Policy, RelationTable, Reward, Rules


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        for reward in policy.rewards:
            ceiling, kind = rules.settings.ceilings.get(reward.kind), _type(policy, reward)
            if ceiling is None or isinstance(kind, types.Null):
                continue
            if not isinstance(kind, types.Number):
                report.add(
                    TYPE_MISMATCH,
                    reward.amount.span,
                    f"the amount of a kind with a ceiling is a number, this is a {types.kind(kind)}",
                    hint=f"the ceiling of `{reward.kind}` stands in bundle.yaml",
                )
            elif kind.high * 10**ceiling.scale > ceiling.per_reward * 10**kind.scale:
                most = number_text(Decimal(exact(kind.high, kind.scale)))
                report.add(
                    CEILING,
                    reward.amount.span,
                    f"reward `{reward.id}` may grant {most}, the ceiling of `{reward.kind}` is "
                    f"{number_text(Decimal(ceiling.amount))}",
                    hint="lower the amount, or bound it: `min(…, limit)`; the ceiling itself is finance's",
                )


def _type(policy: Policy, reward: Reward) -> types.Type:
    """The type of the amount; of a relation's column, that of the reward's own row."""
    if reward.row is not None:
        body = policy.decisions[reward.row.relation].body
        if isinstance(body, RelationTable):
            for column, cell in zip(body.columns, body.by_id[reward.row.row].cells, strict=True):
                if reward.amount.text in (column.name, f"this.{column.name}"):
                    return cell.type
    return reward.amount.type
