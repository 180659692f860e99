"""Where the scripts of jobs log with MLflow, which in Azure is the workspace.

Source: Azure docs, how-to-use-mlflow-configure-tracking (in jobs, the tracking URI is configured). A folder, not
SQLite: the artifacts that scripts log are kept in it, too, and mlflow-skinny can use it.
"""

from __future__ import annotations

from pathlib import Path


def variables(folder: Path, *, is_installed: bool) -> dict[str, str]:
    """What the environment of jobs says for MLflow to keep all in `folder`; nothing where it is not installed."""
    if not is_installed:
        return {}
    # MLflow 3 refuses folders unless it is told that they are meant; earlier versions do not know the variable.
    return {"MLFLOW_TRACKING_URI": folder.as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
