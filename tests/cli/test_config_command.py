"""`genai config`: what a configuration means."""

from __future__ import annotations

import pytest

FILES = {
    "address": "  redis_url: os.environ/STATE\n",
    "password": "  redis_host: redis.example\n  redis_password: os.environ/PASSWORD\n",
}


@pytest.mark.parametrize("settings", FILES.values(), ids=FILES)
@pytest.mark.parametrize("how", [(), ("--json",)])
def test_no_password_is_shown(settings, how, genai, environ, tmp_path):
    """Though a variable gives it: what is shown may be pasted anywhere."""
    file = tmp_path / "genai.yaml"
    file.write_text(f"router_settings:\n  num_retries: 4\n{settings}", "utf-8")
    secrets = {"STATE": "redis://app:sesame@redis.example:6379", "PASSWORD": "sesame"}

    shown = genai("config", "show", str(file), *how, environ=environ | secrets)

    assert shown.exit_code == 0
    assert "num_retries" in shown.stdout
    assert "redis.example" in shown.stdout
    assert "sesame" not in shown.output
