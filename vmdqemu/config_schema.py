"""The JSON Schema of a lab file, for editors and other tools."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


def toml_schema(model: type[BaseModel]) -> dict[str, Any]:
    """What a TOML file of a model may say (JSON Schema 2020-12)."""
    schema = model.model_json_schema(schema_generator=_TomlSchema)
    return {"$schema": _TomlSchema.schema_dialect, **schema}


class _TomlSchema(GenerateJsonSchema):
    """TOML has no null: a key without a value is left out, so neither types nor defaults show one."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") in (None, b"", "", ()):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)
