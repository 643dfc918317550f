"""Settings as staff change them: checked like everywhere, and in the trail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from converter.engine.errors import MediaError

from . import registry, services
from .models import RuntimeSetting


class RuntimeSettingForm(forms.ModelForm):
    """A key of the registry and a value within its bounds."""

    key = forms.ChoiceField(choices=lambda: [(key, _named(key)) for key in registry.registry()])
    value = forms.CharField(
        max_length=200,
        help_text="The keys, their bounds and defaults stand on the list's page.",
    )

    class Meta:
        model = RuntimeSetting
        fields = ["key", "value"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "key" in self.fields:
            self.fields["key"].disabled = True
        if self.instance.pk in registry.registry():
            self.fields["value"].help_text = _explain(str(self.instance.pk))

    def clean(self) -> dict[str, Any]:
        """Read the value as the key's type."""
        data = super().clean() or {}
        if "key" in data and "value" in data:
            try:
                data["value"] = registry.read(data["key"], data["value"])
            except MediaError as error:
                self.add_error("value", error.detail)
        return data


@admin.register(RuntimeSetting)
class RuntimeSettingAdmin(admin.ModelAdmin):
    """Only what differs from its default has a row; deleting the row returns to the default."""

    form = RuntimeSettingForm
    list_display = ["key", "value", "default", "meaning", "updated_at"]
    list_display_links = ["key"]

    @admin.display(description="default")
    def default(self, row: RuntimeSetting) -> str:
        """What holds without the row."""
        return str(registry.default(row.key)) if row.key in registry.registry() else ""

    @admin.display(description="meaning")
    def meaning(self, row: RuntimeSetting) -> str:
        """Help and bounds."""
        return _explain(row.key) if row.key in registry.registry() else "no longer used"

    def save_model(self, request: HttpRequest, obj: RuntimeSetting, form: Any, change: bool) -> None:
        """Through the service, so that it is audited."""
        services.set(obj.key, obj.value)

    def delete_model(self, request: HttpRequest, obj: RuntimeSetting) -> None:
        """Back to the default."""
        self._reset(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RuntimeSetting]) -> None:
        """Back to the defaults."""
        for row in queryset:
            self._reset(row)

    def _reset(self, row: RuntimeSetting) -> None:
        if row.key in registry.registry():
            services.reset(row.key)
        else:
            row.delete()


def _named(key: str) -> str:
    spec = registry.spec(key)
    return f"{spec.label} ({', '.join(filter(None, (key, spec.unit)))})"


def _explain(key: str) -> str:
    spec = registry.spec(key)
    if spec.type == "flag":
        return f"{spec.help} Yes or no; default {'yes' if registry.default(key) else 'no'}."
    return f"{spec.help} {spec.minimum:g} to {' '.join(filter(None, (f'{spec.maximum:g}', spec.unit)))}; default {registry.default(key):g}."
