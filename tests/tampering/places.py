"""Manipulations of indices, tiles and heads."""

from typing import Any

from tests.tampering.case import LATE, Case, Tampering, case, each

# ---- entries


@case("log", {"index-gap": "noon-0", "record-not-logged": "noon-0"})
def an_entry_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_entries WHERE id = :id", id=t.id("noon-0"))


@case("log", {"tree-altered": ("noon-0", "noon-3")})
def two_entries_swapped(t: Tampering) -> None:
    for old, new in (
        (t.story.index("noon-0"), 999),
        (t.story.index("noon-3"), t.story.index("noon-0")),
        (999, t.story.index("noon-3")),
    ):
        t.hand.change('UPDATE log_entries SET "index" = :new WHERE "index" = :old', old=old, new=new)


def _entry(t: Tampering, index: int) -> None:
    row = {"index": index, "kind": "decision", "id": t.new_id(), "leaf": "0" * 64, "at": LATE, "as_of": "2023-04-01"}
    t.hand.insert("log_entries", row)


each(
    {"behind the last": 42},
    Case(
        "an entry put in {}",
        "log",
        lambda _: None,
        {"record-lost": 42, "head-lost": 42, "tree-altered": None},
        seals=False,
    ),
    _entry,
)
each(
    {"far away": 10**7},
    Case(
        "an entry put in {}", "log", lambda _: None,
        {"index-gap": 42, "record-lost": 10**7, "head-lost": 10**7, "tree-altered": None}, seals=False,
    ),
    _entry,
)  # fmt: skip
each(
    {"below the first": -5},
    Case("an entry put in {}", "log", lambda _: None, {"store-altered": None}),
    _entry,
)
each(
    {"at": {"at": "2020-01-01T00:00:00.000Z"}, "day": {"as_of": "2020-01-01"}},
    Case("the column {} of an entry", "log", lambda _: None, {"entry-altered": "noon-1"}),
    lambda t, values: t.change("log_entries", "noon-1", **values),
)
each(
    {"kind": {"kind": "act"}},
    Case("the column {} of an entry", "log", lambda _: None, {"record-lost": "noon-1"}),
    lambda t, values: t.change("log_entries", "noon-1", **values),
)
each(
    {"leaf": {"leaf": "0" * 64}},
    Case("the column {} of an entry", "log", lambda _: None, {"record-altered": "noon-1"}),
    lambda t, values: t.change("log_entries", "noon-1", **values),
)
each(
    {"id": {"id": "01a22e43-0000-7000-8000-00000000000f"}},
    Case("the column {} of an entry", "log", lambda _: None, {"record-lost": "noon-1", "record-not-logged": "noon-1"}),
    lambda t, values: t.change("log_entries", "noon-1", **values),
)

# ---- tiles


@case("tile", {"tree-altered": "noon-1", "root-differs": 16}, holds=True)
def a_hash_in_a_tile_edited(t: Tampering) -> None:
    t.set_hash(t.story.index("noon-1"), bytes(32))


@case("tile", {"tree-altered": ("noon-1", "noon-2"), "root-differs": 16}, holds=True)
def two_hashes_in_a_tile_swapped(t: Tampering) -> None:
    at, tile = t.story.index("noon-1") * 32, t.tile()
    t.set_tile(tile[:at] + tile[at + 32 : at + 64] + tile[at : at + 32] + tile[at + 64 :])


@case("tile", {"tree-altered": "last-2"}, holds=True)
def a_tile_cut_off(t: Tampering) -> None:
    t.set_tile(t.tile()[:-32])


@case("tile", {"tree-altered": None}, seals=False)
def a_tile_made_longer(t: Tampering) -> None:
    t.set_tile(t.tile() + bytes(32))


@case("tile", {"tree-altered": 0}, holds=True)
def a_tile_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_tiles")


each(
    {"the next tile": (0, 1), "a tile of a higher level": (1, 0), "a tile of a negative level": (-1, 0)},
    Case("{} put in", "tile", lambda _: None, {"tree-altered": None}),
    lambda t, at: t.hand.insert("log_tiles", {"level": at[0], "number": at[1], "hashes": bytes(32)}),
)


