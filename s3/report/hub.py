"""Takes a run's model and data to the hub, each with its card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s3.errors import UserError, first_line
from s3.report.cards import CARD, write_cards
from s3.runs import folder as layout
from s3.runs.reading import Run

KINDS = {"model": "", "dataset": "datasets/"}  # of repositories; what stands before their names


@dataclass(frozen=True)
class Parcel:
    """The files of one repository, by their names there."""

    kind: str  # "model" or "dataset"
    files: dict[str, Path]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())


def parcels(run: Run, kinds: list[str]) -> Iterator[Parcel]:
    """Yield what of a run would go up, its cards made anew: they show what the run is now."""
    write_cards(run)
    data = run.path / layout.DATA
    files = {
        "model": {path.name: path for path in sorted(run.model.iterdir()) if path.is_file()},
        "dataset": {path.name: path for path in (data.parent / CARD, data)},
    }
    for kind in kinds:
        yield Parcel(kind, files[kind])


def push(parcel: Parcel, name: str, public: bool) -> str:
    """Make the repository if there is none, upload the files as one commit; return its address.

    The token is the hub's own: HF_TOKEN, or what `hf auth login` keeps. A repository that is there
    stays as public as it is. Raises UserError where the hub refuses.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi(library_name="s3-synthesis")
    add = [CommitOperationAdd(there, str(path)) for there, path in parcel.files.items()]
    try:
        api.create_repo(name, repo_type=parcel.kind, private=not public, exist_ok=True, token=True)
        api.create_commit(
            name, add, commit_message="From a run of S3", repo_type=parcel.kind, token=True
        )
    except LocalTokenNotFoundError:
        raise UserError("the hub knows nobody here: set HF_TOKEN, or `hf auth login`.") from None
    except (HfHubHTTPError, httpx2.HTTPError) as error:
        raise UserError(f"{name}: the hub refuses: {first_line(error)}") from None
    except (HFValidationError, ValueError, RuntimeError) as error:
        raise UserError(f"{name}: {first_line(error)}") from None
    return f"{api.endpoint}/{KINDS[parcel.kind]}{name}"
