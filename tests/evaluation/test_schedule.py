from PIL import Image

from ssvif.evaluation.schedule import draw_schedule

ROWS = [
    (
        step,
        {
            "stage_two/train/dynamic_weight/weight": 0.01 * step,
            "stage_two/train/dynamic_weight/ratio": 0.1,
            "stage_two/train/loss": 1.0 / (step + 1),
        },
    )
    for step in range(20)
]


def test_draw_schedule__equal_runs_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        draw_schedule(tmp_path / f"{name}.png", ROWS)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert Image.open(tmp_path / "a.png").size > (500, 500)


def test_draw_schedule__another_schedule_is_another_picture(tmp_path):
    draw_schedule(tmp_path / "a.png", ROWS)
    draw_schedule(tmp_path / "b.png", ROWS[:10])
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_draw_schedule__nothing_logged(tmp_path):
    draw_schedule(tmp_path / "a.png", [])
    assert (tmp_path / "a.png").is_file()
