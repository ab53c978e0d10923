"""The words of pages on proofs: checks, what they leave open, who asked, who ordered."""

from policy_service.pages.words import Words

CHECK_OUTCOME: Words = {
    "ok": {"zh": "✓ 相符", "en": "✓ ok"},
    "failed": {"zh": "✗ 不符", "en": "✗ not ok"},
    "pending": {"zh": "… 等待", "en": "… waiting"},
    "absent": {"zh": "– 无从核对", "en": "– nothing to check"},
}
FINDING: Words = {
    "record_fits": {
        "zh": "记录的字节重新计算后与其摘要一致：{digest}",
        "en": "The bytes of the record, hashed again, fit its digest {digest}",
    },
    "record_altered": {
        "zh": "记录已被改动：字节的摘要为 {digest}，与登记的不一致",
        "en": "The record was altered: its bytes have the digest {digest}, which is not the one that was kept",
    },
    "record_unhashed": {
        "zh": "记录早于封存日志，没有登记摘要；现为 {digest}",
        "en": "The record is older than the sealed log and no digest of it was kept; it is {digest} now",
    },
    "record_unreadable": {
        "zh": "存储的内容不是本判定的记录，或其版本本程序不认识",
        "en": "What is stored is no record of this decision, or of a version that this program does not know",
    },
    "sealed": {"zh": "已封存，在日志中的序号为 {index}", "en": "Sealed in the log at index {index}"},
    "waiting": {
        "zh": "等待封存：稍后取得序号和包含证明",
        "en": "Waits for its index and its inclusion proof, which it gets in a moment",
    },
    "unlogged": {
        "zh": "既未封存，也不在等待：记录不在日志中",
        "en": "Neither sealed nor waiting: the record is not in the log",
    },
    "included": {
        "zh": "包含证明成立：记录是日志头（共 {size} 条）中的第 {index} 条（从 0 数起）",
        "en": "Its inclusion proof holds: it is entry {index}, counted from 0, of the head of {size} entries",
    },
    "not_included": {
        "zh": "包含证明不成立：日志头（共 {size} 条）的第 {index} 条不是这些字节",
        "en": "Its inclusion proof fails: entry {index} of the head of {size} entries is not these bytes",
    },
    "head_signed": {
        "zh": "该日志头于 {at} 由 {signer} 签名，签名有效",
        "en": "That head was signed at {at} by {signer}, and the signature holds",
    },
    "head_refused": {
        "zh": "最新日志头没有当时有效的密钥的签名",
        "en": "The newest head is not signed by a key then in force",
    },
    "head_lost": {"zh": "没有包含该序号的日志头", "en": "There is no head that has the index in it"},
    "receipt_fits": {
        "zh": "回执有效：由 {signer} 签名，时间 {at}，摘要一致",
        "en": "The receipt holds: signed by {signer} for {at}, with the same digest",
    },
    "receipt_differs": {
        "zh": "回执所签的是另一份记录：{digest}",
        "en": "The receipt was signed for another record: {digest}",
    },
    "receipt_refused": {
        "zh": "回执的签名不能由已知密钥核实",
        "en": "The receipt is not signed by a known key",
    },
    "receipt_of_ended_key": {
        "zh": "回执由 {signer} 签名，但该密钥在日志的这个位置不是有效密钥",
        "en": "The receipt is signed by {signer}, which was not in force at this place of the log",
    },
    "receipt_lost": {
        "zh": "没有回执：记录不能算作本服务所作",
        "en": "There is no receipt: nothing shows that the service made the record",
    },
    "no_receipt": {
        "zh": "记录早于回执，只由日志头证明",
        "en": "The record is older than receipts; heads alone prove it",
    },
    "bundle_fits": {
        "zh": "规则包的原文重新装载后得到同一编号：{bundle}",
        "en": "The stored sources give the bundle that decided: {bundle}",
    },
    "bundle_altered": {
        "zh": "存储的规则原文得不到作出判定的规则包 {bundle}",
        "en": "The stored sources do not give the bundle that decided, {bundle}",
    },
    "order_fits": {
        "zh": "第 {version} 号指令在日志的第 {index} 条，包含证明成立，回执由 {signer} 签名",
        "en": "Order {version} is entry {index} of the log: its inclusion proof holds, and {signer} receipted it",
    },
    "order_waiting": {
        "zh": "第 {version} 号指令等待封存，回执由 {signer} 签名",
        "en": "Order {version} waits to be sealed; {signer} receipted it",
    },
    "order_altered": {
        "zh": "存储的第 {version} 号指令不是日志所封存、并有回执的那一道",
        "en": "Order {version}, as it is stored, is not the one that was receipted and sealed",
    },
    "not_ordered": {
        "zh": "判定之前没有指令启用过规则包 {bundle}",
        "en": "No order before the decision put its bundle {bundle} into force",
    },
    "before_orders": {
        "zh": "记录早于指令，找不到启用规则包 {bundle} 的指令",
        "en": "The record is older than orders, and none is known that put its bundle {bundle} into force",
    },
    "stops_kept": {
        "zh": "当时有效的 {count} 项暂停都已遵守",
        "en": "The {count} stops then in force were kept: the bundle grants nothing of them",
    },
    "stop_ignored": {
        "zh": "规则 {policy} 当时已暂停，作出判定的规则包却没有暂停它",
        "en": "The policy {policy} was stopped, and the bundle that decided grants it",
    },
    "asker_unknown": {
        "zh": "日志中没有创建请求者密钥的指令",
        "en": "No order of the log made the key of who asked",
    },
    "witnessed": {
        "zh": "见证者 {witness} 于 {at} 联署了含有本记录的日志头（共 {size} 条）",
        "en": "The witness {witness} cosigned, at {at}, a head of {size} entries that has this record in it",
    },
    "not_witnessed_yet": {
        "zh": "见证者 {witness} 尚未联署含有本记录的日志头",
        "en": "The witness {witness} has not cosigned a head with this record yet",
    },
    "cosignature_refused": {
        "zh": "见证者 {witness} 的联署与所存的日志头（共 {size} 条）不符",
        "en": "The cosignature of the witness {witness} does not fit the stored head of {size} entries",
    },
    "no_witness": {"zh": "没有设置见证者", "en": "No witness is asked here"},
    "nothing_private": {"zh": "记录中没有被替换的敏感数据", "en": "No sensitive value was taken out of the record"},
    "private_fits": {
        "zh": "{count} 个敏感数据与记录中的承诺值相符（此处不显示）",
        "en": "{count} sensitive values fit their commitments in the record; they are not shown here",
    },
    "private_altered": {
        "zh": "保存的敏感数据与记录中的承诺值不符",
        "en": "A sensitive value that is kept does not fit its commitment in the record",
    },
    "private_erased": {
        "zh": "{count} 个敏感数据已删除；记录的证明不受影响",
        "en": "{count} sensitive values were erased; the proofs of the record stay valid",
    },
}

