from flux4d_core.scene.edit.operations import Edits, Remove
from flux4d_viewer.history import History


def test_what_was_undone_comes_back_until_something_new_is_done() -> None:
    history = History().do(Remove("actor-1")).do(Remove("actor-2"))
    assert history.undo().edits == Edits((Remove("actor-1"),))
    assert history.undo().redo().edits == history.edits
    assert history.undo().undo().undo().edits == Edits()
    assert history.undo().do(Remove("actor-3")).redo().edits == Edits((Remove("actor-1"), Remove("actor-3")))


def test_two_operations_of_one_change_are_undone_together() -> None:
    assert History().do(Remove("actor-1"), Remove("actor-2")).undo().edits == Edits()
