import torch

from ssvif.params import FusionLossParams
from ssvif.training.fusion_objective import FusionObjective


def test_fusion_objective__a_few_steps_on_one_batch_lower_its_loss(tiny_model, views):
    objective = FusionObjective(tiny_model.fusion, FusionLossParams(), learning_rate=2e-3)
    optimizer = torch.optim.AdamW(objective.parameter_groups())
    losses = []
    for step in range(25):
        losses.append(objective.backward(views, step)["loss"])
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.97 * losses[0]
