"""Pretrained weights go by their content, wherever they lie."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from s3.errors import UserError
from s3.student import Classifier
from s3.weights import RegistryWeights
from tests.hub import COMMIT, Hub

HEAD = Classifier(("negative", "positive"), ("text",))


@pytest.fixture
def copies(tiny, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(tiny, tmp_path / name)
    return tmp_path


def test_equal_folders_are_the_same_weights_and_changed_ones_are_not(varied, copies):
    def weights(name):
        return varied(weights=str(copies / name)).identity(HEAD)

    assert weights("one") == weights("two")
    (copies / "two/README.md").write_text("what decides nothing")
    assert weights("one") == weights("two")
    file = copies / "two/model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    assert weights("one") != weights("two")  # at the same path too, in a later process
    for name in ("one/config.json", "one/tokenizer.json"):
        before = weights("one")
        path = copies / name
        path.write_text(path.read_text() + "\n")
        assert weights("one") != before


def test_a_package_is_its_checksum_and_a_name_decides_nothing(varied):
    package = RegistryWeights("p", "1", "cd" * 32, file="model.safetensors", sha256="ab" * 32)
    found = varied(weights=None, package=package).identity(HEAD)
    assert found["weights"] == f"sha256:{'ab' * 32}"
    renamed = varied(weights=None, package=package, name="other", evaluation_tokens=9)
    assert renamed.identity(HEAD) == found
    assert varied(weights=None, package=package, epochs=9).identity(HEAD) != found
    assert not {"name", "package", "evaluation_tokens"} & set(found)


def test_a_missing_folder_is_the_users(varied, tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        varied(weights=str(tmp_path / "no")).identity(HEAD)


LOAD = """
from s3.student import Classifier, Student
from s3.student.tokenizer import load_tokenizer
from s3.student.weights import locate
HEAD = Classifier(('a', 'b'), ('text',))
student = Student(name="x", weights="owner/name", max_length=8, batch_size=1, learning_rate=0.1,
                  epochs=1)
load_tokenizer(locate(student))
print(student.identity(HEAD)["weights"], locate(student).revision)
print(student.encoder.prefix)
"""


def test_a_hub_model_is_taken_at_the_commit_that_the_cache_holds(tiny, tmp_path):
    def said(endpoint, **more):
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), **more}
        command = [sys.executable, "-c", LOAD]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    files = {file.name: file.read_bytes() for file in tiny.iterdir()}
    declared = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    files["config_sentence_transformers.json"] = json.dumps(declared).encode()
    with Hub({"owner/name": files}) as hub:
        assert said(hub.url) == f"owner/name@{COMMIT} {COMMIT}\nquery: \n"
    assert (
        said("http://127.0.0.1:9", HF_HUB_OFFLINE="1") == f"owner/name@{COMMIT} {COMMIT}\nquery: \n"
    )


def test_a_hub_that_cannot_be_reached_leaves_the_name(varied, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert varied(weights="no-such/model").identity(HEAD)["weights"] == "no-such/model@unknown"
