"""/accounts/…: signing in, up and out, the password, and personal API tokens; every page works without scripts."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from converter.engine.errors import MediaError
from converter.owners import accounts, bearers, keys
from converter.owners.forms import KeyForm, SignInForm, SignUpForm
from converter.owners.models import Owner
from converter.owners.services import owner_for_user
from converter.pages import page
from converter.runtime import services as runtime
from converter.sentences import translated

_ACCOUNT = "account"


@method_decorator(page("GET", "POST"), name="dispatch")
class SignIn(LoginView):
    """Name, password and, where it is needed, the code of an authenticator."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "accounts/sign_in.html"
    form_class = SignInForm
    redirect_authenticated_user = True
    next_page = _ACCOUNT

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counted by address; a lockout becomes 429 on the way out."""
        accounts.limit_tries(request)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, sign_up=runtime.get("sign_up"))


@method_decorator(sensitive_post_parameters(), name="dispatch")
@method_decorator(page("GET", "POST"), name="dispatch")
class SignUp(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    """A new account, signed in at once; what this browser made is the account's from then on."""

    http_method_names = ["get", "post", "head", "options"]
    template_name = "accounts/sign_up.html"
    form_class = SignUpForm
    next_page = _ACCOUNT

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        accounts.require_sign_up()
        if request.user.is_authenticated:
            return redirect(_ACCOUNT)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Counted like signing in."""
        accounts.limit_tries(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        user: Any = form.save()
        login(self.request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect(self.get_success_url())


@page("POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    """Out, and back to the workshop as a stranger."""
    logout(request)
    return redirect("workshop")


@sensitive_post_parameters()
@page("GET", "POST")
@login_required
def password(request: HttpRequest) -> HttpResponse:
    """A new password; every other session and every access and refresh token ends by it."""
    signed_in: Any = request.user
    form = PasswordChangeForm(signed_in, request.POST or None)
    if request.method == "POST":
        accounts.limit_tries(request)
        if form.is_valid():
            user = form.save()
            bearers.end_all(owner_for_user(user), "a new password")
            update_session_auth_hash(request, user)
            messages.success(request, _("The password was changed, and every other device was signed out."))
            return redirect("account")
    return render(request, "accounts/password.html", {"form": form})


@page("GET", "POST")
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """The account: what it is called, its tokens, and the ways out."""
    owner = owner_for_user(request.user) if request.method == "POST" else _existing(request)
    form = KeyForm(request.user, request.POST if request.POST.get("action") == "create" else None)
    made = ""
    if request.method == "POST":
        action = request.POST.get("action")
        if action == "create":
            made = _create(owner, form)
        elif action == "revoke":
            keys.revoke(_key(owner, request.POST.get("key", "")))
            return redirect("account")
        elif action == "end":
            bearers.end_all(owner, "asked for by the account")
            messages.success(request, _("Every program that was signed in with a password is signed out."))
            return redirect("account")
        else:
            raise MediaError("bad_parameter", "action: it is not one of create, revoke, end.", field="action")
    rows = owner.api_keys.all() if not owner._state.adding else []
    context = {"form": form if not made else KeyForm(request.user), "made": made, "keys": rows, "status": None}
    response = render(request, "accounts/account.html", context, status=400 if form.errors else 200)
    response["Cache-Control"] = "private, no-store"
    return response


def _existing(request: HttpRequest) -> Owner:
    owner: Owner | None = request.owner  # type: ignore[attr-defined]
    return owner or Owner()


def _create(owner: Owner, form: KeyForm) -> str:
    """The text of the new token; empty where the form says what is wrong."""
    if not form.is_valid():
        return ""
    try:
        return keys.create(owner, form.cleaned_data["name"], form.cleaned_data["scopes"], form.cleaned_data["days"])[1]
    except MediaError as problem:
        form.add_error(problem.field if problem.field in form.fields else None, translated(problem.detail))
        return ""


def _key(owner: Owner, raw: str) -> Any:
    try:
        key = owner.api_keys.filter(pk=uuid.UUID(raw)).first()
    except ValueError:
        key = None
    if key is None:
        raise MediaError("not_found")
    return key