LIMIT: Words = {
    "facts": {
        "zh": "未证明提交的数据属实：日志证明的是当时提交了什么、据此判定了什么。",
        "en": "Not that the facts posted were true: the log proves what was posted, and what was decided by it.",
    },
    "others": {
        "zh": "未证明关于同一对象没有多出或缺少别的判定：这要核验整个日志，policyctl audit verify。",
        "en": "Not that no other decision on these subjects was added or taken away: that takes the whole log, "
        "policyctl audit verify.",
    },
    "instant": {
        "zh": "未证明判定时间：它取自本服务的时钟。",
        "en": "Not the instant of the decision: it is by the clock of the service itself.",
    },
    "instant_witnessed": {
        "zh": "未证明判定时间：它取自本服务的时钟；见证者只证明记录最迟在 {at} 已经存在。",
        "en": "Not the instant of the decision, which is by the clock of the service: witnesses show only that the "
        "record was there by {at}.",
    },
    "signer": {
        "zh": "未证明持有签名密钥的人没有改写过记录：还没有见证者联署过含有本记录的日志头。",
        "en": "Not that whoever holds the signing key never wrote the record anew: no witness has cosigned a head "
        "with it.",
    },
    "signer_witnessed": {
        "zh": "未证明持有签名密钥的人在 {at} 之前没有改写过记录；此后要不被发现地改写，须与见证者（{witnesses}）合谋。",
        "en": "Not that whoever holds the signing key never wrote the record anew before {at}. Since then they could "
        "do so unseen only together with the witnesses {witnesses}.",
    },
    "waiting": {
        "zh": "未证明记录在日志中：它还没有序号，目前只有回执作出承诺。",
        "en": "Not that the record is in the log: it has no index yet, and so far the receipt promises it.",
    },
    "legacy": {
        "zh": "未证明记录在日志开始之前没有被改动：它早于回执。",
        "en": "Not that the record was left as it was before the log began: it is older than receipts.",
    },
    "asked_by_key": {
        "zh": "未证明使用密钥的人就是密钥的主人：日志只认得密钥。",
        "en": "Not that who used the key was its owner: the log knows the key alone.",
    },
    "asked_by_token": {
        "zh": "未证明请求者是谁：记录中只有化名，知道发行方和主体的人可以核对。",
        "en": "Not who asked: the record has a pseudonym, which those can check who know the issuer and the subject.",
    },
    "asked_openly": {
        "zh": "未证明请求者是谁：当时没有要求凭证，或记录中没有请求者。",
        "en": "Not who asked: no credential was needed, or the record does not say.",
    },
    "erased": {
        "zh": "未证明已删除的数据是什么。",
        "en": "Not what the erased values were.",
    },
}
"""Each is something that the checks leave open."""

ASKER: Words = {
    "key": {
        "zh": "API 密钥“{name}”，由 {by} 于 {at} 创建",
        "en": "the API key “{name}”, which {by} made at {at}",
    },
    "key_unknown": {"zh": "日志中没有的 API 密钥", "en": "an API key that the log does not have"},
    "token": {"zh": "持发行方令牌的主体（化名）", "en": "a subject with a token of an issuer (a pseudonym)"},
    "local": {"zh": "本机上的请求，当时不需要凭证", "en": "a request of this machine, when no credential was needed"},
    "cli": {"zh": "主机上的命令行，不需要凭证", "en": "the command line of a host, which needs no credential"},
    "unknown": {"zh": "?（记录中没有请求者）", "en": "? (the record does not say)"},
}
ORDER_KIND: Words = {
    "folder": {"zh": "启用规则文件夹", "en": "the rules folder was put into force"},
    "activate": {"zh": "启用", "en": "activated"},
    "rollback": {"zh": "回退到此前发布的规则包", "en": "rolled back to it"},
    "stop": {"zh": "并入暂停后启用", "en": "put into force with a stop in it"},
    "resume": {"zh": "解除暂停后启用", "en": "put into force without a stop that had ended"},
}
