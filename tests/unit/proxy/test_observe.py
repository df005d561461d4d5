"""Of what libraries log, only the kind of error and its place stay."""

from __future__ import annotations

import logging

import pytest

from proxy.observe import LIBRARIES, quiet_libraries

TEXT = "anna.berg@example.com"


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_error_of_a_library_is_logged_without_its_message(name: str, caplog: pytest.LogCaptureFixture) -> None:
    quiet_libraries()
    try:
        raise ValueError(TEXT) from RuntimeError(TEXT)
    except ValueError:
        logging.getLogger(name).exception("Error handling request from %s", "127.0.0.1", stack_info=True)
    assert TEXT not in caplog.text
    assert "Error handling request from 127.0.0.1: ValueError at " in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "message", [f"Exception in callback f({TEXT!r})", f"never retrieved\nfuture: {TEXT}", f"Executing <Task {TEXT}>"]
)
def test_what_a_library_quotes_is_cut_off(message: str, caplog: pytest.LogCaptureFixture) -> None:
    quiet_libraries()
    logging.getLogger("asyncio").error(message)
    assert TEXT not in caplog.text
    assert caplog.messages[0] in message
    assert caplog.messages[0]


def test_an_error_without_frames_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    quiet_libraries()
    logging.getLogger("asyncio").error("late", exc_info=ValueError(TEXT))
    assert caplog.messages == ["late: ValueError at an unknown place"]
