"""The tree of a large sorted set beside the plainest thing that answers the same: a sorted list of pairs."""

import random

import pytest

from cachetwin_engine.core.types.sorted_sets.score_tree import ADDED, CHANGED, SAME, ScoreTree

ROUNDS = 6000


@pytest.mark.parametrize(("seed", "scores"), [(1, 1), (2, 7), (3, 100_000)])
def test_a_tree_keeps_the_order_of_a_sorted_list_through_any_changes(seed: int, scores: int) -> None:
    draw = random.Random(seed)  # noqa: S311  (a test that can be repeated)
    tree = ScoreTree({}, packed=False)
    model: dict[bytes, float] = {}
    for step in range(ROUNDS):
        member = b"m%d" % draw.randrange(2000)
        choice = draw.random()
        if choice < 0.7:
            score = draw.randrange(scores) / 4
            expected = ADDED if member not in model else SAME if model[member] == score else CHANGED
            assert tree.put(member, score) == expected
            model[member] = score
        elif choice < 0.99:
            assert tree.remove(member) == (model.pop(member, None) is not None)
        else:
            start = draw.randrange(len(model) + 1)
            stop = start + draw.randrange(400)
            gone = sorted((score, member) for member, score in model.items())[start:stop]
            assert tree.remove_range(start, stop) == [member for _, member in gone]
            for _, member in gone:
                del model[member]
        if step % 200 == 0:
            _check(tree, model, draw)
    _check(tree, model, draw)


def _check(tree: ScoreTree, model: dict[bytes, float], draw: random.Random) -> None:
    pairs = sorted((score, member) for member, score in model.items())
    assert tree.scores == model
    assert tree.range(0, len(pairs)) == ([member for _, member in pairs], [score for score, _ in pairs])
    start, stop = sorted((draw.randrange(len(pairs) + 1), draw.randrange(len(pairs) + 1)))
    assert tree.range(start, stop) == (
        [member for _, member in pairs[start:stop]],
        [score for score, _ in pairs[start:stop]],
    )
    for rank, (score, member) in list(enumerate(pairs))[::97]:
        assert tree.rank(member) == rank
        assert tree.member_at(rank) == member
        assert tree.rank_of_score(score, after=False) == sum(other < score for other, _ in pairs)
        assert tree.rank_of_score(score, after=True) == sum(other <= score for other, _ in pairs)
