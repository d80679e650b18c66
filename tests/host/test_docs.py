"""What the documents say is what the code says."""

import diagrams


def test_diagrams_are_drawn_from_the_tables():
    assert diagrams.main(["--check"]) == 0


def test_every_row_is_drawn():
    page = diagrams.page()
    for module, table, _ in diagrams.TABLES:
        rows = diagrams.rows(module, table)
        assert len(rows) > 5
        for state, event, action, to in rows:
            assert f"{event}/{action}" in page, (module, state, event, to)
