import torch

from ssvif.metrics.artefacts import artefacts, fusion_loss


def steps() -> torch.Tensor:
    """Blocks of 8 pixels in different greys."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 1, 4, 5, generator=generator)
    return coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)


def test_artefacts__texture_that_no_source_has_is_made_up() -> None:
    texture = torch.rand(1, 1, 32, 40, generator=torch.Generator().manual_seed(1))
    flat = torch.full_like(texture, 0.5)
    assert artefacts(fused=texture, vis=flat, ir=flat).item() > 0.99
    assert fusion_loss(fused=texture, vis=flat, ir=flat).item() < 0.01


def test_fusion_loss__edges_that_are_gone_are_lost() -> None:
    flat = torch.full_like(steps(), 0.5)
    assert fusion_loss(fused=flat, vis=steps(), ir=steps()).item() > 0.99
    assert artefacts(fused=flat, vis=steps(), ir=steps()).item() == 0.0


def test_artefacts__edges_of_the_sources_are_not_made_up() -> None:
    assert artefacts(fused=steps(), vis=steps(), ir=steps()).item() == 0.0
    assert fusion_loss(fused=steps(), vis=steps(), ir=steps()).item() < 0.001
