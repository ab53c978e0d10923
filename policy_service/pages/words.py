"""The words of pages, in zh and en."""

from collections.abc import Mapping

Words = Mapping[str, Mapping[str, str]]

PAGE: Words = {
    "title": {"zh": "判定案卷", "en": "Case file of a decision"},
    "skip": {"zh": "跳到正文", "en": "Skip to the content"},
    "contents": {"zh": "目录", "en": "Contents"},
    "other_tongue": {"zh": "English", "en": "中文"},
    "generated": {
        "zh": "本页由记录和当时的规则即时生成；敏感数据从不显示。",
        "en": "This page is made from the record and the rules then in force; sensitive values are never shown.",
    },
    # the case
    "summary": {"zh": "概要", "en": "The case"},
    "decision_id": {"zh": "判定编号", "en": "Decision"},
    "merchant": {"zh": "商家", "en": "Merchant"},
    "subjects": {"zh": "判定对象", "en": "Subjects"},
    "as_of": {"zh": "判定日", "en": "Business day judged"},
    "decided_at": {"zh": "判定时间", "en": "Decided at"},
    "bundle": {"zh": "规则包", "en": "Bundle of rules"},
    "service_version": {"zh": "服务版本", "en": "Service version"},
    "proof_short": {"zh": "证明状态", "en": "Proof status"},
    "all_ok": {"zh": "全部核对无误", "en": "everything checked fits"},
    "some_pending": {"zh": "尚有待完成的，其余核对无误", "en": "something is awaited; everything else checked fits"},
    "some_failed": {"zh": "有 {count} 项不符", "en": "does not fit in {count} of the points checked"},
    "unreadable": {
        "zh": "本记录的内容不可信或无法读取，因此不以文字显示。存储中的原样见 GET /v1/decisions/{id}。",
        "en": "What this record says cannot be trusted or read, so it is not put into words. GET /v1/decisions/{id} "
        "gives it as it is stored.",
    },
    # who asked, who ordered
    "origins": {"zh": "谁请求，谁启用规则", "en": "Who asked, and who put the rules into force"},
    "asked_by": {"zh": "请求者", "en": "Asked by"},
    "asked_when": {"zh": "按哪道指令判定", "en": "Decided under"},
    "orders_through": {"zh": "第 {version} 号指令及之前的全部指令", "en": "all orders through number {version}"},
    "orders_unknown": {"zh": "?（记录早于指令）", "en": "? (the record is older than orders)"},
    "idempotency": {"zh": "幂等键", "en": "Idempotency key"},
    "keyed": {"zh": "有；记录中是其承诺值", "en": "posted; the record has a commitment to it"},
    "not_keyed": {"zh": "没有", "en": "none was posted"},
    "pinned": {
        "zh": "请求指定了规则包，下面是最后启用该规则包的指令。",
        "en": "The request named the bundle itself; this is the last order that put it into force.",
    },
    "orders": {"zh": "启用规则的指令", "en": "Orders that put the rules into force"},
    "order": {"zh": "指令", "en": "Order"},
    "who": {"zh": "执行者", "en": "Who"},
    "ordered_at": {"zh": "下令时间", "en": "Ordered at"},
    "effective_at": {"zh": "生效时间", "en": "In force from"},
    "reason": {"zh": "原因", "en": "Reason"},
    "no_reason": {"zh": "–", "en": "–"},
    "log_place": {"zh": "日志中的位置和回执", "en": "Place in the log, and receipt"},
    "order_place": {"zh": "第 {index} 条", "en": "index {index}"},
    "order_unplaced": {"zh": "等待封存", "en": "waits to be sealed"},
    "order_receipt": {"zh": "回执由 {signer} 签名", "en": "receipted by {signer}"},
    "order_no_receipt": {"zh": "回执不成立", "en": "its receipt does not hold"},
    "no_orders": {"zh": "日志中没有启用该规则包的指令。", "en": "No order of the log put this bundle into force."},
    "stops": {"zh": "当时有效的暂停", "en": "Stops in force then"},
    "stopped": {"zh": "暂停的内容", "en": "What was stopped"},
    "no_stops": {"zh": "当时没有暂停任何规则或奖励。", "en": "No policy and no reward was stopped then."},
    "unproved": {"zh": "以上没有证明什么", "en": "What this does not prove"},
    "unknown": {"zh": "?", "en": "?"},
    # results
    "granted": {"zh": "发放的奖励", "en": "Rewards granted"},
    "nothing_granted": {"zh": "没有发放任何奖励。", "en": "No reward was granted."},
    "reward": {"zh": "奖励", "en": "Reward"},
    "amount": {"zh": "数额", "en": "Amount"},
    "policy": {"zh": "规则", "en": "Policy"},
    "subject": {"zh": "对象", "en": "Subject"},
    "conditions": {"zh": "条款", "en": "Terms"},
    "claim": {"zh": "领取键", "en": "Claim key"},
    "no_claim": {"zh": "不可领取：只作说明", "en": "nothing to claim: it states a standing"},
    "refused": {"zh": "未发放的奖励", "en": "Rewards not granted"},
    "nothing_refused": {"zh": "没有被拒的奖励。", "en": "No reward was refused."},
    "policy_and_status": {"zh": "规则、对象和状态", "en": "Policy, subject and status"},
    "refused_because": {"zh": "奖励和原因", "en": "Reward and reason"},
    "advice": {"zh": "建议", "en": "Recommendations"},
    "no_advice": {"zh": "没有建议。", "en": "There are no recommendations."},
    "subjects_erased": {
        "zh": "对象编号已删除，同一规则下各对象的结果无法再区分，列在第一个对象下。",
        "en": "Ids of subjects were erased: results of several subjects of a policy cannot be told apart any more and "
        "stand with the first of them.",
    },
    # why
    "why": {"zh": "逐条规则的判定", "en": "What each policy decided"},
    "rule_link": {"zh": "规则原文", "en": "rule text"},
    "values": {"zh": "算出的结果", "en": "What was computed"},
    "name": {"zh": "名称", "en": "Name"},
    "value": {"zh": "值", "en": "Value"},
    "rewards": {"zh": "奖励", "en": "Rewards"},
    "rows": {"zh": "表中的判定依据", "en": "Rows of tables"},
    "marks": {
        "zh": "✓ 满足，✗ 不满足，? 有数据未知而无法判定。",
        "en": "✓ met, ✗ not met, ? cannot be told, as a fact is not known.",
    },
    "no_trace": {
        "zh": "请求时未要求记录成立的行。",
        "en": "The request asked for no trace, so the rows that fired were not recorded.",
    },
    # rules
    "rules": {"zh": "当时有效的规则原文", "en": "The rule text then in force"},
    "rules_note": {
        "zh": "标有“● 成立”的行是本案中成立的行。区间：[ ] 含端点，( ) 不含端点；`-` 表示不限。",
        "en": "Rows marked “● fired” are those that fired in this case. Ranges: [ ] include their end, ( ) do not; "
        "`-` asks nothing.",
    },
    "short_rule": {
        "zh": "该规则在本案中没有判定，只列出有效期和适用条件；全文在规则包 {file} 中。",
        "en": "This policy judged nothing in this case, so only its period and condition stand here; the whole "
        "of it is {file} of the bundle.",
    },
    "fired": {"zh": "● 成立", "en": "● fired"},
    "period": {"zh": "有效期", "en": "In force"},
    "in_force_not": {"zh": "判定日不在有效期内", "en": "not in force on the day judged"},
    "applies": {"zh": "适用条件", "en": "Applies when"},
    "always": {"zh": "无条件", "en": "always"},
    "needs": {"zh": "需要提交", "en": "Needs posted"},
    "basis": {"zh": "依据", "en": "Basis"},
    "source": {"zh": "出处", "en": "Source"},
    "readings": {"zh": "对原文的解读", "en": "Readings of the source"},
    "parameters": {"zh": "当日有效的参数", "en": "Parameters with the values in force on the day"},
    "parameter": {"zh": "参数", "en": "Parameter"},
    "since": {"zh": "起始日", "en": "Since"},
    "not_begun": {"zh": "当日尚无值", "en": "no value on the day"},
    "rows_hidden": {
        "zh": "哪些行成立会透露敏感值，此处不显示。",
        "en": "Which rows fired tells a sensitive value, and is not shown here.",
    },
    "row": {"zh": "行", "en": "Row"},
    "output": {"zh": "结果：{}", "en": "result: {}"},
    "otherwise": {"zh": "其余情形", "en": "otherwise"},
    "expression": {"zh": "算式", "en": "Computed as"},
    "when": {"zh": "条件", "en": "When"},
    "claims": {"zh": "领取", "en": "Claims"},
    "exceptions": {"zh": "例外", "en": "Exceptions"},
    "further": {"zh": "其他", "en": "Further"},
    "stack": {"zh": "叠加组 {}", "en": "stacking group {}"},
    "valid_for": {"zh": "自判定日起有效 {}", "en": "valid for {} from the day judged"},
    "each_row": {"zh": "表 {} 的每一行一项", "en": "one for each row of {}"},
    "advice_rules": {"zh": "建议的条件", "en": "Conditions of recommendations"},
    "text": {"zh": "文字", "en": "Text"},
    "priority": {"zh": "优先级", "en": "Priority"},
    "yaml": {"zh": "规则文件原文 {}", "en": "Source of the rule file {}"},
    "frame": {"zh": "适用于所有规则", "en": "What holds for all policies"},
    "exclusions": {"zh": "所有奖励的例外", "en": "Exceptions of all rewards"},
    "stacking": {"zh": "叠加组", "en": "Stacking groups"},
    "cap": {"zh": "上限 {}", "en": "cap {}"},
    # inputs
    "inputs": {"zh": "判定所用的数据", "en": "Inputs"},
    "read_by": {"zh": "被哪些规则读取", "en": "Read by"},
    "nobody": {"zh": "本案的规则都不读取", "en": "no policy of this case"},
    "nothing_posted": {"zh": "没有提交任何数据。", "en": "Nothing was posted."},
    "hidden": {"zh": "（已隐藏）", "en": "(hidden)"},
    "hidden_n": {"zh": "（已隐藏 {}）", "en": "(hidden {})"},
    "erased": {"zh": "（已删除）", "en": "(erased)"},
    "erased_n": {"zh": "（已删除 {}）", "en": "(erased {})"},
    "ignored": {"zh": "提交了但未声明、因而忽略的数据", "en": "Posted, but not declared and so ignored"},
    "provenance": {"zh": "数据来源", "en": "Where the facts are from"},
    "no_provenance": {"zh": "请求没有说明数据来源。", "en": "The request does not say where the facts are from."},
    # corrections
    "corrections": {"zh": "更正", "en": "Corrections"},
    "no_corrections": {
        "zh": "本判定没有更正其他判定，也没有被更正。",
        "en": "This decision corrects none, and none corrects it.",
    },
    "this_one": {"zh": "本判定", "en": "this decision"},
    "first_one": {"zh": "最初的判定", "en": "the first decision"},
    "corrects": {"zh": "更正 {id}：{reason}", "en": "corrects {id}: {reason}"},
    "chain_cut": {"zh": "更正过多，只列出一部分。", "en": "There are more corrections than are listed."},
    # proofs
    "proofs": {"zh": "证明状态", "en": "Proof status"},
    "proofs_note": {
        "zh": "以下各项在生成本页时由存储的内容重新计算，所用密钥为：{keys}；日志名为 {origin}。",
        "en": "Each of these was computed from what is stored when this page was made, with the keys {keys} of the log "
        "{origin}.",
    },
    "check": {"zh": "检查", "en": "Check"},
    "outcome": {"zh": "结果", "en": "Result"},
    "verify": {"zh": "如何独立核验", "en": "How to verify independently"},
    "verify_export": {
        "zh": "1. 导出一份自带全部证明的文件：",
        "en": "1. Export the file that proves the decision by itself:",
    },
    "verify_run": {
        "zh": "2. 用不依赖本服务的单文件程序核验，公钥取自可信的别处，不取自本页：",
        "en": "2. Verify it with the one-file program that needs nothing of this service, with a key from a place that "
        "you trust, not from this page:",
    },
}
"""A key that is not in this table is an error, so no page has a word in one language only."""

