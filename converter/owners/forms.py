"""Signing in and up, and making a personal token, as forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.utils.translation import gettext_lazy as _

from . import keys, scopes, totp


class SignInForm(AuthenticationForm):
    """Name and password, and the code of an authenticator where the account has one. The admin uses it, too."""

    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=6,
        help_text=_("The six digits that your authenticator app shows."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )
    asks_code = False
    """Whether the field is worth showing: the account turned out to have an authenticator."""

    def clean(self) -> dict[str, Any]:
        """The code belongs to the account that name and password are right for."""
        data = super().clean()
        user: Any = self.get_user()
        if user is not None and totp.device_of(user) is not None:
            self.asks_code = True
            given = data.get("code", "").strip()
            device = totp.accepts(user, given)
            if device is None:
                self.user_cache = None
                wrong = _("This code is not right, or was used before; wait for the next one.")
                raise forms.ValidationError({"code": wrong if given else _("Enter the code of your authenticator, and the password again.")})
            user.otp_device = device  # signing in keeps it in the session
        return data


class SignUpForm(UserCreationForm):  # type: ignore[type-arg]
    """A new account: a name and a password, nothing else is asked for."""

    class Meta:
        model = get_user_model()
        fields = ["username"]


class KeyForm(forms.Form):
    """A personal token to be made."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("What it is for, such as “backup script”."))
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=keys.LONGEST_DAYS, initial=keys.USUAL_DAYS)

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(name, text) for name, text in scopes.SCOPES.items() if user.is_staff or name not in scopes.STAFF]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]
