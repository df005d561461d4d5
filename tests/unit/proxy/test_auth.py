"""App keys: who is calling."""

from __future__ import annotations

import pytest

from proxy.auth import authenticate, digest, new_key, presented
from proxy.errors import Unauthorized
from proxy.settings import AppConfig

CRM, ERP = new_key(), new_key()
APPS = (AppConfig("crm", "sales", digest(CRM)), AppConfig("erp", "ops", digest(ERP)))


def test_the_right_key_names_its_app() -> None:
    assert authenticate(APPS, {"Authorization": f"Bearer {ERP}"}).name == "erp"
    assert authenticate(APPS, {"Authorization": f"bearer  {CRM} "}).tenant == "sales"
    assert authenticate(APPS, {"x-api-key": ERP}).name == authenticate(APPS, {"x-goog-api-key": ERP}).name == "erp"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": ""}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {CRM}"}, {"X-Api": CRM}],
)
def test_a_missing_key_is_said_to_be_missing(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized) as e:
        authenticate(APPS, headers)
    assert e.value.code == "missing_api_key"


def test_a_wrong_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(Unauthorized) as e:
        authenticate(APPS, {"Authorization": f"Bearer {CRM}x"})
    assert CRM not in e.value.message and e.value.status == 401


def test_with_no_apps_nobody_is_let_in() -> None:
    with pytest.raises(Unauthorized):
        authenticate((), {"Authorization": f"Bearer {CRM}"})


def test_keys_are_long_and_never_repeat() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert len(new_key()) >= 43
    assert presented({"Authorization": "Bearer a"}) == "a"


def test_the_settings_never_show_a_key() -> None:
    assert digest(CRM).hex() not in repr(APPS[0]) and CRM not in repr(APPS[0])


def test_a_key_of_odd_bytes_is_refused_like_any_other() -> None:
    with pytest.raises(Unauthorized):
        authenticate(APPS, {"Authorization": "Bearer " + b"\xff".decode("utf-8", "surrogateescape")})
