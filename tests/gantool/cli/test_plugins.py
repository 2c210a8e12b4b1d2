from __future__ import annotations

import json

import pytest

from gantool._version import __version__
from gantool.cli.main import run

LOSSES = """
from gantool import Component, hookimpl

@hookimpl
def gantool_losses():
    yield Component(name="wgan", factory="a:b", provides=frozenset({"b", "a"}), summary="λ [bold]")
    yield Component(name="gp", factory="a:b")

@hookimpl
def gantool_generators():
    yield Component(name="unet", factory="a:b")
"""
LONG = "cannot open libcublas.so.12 [kornia], " + " ".join(f"word{i}" for i in range(60)) + " " + "x" * 120 + " the end"


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_table_groups_what_is_provided_by_kind(site, capsys):
    site.plant("deep", LOSSES, distribution="deep-nets", version="2.3")
    assert run(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(index for index, line in enumerate(lines) if line.startswith("deep"))
    assert lines[row].split() == ["deep", "2.3", "deep-nets", "generator:", "unet"]
    assert lines[row + 1].split() == ["loss:", "wgan,", "gp"]
    assert any(line.split()[:3] == ["gantool", __version__, "simgan-plugin"] for line in lines)


def test_cause_is_never_cut_and_fits_80_columns(site, capsys):
    site.plant("bad", f"raise ImportError({LONG!r})", distribution="a-distribution-with-quite-a-long-name")
    assert run(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    row = next(index for index, line in enumerate(lines) if line.startswith("bad"))
    column = lines[row].index("broken:")
    said = "".join(line[column:].strip() for line in lines[row:] if line[:3] in ("bad", "   "))
    assert f"broken: ImportError: {LONG}".replace(" ", "") in said.replace(" ", "")


def test_plugin_that_only_observes(site, capsys):
    site.plant("watch", "from gantool import hookimpl\n@hookimpl\ndef gantool_log(event): pass\n")
    assert run(["plugins"]) == 0
    assert "observes runs" in capsys.readouterr().out


def test_json(site, capsys):
    module = site.plant("deep", LOSSES, distribution="deep-nets", version="2.3")
    site.plant("bad", "import no_such_module")
    assert run(["plugins", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert list(data) == ["plugins"]
    plugins = {plugin["name"]: plugin for plugin in data["plugins"]}
    assert plugins["deep"] == {
        "name": "deep",
        "version": "2.3",
        "distribution": "deep-nets",
        "location": module,
        "provides": [
            {"kind": "generator", "name": "unet", "summary": "", "provides": []},
            {"kind": "loss", "name": "wgan", "summary": "λ [bold]", "provides": ["a", "b"]},
            {"kind": "loss", "name": "gp", "summary": "", "provides": []},
        ],
        "broken": None,
    }
    assert plugins["bad"]["broken"] == "ModuleNotFoundError: No module named 'no_such_module'"
    assert plugins["bad"]["provides"] == []
    assert data["plugins"][0]["name"] == "gantool"


def test_restriction_is_said(site, capsys, monkeypatch):
    site.plant("deep")
    site.plant("bad", "raise ValueError")
    monkeypatch.setenv("GANTOOL_PLUGINS", "deep")
    assert run(["plugins"]) == 0
    output = capsys.readouterr().out
    assert "Installed but not loaded because of GANTOOL_PLUGINS: bad, " in output
    assert "broken" not in output


def test_broken_plugin_that_was_asked_for(site, capsys, monkeypatch):
    site.plant("bad", "raise ValueError('boom')")
    monkeypatch.setenv("GANTOOL_PLUGINS", "bad")
    assert run(["plugins"]) == 2
    assert capsys.readouterr().err == "Error: plugin 'bad' (gantool-bad 1.0) is broken: ValueError: boom\n"


def test_no_torch(modules_after):
    assert not modules_after("plugins") & {"torch", "pydantic", "numpy", "accelerate"}


def test_plugins_that_come_with_the_host_need_no_packaging(modules_after):
    assert "packaging" not in modules_after("plugins", env={"GANTOOL_PLUGINS": "simgan"})


def test_deprecation_is_visible(site, gantool):
    deprecate = (
        "from gantool import hookspecs\n"
        "def gantool_old(): 'Deprecated.'\n"
        "hookspecs.gantool_old = hookspecs.hookspec(warn_on_impl=DeprecationWarning('gantool_old goes in 2.0'))(gantool_old)\n"
    )
    (site.folder / "sitecustomize.py").write_text(deprecate)  # Python imports it before anything else
    site.plant("b", "from gantool import hookimpl\n@hookimpl\ndef gantool_old(): pass\n")
    result = gantool("plugins")
    assert result.returncode == 0
    assert "FutureWarning: plugin 'b' (gantool-b 1.0): gantool_old goes in 2.0" in result.stderr
