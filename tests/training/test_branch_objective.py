import torch

from tests.training.objectives import joint_objective


def test_settle__the_heads_centre_images_as_they_are_used(tiny_model, views):
    objective = joint_objective(tiny_model)
    teacher = objective.consistency.teacher
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.running_mean.fill_(3.0)  # as if of other images
    objective.settle([views, views])
    seen = []
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.register_forward_hook(lambda _, __, output: seen.append(output))
        assert not branch.head.centre.training
        assert branch.head.centre.momentum == torch.nn.BatchNorm2d(1).momentum
    with torch.no_grad():
        objective._segment(views)
    for output in seen:
        means = output.mean((0, 2, 3))
        torch.testing.assert_close(means, torch.zeros_like(means), atol=1e-3, rtol=0.0)


def test_measuring__leaves_the_teacher_as_it_is(tiny_model, views):
    objective = joint_objective(tiny_model)
    before = {k: v.clone() for k, v in objective.consistency.teacher.state_dict().items()}
    objective.validate(views)
    for name, value in objective.consistency.teacher.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, before[name]), name
