"""What `deploy/` says is valid by the published schemas, and its files agree with each other."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from absences import require_group
from dockerfile import steps, words_of
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from genai_integrations import GenAIClient
from genai_integrations.config.reading import read_config
from genai_integrations.settings import trusted_proxies

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
PORT = 4000


def _manifests():
    """Each Kubernetes object, by its kind and name."""
    found = {}
    for path in sorted(KUBERNETES.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            for row in yaml.safe_load_all(path.read_text("utf-8")):
                found[f"{row['kind']}/{row['metadata']['name']}"] = row
    return found


MANIFESTS = _manifests()


def _compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


@pytest.mark.slow
def test_the_compose_file_is_valid(tmp_path):
    """By the schema of the Compose specification, which notices a mistake."""
    require_group("check_jsonschema", "deploy")
    wrong = _compose()
    wrong["services"]["nginx"]["port"] = wrong["services"]["nginx"].pop("ports")
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    words = ["--builtin-schema=vendor.compose-spec", "--output-format=json"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            *words,
            DEPLOY / "compose.yaml",
            tmp_path / "wrong.yaml",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    found = json.loads(done.stdout)
    assert found["parse_errors"] == []
    assert {Path(row["filename"]).name for row in found["errors"]} == {"wrong.yaml"}


def test_gateways_believe_their_proxy_and_nobody_beside_it():
    """Of nginx, whose address nobody else is given, they take who asks; on Kubernetes of the network that is named."""
    compose = _compose()
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    nginx = ip_address(compose["services"]["nginx"]["networks"]["default"]["ipv4_address"])
    for name in ("gateway-1", "gateway-2"):
        assert trusted_proxies(compose["services"][name]["environment"]) == (str(nginx),)
    assert nginx in ip_network(network["subnet"])
    assert nginx not in ip_network(network["ip_range"])
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in (DEPLOY / "nginx.conf").read_text()

    rows = (KUBERNETES / "gateway.env.example").read_text("utf-8").splitlines()
    example = dict(row.split("=", 1) for row in rows if not row.startswith("#"))
    assert trusted_proxies(example) == ("10.0.0.0/8",)


def test_the_compose_file_is_the_topology():
    """Two gateways, Redis, Ollama with its volume and its GPU, and nginx, which alone is reached from outside."""
    services = _compose()["services"]
    assert set(services) == {"gateway-1", "gateway-2", "nginx", "redis", "ollama", "ollama-pull"}
    assert services["gateway-1"] == services["gateway-2"]
    (device,) = services["ollama"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    assert services["ollama"]["volumes"] == ["ollama:/root/.ollama"]
    # A gateway without keys is for this machine only.
    assert [name for name, row in services.items() if "ports" in row] == ["nginx"]
    assert services["nginx"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]


@pytest.mark.slow
@pytest.mark.parametrize("name", MANIFESTS)
@pytest.mark.parametrize("version", ["1.32", "1.37"])
def test_the_manifests_are_valid(name, version):
    """By the published schemas of two versions of Kubernetes, without a field that they do not have."""
    require_group("kubernetes_validate", "deploy")
    import kubernetes_validate

    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)

    wrong = copy.deepcopy(MANIFESTS[name])
    wrong["metadata"]["lables"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_the_kustomization_names_what_there_is():
    """Each manifest is one of its resources; the secret and the image are those that the gateway asks for."""
    rows = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    assert {*rows["resources"], "kustomization.yaml"} == {
        path.name for path in KUBERNETES.glob("*.yaml")
    }
    assert rows["namespace"] == "genai-gateway"
    assert "Namespace/genai-gateway" in MANIFESTS
    (container,) = _gateway()["containers"]
    (secret,) = rows["secretGenerator"]
    assert container["envFrom"] == [{"secretRef": {"name": secret["name"]}}]
    assert [row["name"] for row in rows["images"]] == [container["image"]]
    (env,) = secret["envs"]
    assert (KUBERNETES / f"{env}.example").exists()
    assert f"deploy/kubernetes/{env}\n" in (ROOT / ".gitignore").read_text("utf-8")


def _gateway():
    return MANIFESTS["Deployment/gateway"]["spec"]["template"]["spec"]


def test_the_parts_of_kubernetes_find_each_other():
    """Services, the autoscaler, the budget and the policy select pods that there are, by ports that they have."""
    for name in ("gateway", "redis"):
        owner = MANIFESTS.get(f"Deployment/{name}") or MANIFESTS[f"StatefulSet/{name}"]
        labels = owner["spec"]["template"]["metadata"]["labels"]
        assert owner["spec"]["selector"]["matchLabels"] == labels
        service = MANIFESTS[f"Service/{name}"]["spec"]
        assert service["selector"] == labels
        (container,) = owner["spec"]["template"]["spec"]["containers"]
        assert [row["targetPort"] for row in service["ports"]] == [
            row["name"] for row in container["ports"]
        ]
    labels = {"matchLabels": MANIFESTS["Service/gateway"]["spec"]["selector"]}
    scaler = MANIFESTS["HorizontalPodAutoscaler/gateway"]["spec"]
    assert scaler["scaleTargetRef"]["name"] == "gateway"
    budget = MANIFESTS["PodDisruptionBudget/gateway"]["spec"]
    assert budget == {"maxUnavailable": 1, "selector": labels}
    assert scaler["minReplicas"] > budget["maxUnavailable"]
    (rule,) = MANIFESTS["NetworkPolicy/redis"]["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": labels}]


def test_pods_are_restricted():
    """No root, no capability, no file system to write to, and the three probes."""
    (container,) = _gateway()["containers"]
    assert _gateway()["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    paths = {name: row["httpGet"]["path"] for name, row in container.items() if "Probe" in name}
    assert paths == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }


def test_the_image_is_one_that_kubernetes_admits():
    """A user by number, who is not root, a check of its health, and the port that everyone else names."""
    said = dict(steps((DEPLOY / "Dockerfile").read_text("utf-8")))
    spec = _gateway()["securityContext"]
    assert said["USER"] == f"{spec['runAsUser']}:{spec['runAsGroup']}"
    assert f":{PORT}/health/live" in words_of(said["HEALTHCHECK"])[-1]
    assert said["EXPOSE"] == str(PORT)
    (container,) = _gateway()["containers"]
    assert [row["containerPort"] for row in container["ports"]] == [PORT]
    nginx = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert re.findall(r"server (gateway-\d):(\d+)", nginx) == [
        ("gateway-1", str(PORT)),
        ("gateway-2", str(PORT)),
    ]


def test_the_images_packages_are_those_of_the_project():
    """The lock file of the image has every requirement of the core, of the gateway and of the command, and hashes."""
    text = (DEPLOY / "requirements.lock").read_text("utf-8")
    locked = {
        canonicalize_name(name): Version(version)
        for name, version in re.findall(r"(?m)^([\w.-]+)==([\w.]+)", text)
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        Requirement(row) for row in [*project["dependencies"], *extras["cli"], *extras["gateway"]]
    ]
    for row in wanted:
        assert locked[canonicalize_name(row.name)] in row.specifier, row
    assert len(re.findall(r"(?m)^[\w.-]+==[^\n]* \\\n    --hash=sha256:", text)) == len(locked)
    assert "http" not in re.sub(r"(?m)#.*|^[\w.-]+==.*", "", text)


def test_the_hybrid_file_means_cloud_first(monkeypatch):
    """`smart` is Anthropic's, then the local model; `local` never leaves. No word of it is without a meaning."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-example")
    path = DEPLOY / "litellm-hybrid-config.yaml"
    (note,) = read_config(path).notes
    assert "a local row of 'smart' beside cloud rows comes last" in str(note)
    with GenAIClient.from_config(path) as client:
        models = {
            name: [target.model for target in client.resolve(name).targets]
            for name in ("smart", "local")
        }
    assert models == {
        # The last is the fallback that the file names.
        "smart": ["claude-sonnet-4-20250514", "llama3.2", "llama3.2"],
        "local": ["llama3.2"],
    }
