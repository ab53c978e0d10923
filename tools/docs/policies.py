"""A readable page per policy, an index per family, and one of the families."""

from policy_service.policies.inventory import totals
from policy_service.policies.model import Policy
from tools.docs.markdown import code, sections, table
from tools.docs.policy_page import both, kind_words, page
from tools.docs.shipped import Shipped

FOLDER = "docs/policies"
FAMILIES = {
    "belt": "产业带扶持 · Industrial-belt support",
    "brand_days": "品牌日 · Brand days",
    "chuanliu": "川流计划 · Chuanliu: live traffic for distribution",
    "commission": "分销佣金 · Commission of influencers",
    "diagnosis": "经营诊断 · Diagnosis of a brand's operation",
    "doujin": "斗金计划 · Doujin: incubation of new merchants",
    "growth_centre": "商家成长中心 · Growth centre",
    "influencers": "达人支持 · Support of influencers",
    "live_plan": "开播计划 · Plan of a live session",
    "membership": "商家会员 · Membership and member prices",
    "providers": "服务商 · Service providers",
    "scores": "体验分与流量 · Scores and the traffic they bring",
    "tools": "营销工具 · Marketing tools",
}
"""Titles of families; one that is not listed goes by its id."""


def pages(shipped: Shipped) -> dict[str, str]:
    """A page per policy, an index per family and one of the families."""
    found = {f"{FOLDER}/{_path(id_)}": page(shipped, id_) for id_ in shipped.rules.order}
    found |= {f"{FOLDER}/{family}/index.md": _family(shipped, family) for family in families(shipped)}
    return found | {f"{FOLDER}/index.md": _index(shipped)}


def families(shipped: Shipped) -> dict[str, list[str]]:
    """Ids of policies by family, sorted."""
    found: dict[str, list[str]] = {}
    for id_ in sorted(shipped.rules.order):
        found.setdefault(id_.partition(".")[0], []).append(id_)
    return found


def family_table(shipped: Shipped, folder: str) -> str:
    """The families with their policies and what these grant."""
    rows = []
    for family, ids in families(shipped).items():
        files = [p for p in shipped.rules.policies if p.id in ids]
        rows.append([f"[{_family_title(family)}]({folder}{family}/index.md)", str(len(ids)), _grants(files)])
    return table(["family", "policies", "answers with"], rows)


def _grants(files: list[Policy]) -> str:
    """Kinds of rewards, and whether there is advice."""
    kinds = dict.fromkeys(kind_words(r.kind) for p in files for r in p.rewards)
    advice = ["recommendations"] if any(p.recommendations for p in files) else []
    return ", ".join([*kinds, *advice]) or "decisions"


def _path(id_: str) -> str:
    family, _, name = id_.partition(".")
    return f"{family}/{name.replace('.', '/')}.md"


def _family_title(family: str) -> str:
    return FAMILIES.get(family, family)


# ---- indexes


def _index(shipped: Shipped) -> str:
    counts = totals(shipped.constants)
    rows = [[family, str(count.stated), str(count.assumed)] for family, count in counts.items()]
    every = ["all", str(sum(c.stated for c in counts.values())), str(sum(c.assumed for c in counts.values()))]
    return sections(
        "# Policies",
        "What the shipped rules say, read from the rules themselves. A number is *stated* when a source has it, else\n"
        "*assumed*, for the policy team to confirm: `policyctl inventory --assumed` lists these.",
        family_table(shipped, ""),
        "## Constants",
        table(["family", "stated", "assumed"], [*rows, every]),
    ) + "\n"  # fmt: skip


def _family(shipped: Shipped, family: str) -> str:
    rows = []
    for id_ in families(shipped)[family]:
        files = list(shipped.rules.versions(id_))
        name = _path(id_).removeprefix(f"{family}/")
        rows.append([f"[{code(id_)}]({name})", both(files[-1].title), files[-1].subject, _grants(files)])
    count = totals(shipped.constants)[family]
    return sections(
        f"# {_family_title(family)}",
        f"Constants: {count.stated} stated, {count.assumed} assumed. [All families](../index.md)",
        table(["policy", "title", "judged per", "answers with"], rows),
    ) + "\n"  # fmt: skip
