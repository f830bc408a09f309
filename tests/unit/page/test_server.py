"""Who may open the page, and how it is served."""

import json
import os
import subprocess
import sys

import httpx
import pytest

from mem0_slm.io import DataError
from page import server
from page.page import build
from pipeline import params
from tests.app import settings
from tests.paths import ROOT
from tools.servers import free_port


def test_this_machine_needs_no_password(monkeypatch):
    monkeypatch.delenv(server.PASSWORD, raising=False)
    for host in ("127.0.0.1", "localhost", "::1"):
        assert server.required_password(settings(host=host)) == ""


@pytest.mark.parametrize(
    "changed, named",
    [
        ({"host": "0.0.0.0"}, "app.host: 0.0.0.0"),
        ({"host": "example.org"}, "app.host: example.org"),
        ({"share": True}, "app.share: true"),
    ],
)
def test_others_need_a_password(changed, named, monkeypatch):
    monkeypatch.delenv(server.PASSWORD, raising=False)
    with pytest.raises(
        DataError, match=rf"^params.yaml: {named} lets others open the page. Set a password in MEM0_SLM_APP_PASSWORD"
    ):
        server.required_password(settings(**changed))
    monkeypatch.setenv(server.PASSWORD, "s3cret")
    assert server.required_password(settings(**changed)) == "s3cret"


def test_the_app_refuses_to_start_open_to_others(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != server.PASSWORD}
    model, file = tmp_path / "model.gguf", tmp_path / "params.yaml"
    model.write_bytes(b"")  # a file of that name; it is not loaded
    section = params.read(ROOT / "params.yaml")["app"] | {"share": True, "chat_model": str(model)}
    file.write_text(json.dumps({"app": section}))  # JSON is YAML
    command = [sys.executable, "app.py", "--params", file]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: params.yaml: app.share: true lets others open the page.")


def test_with_a_password_nobody_comes_in_without():
    page = build(None)
    p = settings(port=free_port())
    server.launch(page, p, "s3crét")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{p.port}") as client:
            assert client.get("/config").status_code == 401
            assert client.post("/login", data={"username": "any", "password": "s3cret"}).status_code == 400
            assert client.get("/config").status_code == 401
            assert client.post("/login", data={"username": "any", "password": "s3crét"}).status_code == 200
            assert client.get("/config").status_code == 200
    finally:
        page.close(verbose=False)
