"""Classes that tests ask for."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class Dish(BaseModel):
    """One dish."""

    name: str
    price: int


class Menu(BaseModel):
    """A menu."""

    title: str
    dishes: list[Dish]
    note: str | None = None


class Recipe(BaseModel):
    """A recipe."""

    name: str
    dish: Dish | None = None
    steps: list[list[str]] = Field(default_factory=list)
    kind: Literal["sweet", "salty"] = "sweet"
