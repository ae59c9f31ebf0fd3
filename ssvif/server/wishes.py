"""What a request asks for, beside its images."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ssvif.data.encoding import ImageFormat
from ssvif.fuse.choices import VISIBLE, Colour
from ssvif.fuse.views import FUSED, View

Raw = Annotated[float, Field(allow_inf_nan=False)]


class SegmentWish(BaseModel):
    """How infrared of more than 8 bits is shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ir_black: Raw | None = Field(
        default=None, description="Raw infrared value of black, for more than 8 bits."
    )
    ir_white: Raw | None = Field(default=None, description="Raw infrared value of white.")

    @model_validator(mode="after")
    def _require_range(self) -> "SegmentWish":
        low, high = self.ir_black, self.ir_white
        if (low is None) != (high is None):
            raise ValueError("ir_black and ir_white belong together; give both, or none")
        if low is not None and high is not None and not low < high:
            raise ValueError(f"ir_black {low:g} is not below ir_white {high:g}")
        return self

    @property
    def ir_range(self) -> tuple[float, float] | None:
        """Raw values of black and white, if they were given."""
        if self.ir_black is None or self.ir_white is None:
            return None
        return self.ir_black, self.ir_white


class FuseWish(SegmentWish):
    """How a fused image shall be."""

    view: View = Field(default=FUSED, description="fused, for people; machine, for a segmenter.")
    colour: Colour = Field(
        default=VISIBLE,
        description="visible: the visible image's colours; grey; heat: what is warm laid over.",
    )
    format: ImageFormat = Field(default="png", description="Of the response.")

    @model_validator(mode="after")
    def _require_colours(self) -> "FuseWish":
        if self.view != FUSED and self.colour != VISIBLE:
            raise ValueError(f"colour {self.colour} is for view fused; {self.view} has its own")
        return self
