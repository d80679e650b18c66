"""What the documents say is what the code says."""

import diagrams
import peers_table


def test_diagrams_are_drawn_from_the_tables():
    assert diagrams.main(["--check"]) == 0


def test_every_row_is_drawn():
    page = diagrams.page()
    for module, table, _ in diagrams.TABLES:
        rows = diagrams.rows(module, table)
        assert len(rows) > 5
        for state, event, action, to in rows:
            assert f"{event}/{action}" in page, (module, state, event, to)


def test_the_tables_of_peers_tell_of_the_tests():
    wrong = peers_table.check()
    assert not wrong, "\n".join([*wrong, "run the tests that are new, then `make peers`"])


def test_every_feature_has_a_line():
    for feature, group in (
        ("digits sent by INFO", "digits"),
        ("held, and no digit", "digits"),
        ("re-INVITE without an offer", "hold, re-INVITE, late offer"),
        ("CANCEL received while it rings", "refused, busy, cancelled, redirected"),
        ("what nobody thought of", "calls, sound"),
    ):
        assert peers_table.group_of(feature) == group