PER: Words = {
    "once": {"zh": "每个对象只可领取一次", "en": "claimed once per subject"},
    "campaign": {"zh": "每次活动领取一次", "en": "claimed once per campaign"},
    "day": {"zh": "按日领取", "en": "claimed per day"},
    "month": {"zh": "按月领取", "en": "claimed per month"},
    "none": {"zh": "不可领取", "en": "nothing is claimed"},
}
ON_INCREASE: Words = {
    "top_up": {"zh": "数额增加时补足差额", "en": "if the amount grows, the difference is paid"},
    "keep": {"zh": "数额增加时不再补发", "en": "if the amount grows, nothing more is paid"},
}
ON_DECREASE: Words = {
    "keep": {"zh": "数额减少时不收回", "en": "if it falls, what was paid stays"},
    "claw_back": {"zh": "数额减少时收回差额", "en": "if it falls, the difference is taken back"},
}
BASIS: Words = {
    "stated": {"zh": "原文明示", "en": "stated"},
    "assumed": {"zh": "推定，待确认", "en": "assumed, to be confirmed"},
}
HIT: Words = {
    "unique": {"zh": "至多一行成立", "en": "at most one row fits"},
    "any": {"zh": "成立的各行结果相同", "en": "rows that fit agree"},
    "first": {"zh": "取最先成立的一行", "en": "the first row that fits"},
    "priority": {"zh": "取成立的行中结果优先级最高的", "en": "of the rows that fit the result of highest priority"},
    "rule order": {"zh": "所有成立的行，按表中次序", "en": "all rows that fit, in their order"},
    "output order": {"zh": "所有成立的行，按结果次序", "en": "all rows that fit, in the order of results"},
    "collect": {"zh": "所有成立的行", "en": "all rows that fit"},
    "collect sum": {"zh": "成立各行之和", "en": "the sum of the rows that fit"},
    "collect min": {"zh": "成立各行的最小值", "en": "the least of the rows that fit"},
    "collect max": {"zh": "成立各行的最大值", "en": "the greatest of the rows that fit"},
    "collect count": {"zh": "成立的行数", "en": "the number of rows that fit"},
}
COMBINE: Words = {
    "sum": {"zh": "相加", "en": "added up"},
    "max": {"zh": "只取最高一项", "en": "only the highest counts"},
    "first": {"zh": "只取最先一项", "en": "only the first counts"},
}
CORRECTION: Words = {
    "data_correction": {"zh": "数据更正", "en": "data correction"},
    "appeal": {"zh": "申诉", "en": "appeal"},
    "rule_correction": {"zh": "规则更正", "en": "rule correction"},
}
PROVENANCE: Words = {
    "source": {"zh": "来源系统", "en": "Source"},
    "snapshot": {"zh": "快照", "en": "Snapshot"},
    "observed_at": {"zh": "观测时间", "en": "Observed at"},
    "ticket": {"zh": "工单", "en": "Ticket"},
}
SOURCE: Words = {
    "seed": {"zh": "资料", "en": "document"},
    "section": {"zh": "章节", "en": "section"},
    "note": {"zh": "注", "en": "note"},
}
