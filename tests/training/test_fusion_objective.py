import torch

from ssvif.losses.fusion import fusion_loss
from ssvif.params import FusionLossParams, Params
from ssvif.training.build import build_criterion, build_fusion_objective


def test_fusion_objective__a_few_steps_on_one_batch_lower_its_loss(tiny_model, views):
    objective = build_fusion_objective(tiny_model.fusion, Params())
    optimizer = torch.optim.AdamW(objective.parameter_groups())
    losses = []
    for step in range(25):
        losses.append(objective.backward(views, step)["loss"])
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.97 * losses[0]


def test_fusion_criterion__each_term_has_its_weight(views):
    vis_y, ir = views.vis[:, :1], views.ir
    planes = {"fused_y": (vis_y * ir).sqrt(), "vis_y": vis_y, "ir": ir}
    terms = fusion_loss(**planes, contrast=1.4, sharpness=1.25, veiling=0.5)
    expected = 1.0 * terms["intensity"] + 10.0 * terms["gradient"] + 0.5 * terms["ssim"]
    loss, figures = build_criterion(FusionLossParams())(**planes)
    torch.testing.assert_close(loss, expected)
    assert figures["loss"] == float(loss)
    assert len({round(float(term), 3) for term in terms.values()}) == 3
