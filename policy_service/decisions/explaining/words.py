"""The words of explanations, in zh and en: statuses, reasons, units, tests."""

from collections.abc import Mapping
from typing import Literal

Tongue = Literal["zh", "en"]

STATUS = {
    "applied": {"zh": "已判定", "en": "judged"},
    "suspended": {"zh": "已暂停", "en": "suspended"},
    "not_in_effect": {"zh": "不在有效期内", "en": "not in effect on this day"},
    "not_applicable": {"zh": "不适用", "en": "does not apply"},
    "insufficient_facts": {"zh": "缺少数据，无法判定", "en": "cannot be judged: facts are missing"},
    "rule_conflict": {"zh": "规则自相矛盾，无法判定", "en": "cannot be judged: its rules contradict each other"},
}

REASON = {
    "not_met": {"zh": "条件未满足", "en": "the condition is not met"},
    "excluded": {"zh": "属于例外：{text}", "en": "excluded: {text}"},
    "suspended": {"zh": "该奖励已暂停", "en": "this reward is suspended"},
    "withheld": {"zh": "超过单项上限，暂不发放", "en": "withheld: it is above the ceiling of a single reward"},
    "insufficient_facts": {"zh": "所依据的数据缺失", "en": "facts that it depends on are missing"},
}

UNIT = {
    "hour": {"zh": "小时", "en": "hours"},
    "exposure": {"zh": "次曝光", "en": "exposures"},
    "exposure_per_hour": {"zh": "次曝光每小时", "en": "exposures per hour"},
    "yuan": {"zh": "元", "en": "yuan"},
    "day": {"zh": "天", "en": "days"},
    "order": {"zh": "单", "en": "orders"},
    "buyer": {"zh": "位买家", "en": "buyers"},
    "piece": {"zh": "件", "en": "pieces"},
    "work": {"zh": "个作品", "en": "works"},
    "fan": {"zh": "位粉丝", "en": "fans"},
    "point": {"zh": "分", "en": "points"},
    "ratio": {"zh": "", "en": ""},
}
"""A unit that is not listed is shown as the rule file writes it."""

TEST = {
    "=": {"zh": "为 {}", "en": "be {}"},
    "!=": {"zh": "不为 {}", "en": "not be {}"},
    "<": {"zh": "小于 {}", "en": "be below {}"},
    "<=": {"zh": "不超过 {}", "en": "be at most {}"},
    ">": {"zh": "大于 {}", "en": "be above {}"},
    ">=": {"zh": "至少 {}", "en": "be at least {}"},
    "[]": {"zh": "介于 {} 至 {}（含两端）", "en": "be from {} to {}"},
    "[)": {"zh": "介于 {} 至 {}（含下限，不含上限）", "en": "be from {} to below {}"},
    "(]": {"zh": "介于 {} 至 {}（不含下限，含上限）", "en": "be above {} and up to {}"},
    "()": {"zh": "介于 {} 至 {}（不含两端）", "en": "be above {} and below {}"},
    "or": {"zh": "{} 或{}", "en": "{} or {}"},
    "known": {"zh": "已知", "en": "be known"},
    "unknown": {"zh": "未知", "en": "be unknown"},
}
"""What a test says of a value. `REQUIRED` makes a demand of it."""

DAY = {
    "<": {"zh": "早于 {}", "en": "be before {}"},
    "<=": {"zh": "不晚于 {}", "en": "be on or before {}"},
    ">": {"zh": "晚于 {}", "en": "be after {}"},
    ">=": {"zh": "不早于 {}", "en": "be on or after {}"},
}
"""Tests of days, where they differ from those of numbers."""

REQUIRED = {
    "must": {"zh": "需{}", "en": "must {}"},
    "must_not": {"zh": "不得{}", "en": "must not {}"},
}

CONDITION = {
    "sentence": {"zh": "{name} {value}，{required}：{outcome}", "en": "{name} is {value} and {required}: {outcome}"},
    "raw": {"zh": "{name} 为 {value}，要求 {test}：{outcome}", "en": "{name} is {value}, asked is {test}: {outcome}"},
    "true": {"zh": "满足", "en": "met"},
    "false": {"zh": "不满足", "en": "not met"},
    "null": {"zh": "无法判定", "en": "cannot be told"},
    "unknown": {"zh": "?（未知）", "en": "? (not known)"},
}
"""A condition as a sentence, with what became of it."""

