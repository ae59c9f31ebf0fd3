from ssvif.gate.decision import Check
from ssvif.gate.verdict import decide


def check(kind, passed, sentence="is fine"):
    return Check(name=f"{kind}/{sentence}", kind=kind, passed=passed, sentence=sentence)


LEAD = check("superiority", True, "gains 0.01 Qabf (0.004 to 0.016)")
TIE = check("superiority", None, "gains 0.01 Qabf (-0.004 to 0.016), which chance may explain")
NOT_BETTER = TIE.model_copy(update={"passed": False})
LOSS = check("slice", False, "loses 7 % of SSIM on night pairs (6 % are allowed)")


def test_decide__a_winner():
    assert decide([LEAD, check("metric", True)], champion="version 3") == (
        "promote",
        (
            "promote over version 3: the challenger gains 0.01 Qabf (0.004 to 0.016) and loses "
            "nothing beyond the margins"
        ),
    )


def test_decide__what_was_not_judged_speaks_neither_way():
    assert decide([LEAD, check("slice", None)], champion="version 3")[0] == "promote"


def test_decide__a_gain_beside_a_loss():
    assert decide([LEAD, LOSS], champion="version 3") == (
        "keep",
        (
            "keep version 3: the challenger gains 0.01 Qabf (0.004 to 0.016) but loses 7 % of SSIM "
            "on night pairs (6 % are allowed)"
        ),
    )


def test_decide__no_gain():
    outcome, sentence = decide([NOT_BETTER], champion="version 3")
    assert outcome == "keep"
    assert sentence.endswith(
        "the challenger gains 0.01 Qabf (-0.004 to 0.016), which chance may explain"
    )


def test_decide__a_tie_goes_to_the_newer_where_that_is_the_rule():
    outcome, sentence = decide([TIE], champion="version 3")
    assert outcome == "promote"
    assert sentence.endswith("nothing else tells them apart, and newer wins ties")


def test_decide__many_failures_are_counted():
    losses = [LOSS.model_copy(update={"name": str(number)}) for number in range(5)]
    _, sentence = decide([NOT_BETTER, *losses], champion="version 3")
    assert sentence.endswith("and 3 further checks fail")
    assert "; it also loses 7 % of SSIM" in sentence


def test_decide__too_few_pairs_say_so_alone():
    sample = check("sample", False, "5 pairs of 1 block are too few to decide on")
    assert decide([sample, NOT_BETTER], champion="version 3") == (
        "keep",
        "keep version 3: 5 pairs of 1 block are too few to decide on",
    )


def test_decide__insane_outputs_come_first():
    broken = check("sanity", False, "gives values that are not numbers for noise beside black")
    _, sentence = decide([check("floor", False, "has entropy 0"), broken], champion="version 3")
    assert sentence.startswith("keep version 3: the challenger gives values that are not numbers")


def test_decide__without_a_champion():
    assert decide([check("floor", True)], champion=None)[0] == "first"
    outcome, sentence = decide([check("floor", False, "has entropy 2")], champion=None)
    assert outcome == "keep"
    assert sentence == "no champion yet, and the challenger may not be one: it has entropy 2"