@case("tile", {"tree-altered": 0}, holds=True)
def a_tile_moved(t: Tampering) -> None:
    t.hand.change("UPDATE log_tiles SET number = 7")


@case("tile", {"store-altered": None, "tree-altered": 0}, holds=True, only="sqlite")
def a_tile_of_another_type(t: Tampering) -> None:
    t.hand.change("UPDATE log_tiles SET hashes = 'a text'")


# ---- heads


def _head(t: Tampering, size: int, **values: Any) -> None:
    sets = ", ".join(f"{name} = :{name}" for name in values)
    t.hand.change(f"UPDATE log_heads SET {sets} WHERE size = :of", of=size, **values)


def _forged(t: Tampering, size: int) -> None:
    note = t.key.note(max(size, 0), bytes(32))
    t.hand.insert("log_heads", {"size": size, "root": "0" * 64, "at": LATE, "note": note})


def _sizes(t: Tampering) -> list[int]:
    assert t.story.sizes == [16, 28, 35, 38, 39, 42]
    return t.story.sizes


each(
    {
        "time": {"at": "2023-04-02T04:00:00.500Z"},
        "root": {"root": "0" * 64},
        "note": {"note": "nothing"},
    },
    Case("a head with another {}", "head", lambda _: None, {"head-refused": 27, "head-lost": 34}),
    lambda t, values: _head(t, 28, **values),
)


@case("head", {"head-refused": 27, "head-lost": 34})
def a_head_with_another_time_in_its_note(t: Tampering) -> None:
    note = t.story.heads[1]
    at = next(line for line in note.split("\n") if line.startswith("time "))
    _head(t, 28, note=note.replace(at, "time 2023-04-02T04:00:00.500Z"), at="2023-04-02T04:00:00.500Z")


@case("head", {"head-refused": 27, "head-lost": 34})
def a_head_signed_by_another_key(t: Tampering) -> None:
    text = t.story.heads[1].partition("\n\n")[0] + "\n"
    _head(t, 28, note=t.key.signed(text))


@case("head", {"head-refused": (15, 27, 34, 37, 38, 41)}, holds=True)
def all_heads_signed_by_another_key(t: Tampering) -> None:
    for size, note in zip(_sizes(t), t.story.heads, strict=True):
        _head(t, size, note=t.key.signed(note.partition("\n\n")[0] + "\n"))


@case("head", {"head-refused": 27, "head-lost": 34})
def a_head_in_the_place_of_another(t: Tampering) -> None:
    _head(t, 28, note=t.story.heads[0])


@case("head", {"head-lost": 34})
def an_intermediate_head_deleted(t: Tampering) -> None:
    _sizes(t)
    t.hand.change("DELETE FROM log_heads WHERE size = 28")


@case("head", {"head-lost": 27})
def the_first_head_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_heads WHERE size = 16")


@case("head", {"head-lost": 41}, holds=True)
def the_last_head_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_heads WHERE size = 42")


@case("head", {"head-lost": (34, 41)}, holds=True)
def all_heads_but_the_last_but_one_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_heads WHERE size NOT IN (35, 38, 39)")


@case("head", {"head-lost": 41}, holds=True)
def all_heads_deleted(t: Tampering) -> None:
    t.hand.change("DELETE FROM log_heads")


each(
    {"within the log": 30, "of nothing": 0, "of less than nothing": -3},
    Case("a forged head {}", "head", lambda _: None, {"head-refused": None}),
    _forged,
)
each(
    {"behind the log": 99}, Case("a forged head {}", "head", lambda _: None, {"head-refused": 98}, holds=True), _forged
)


@case("head", {"head-lost": 41, "head-refused": 39})
def a_head_moved(t: Tampering) -> None:
    t.hand.change("UPDATE log_heads SET size = 40 WHERE size = 39")


@case("head", {"store-altered": None}, only="sqlite")
def a_head_of_another_type(t: Tampering) -> None:
    t.hand.change("UPDATE log_heads SET note = CAST(note AS BLOB) WHERE size = 28")