OPERATOR = {
    "and": {"zh": "且", "en": "and"},
    "or": {"zh": "或", "en": "or"},
    "=": {"zh": "等于", "en": "is"},
    "!=": {"zh": "不是", "en": "is not"},
    "<": {"zh": "小于", "en": "is below"},
    "<=": {"zh": "不超过", "en": "is at most"},
    ">": {"zh": "大于", "en": "is above"},
    ">=": {"zh": "至少为", "en": "is at least"},
}

DAY_OPERATOR = {
    "<": {"zh": "早于", "en": "is before"},
    "<=": {"zh": "不晚于", "en": "is on or before"},
    ">": {"zh": "晚于", "en": "is after"},
    ">=": {"zh": "不早于", "en": "is on or after"},
}

CUT = {
    "cap": {"zh": "已到上限", "en": "is at its cap"},
    "max": {"zh": "只取最高一项", "en": "pays only its highest"},
    "first": {"zh": "只取最先一项", "en": "pays only its first"},
}

NAME = {
    "as_of": {"zh": "判定日", "en": "the day judged"},
    "campaign.from": {"zh": "活动首日", "en": "the first day of the campaign"},
    "campaign.to": {"zh": "活动结束次日", "en": "the day after the campaign"},
}
"""Names in expressions that are not facts."""

WORD = {
    "true": {"zh": "是", "en": "yes"},
    "false": {"zh": "否", "en": "no"},
    "null": {"zh": "未知", "en": "not known"},
    "none": {"zh": "无", "en": "none"},
    "comma": {"zh": "、", "en": ", "},
    "separator": {"zh": "；", "en": "; "},
    "colon": {"zh": "：", "en": ": "},
    "heading": {"zh": "判定日 {day}，规则包 {bundle}", "en": "Judged on {day} by bundle {bundle}"},
    "preview": {"zh": "预览，未记录，不可据此发放", "en": "A preview: nothing was recorded, nothing is payable"},
    "granted": {"zh": "发放", "en": "Granted"},
    "refused": {"zh": "未发放", "en": "Not granted"},
    "advice": {"zh": "建议", "en": "Recommendations"},
    "priority": {"zh": "优先级 {}", "en": "priority {}"},
    "decided_by": {"zh": "{title}的判定依据：{} 行", "en": "{title}, decided by row {}"},
    "row": {"zh": "{} 行", "en": "row {}"},
    "no_row": {"zh": "{title}：没有一行成立，最接近的是", "en": "{title}: no row fits, the closest are"},
    "conflict": {"zh": "{title}：{rows} 行同时成立", "en": "{title}: rows {rows} fit at once"},
    "missing": {"zh": "缺少：{}", "en": "missing: {}"},
    "also_unknown": {"zh": "未提供的可选数据：{}", "en": "optional facts that are not known: {}"},
    "not_posted": {"zh": "没有提交“{}”的数据", "en": "nothing of `{}` was posted"},
    "only_when": {"zh": "适用条件：{}", "en": "it applies when {}"},
    "in_force": {"zh": "有效期：{}", "en": "in force: {}"},
    "from_to": {"zh": "{} 至 {}", "en": "{} through {}"},
    "from_on": {"zh": "{} 起", "en": "from {} on"},
    "reason": {"zh": "原因：{}", "en": "reason: {}"},
    "claim": {"zh": "领取键 {}", "en": "claim key {}"},
    "valid": {"zh": "有效期 {} 至 {}（不含）", "en": "valid from {} to before {}"},
    "cut": {"zh": "由 {amount} 减少：叠加组 {group} {rule}", "en": "cut from {amount}: stacking group {group} {rule}"},
    "provisional": {"zh": "暂定：同组奖励尚缺数据", "en": "provisional: a reward of its group lacks facts"},
    "always": {"zh": "无条件", "en": "without condition"},
}


def word(table: Mapping[str, Mapping[str, str]], key: str, tongue: Tongue, *values: object, **named: object) -> str:
    """A word of a table, its placeholders filled in; the key itself where the table has no such word."""
    found = table.get(key)
    return key if found is None else found[tongue].format(*values, **named)
