"""What FastAPI cannot read off the code, for /openapi.json: bodies read by hand, images."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ssvif.server.problems import ProblemDetails

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp")

TIMING = "Milliseconds of each part: `decode;dur=3.1, queue;dur=0.1, ...`."

_WEIGHTS = {"description": "SHA-256 of the weights.", "schema": {"type": "string"}}
_BINARY = {"type": "string", "format": "binary", "minLength": 1}
_CONTENT_TYPES = ", ".join((*IMAGE_TYPES, "image/tiff", "image/bmp"))


def files(*, many: bool) -> dict[str, Any]:
    """Describe a body with the fields `vis` and `ir`.

    Args:
        many: Whether each has several files.
    """
    field: dict[str, Any] = _BINARY
    if many:
        field = {"type": "array", "items": _BINARY, "minItems": 1}
    described = {
        "vis": field | {"description": "Visible: PNG, JPEG, TIFF, WebP or BMP."},
        "ir": field | {"description": "Infrared: the same, grey, of 8 or 16 bits or floats."},
    }
    schema = {
        "type": "object",
        "properties": described,
        "required": ["vis", "ir"],
        "additionalProperties": False,
    }
    encoding = {name: {"contentType": _CONTENT_TYPES} for name in described}
    content = {"multipart/form-data": {"schema": schema, "encoding": encoding}}
    return {"requestBody": {"required": True, "content": content}}


def images(*media_types: str, words: str, **headers: str) -> dict[int | str, dict[str, Any]]:
    """Describe a response of binary content, and its headers beside the weights."""
    more = {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    }
    schema = {"type": "string", "format": "binary"}
    return {
        200: {
            "description": words,
            "headers": {"X-SSVIF-Model": _WEIGHTS, **more},
            "content": {media_type: {"schema": schema} for media_type in media_types},
        }
    }


def describe(app: FastAPI) -> None:
    """Let an app describe itself, with the schema of its refusals."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                license_info=app.license_info,
            )
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas[ProblemDetails.__name__] = ProblemDetails.model_json_schema()
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it
