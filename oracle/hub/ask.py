"""Answers for the hub's conformance tests, from Python huggingface_hub: a JSON request in, a JSON answer out.

Requests: {"do": "snapshot" | "download" | "scan" | "remove" | "repo_ids" | "matches" | "settings", ...}.
Settings of the environment (HF_HOME, HF_ENDPOINT, ...) are read when huggingface_hub is imported.
"""

import json
import sys

import huggingface_hub
from huggingface_hub import constants, scan_cache_dir, snapshot_download
from huggingface_hub.utils import HFValidationError, filter_repo_objects, get_token, validate_repo_id


def snapshot(cache_dir: str, repo: str, revision: str, patterns: list[str] | None = None) -> dict:
    """What is in the cache, without a network."""
    try:
        path = snapshot_download(
            repo, revision=revision, cache_dir=cache_dir, allow_patterns=patterns, local_files_only=True
        )
        return {"path": path}
    except Exception as error:
        return {"error": type(error).__name__}


def download(cache_dir: str, repo: str, revision: str, patterns: list[str] | None = None) -> dict:
    path = snapshot_download(repo, revision=revision, cache_dir=cache_dir, allow_patterns=patterns)
    return {"path": path}


def file_names(revision: huggingface_hub.CachedRevisionInfo) -> list[str]:
    return sorted(str(file.file_path.relative_to(revision.snapshot_path)) for file in revision.files)


def scan(cache_dir: str) -> dict:
    info = scan_cache_dir(cache_dir)
    repos = [
        {
            "repo": repo.repo_id,
            "type": repo.repo_type,
            "path": str(repo.repo_path),
            "sizeBytes": repo.size_on_disk,
            "fileCount": repo.nb_files,
            "lastModified": repo.last_modified,
            "revisions": [
                {
                    "commit": revision.commit_hash,
                    "refs": sorted(revision.refs),
                    "path": str(revision.snapshot_path),
                    "sizeBytes": revision.size_on_disk,
                    "files": file_names(revision),
                }
                for revision in sorted(repo.revisions, key=lambda revision: revision.commit_hash)
            ],
        }
        for repo in sorted(info.repos, key=lambda repo: repo.repo_path)
    ]
    warnings = [str(warning) for warning in info.warnings]
    return {"repos": repos, "sizeBytes": info.size_on_disk, "warnings": warnings}


def remove(cache_dir: str, revision: str) -> dict:
    plan = scan_cache_dir(cache_dir).delete_revisions(revision)
    plan.execute()
    return {"freedBytes": plan.expected_freed_size}


def repo_ids(ids: list[str]) -> list[bool]:
    def valid(repo: str) -> bool:
        try:
            validate_repo_id(repo)
            return True
        except HFValidationError:
            return False

    return [valid(repo) for repo in ids]


def matches(names: list[str], patterns: list[str]) -> list[list[str]]:
    return [list(filter_repo_objects(names, allow_patterns=[pattern])) for pattern in patterns]


def settings() -> dict:
    return {
        "cacheDir": constants.HF_HUB_CACHE,
        "endpoint": constants.ENDPOINT,
        "offline": constants.HF_HUB_OFFLINE,
        "symlinks": not constants.HF_HUB_DISABLE_SYMLINKS,
        "token": get_token(),
    }


def main() -> None:
    request = json.load(sys.stdin)
    answer = {
        "snapshot": snapshot,
        "download": download,
        "scan": scan,
        "remove": remove,
        "repo_ids": repo_ids,
        "matches": matches,
        "settings": settings,
        "version": lambda: huggingface_hub.__version__,
    }[request.pop("do")](**request)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
