"""What a site is where its files say nothing: values that are made without being checked, so that nothing is built for
them when the program starts. Here they are checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioning.site import Inventory
from provisioning.site.base import Model


def _models(base: type[Model]) -> Iterator[type[Model]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


_USUAL = [
    pytest.param(field.default, id=f"{model.__name__}.{name}")
    for model in dict.fromkeys(_models(Model))
    for name, field in model.model_fields.items()
    if isinstance(field.default, Model)
]


def test_there_are_some() -> None:
    assert Inventory in set(_models(Model))
    assert len(_USUAL) > 20


@pytest.mark.parametrize("usual", _USUAL)
def test_what_is_usual_is_what_the_model_itself_would_make(usual: Model) -> None:
    made = type(usual)()
    assert usual == made
    assert usual.model_fields_set == made.model_fields_set == set()
    assert [type(value) for value in vars(usual).values()] == [type(value) for value in vars(made).values()]
