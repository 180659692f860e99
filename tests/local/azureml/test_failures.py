"""A failed job says that a step failed; the run below it says why, and has the logs."""

from __future__ import annotations

from typing import Any

from tests.local.azureml.cloud import Cloud

STEP_FAILED = "Pipeline has some failed steps. See child run or execution logs for more details."
FAILING = {"a.txt": "fail"}


def error_of(run: dict[str, Any]) -> dict[str, Any]:
    return dict(run["error"]["error"])


def failed(cloud: Cloud, files: dict[str, str], deployment: str) -> str:
    name = cloud.submit(cloud.land(files), deployment, errorThreshold=0)
    assert cloud.end(name) == "Failed"
    return name


def real_reason(cloud: Cloud, name: str) -> str:
    """What `/_jobs` tells people."""
    jobs = cloud.http.get(f"{cloud.addresses.azureml}/_jobs").json()
    return str(next(job["error"] for job in jobs if job["name"] == name))


def test_the_job_itself_only_says_that_a_step_failed(cloud: Cloud) -> None:
    name = failed(cloud, FAILING, "moody")

    for shown in (cloud.history(name), cloud.details(name)):
        assert error_of(shown)["message"] == STEP_FAILED
        assert error_of(shown)["referenceCode"] == "PipelineHasStepJobFailed"
    for shown in (cloud.manage(f"/jobs/{name}").text, str(cloud.job(name)), str(cloud.details(name))):
        assert "error threshold" not in shown
    assert cloud.manage(f"/jobs/{name}").json()["properties"]["status"] == "Failed"


def test_the_run_below_says_why_and_people_are_told_the_same(cloud: Cloud) -> None:
    name = failed(cloud, FAILING, "moody")

    (child,) = cloud.history(f"{name}/children")["value"]
    for shown in (child, cloud.history(child["runId"]), cloud.details(child["runId"])):
        assert "1 files failed, the error threshold is 0." in error_of(shown)["message"]
        assert error_of(shown)["message"] == real_reason(cloud, name)
        assert shown["status"] == "Failed"


def test_an_error_that_is_no_text_counts_as_any_other(cloud: Cloud) -> None:
    name = cloud.submit(
        cloud.land({"a.txt": "fine", "b.txt": "odd words"}), "moody", errorThreshold=-1, miniBatchSize=1
    )

    assert cloud.end(name) == "Completed"
    assert cloud.predictions(name) == ["a.txt"]
    assert "\\ud800 is half a letter" in cloud.log(name, "logs/user/error.txt")


def test_the_first_error_of_the_script_is_named_wherever_the_failure_is_told_of(cloud: Cloud) -> None:
    name = failed(cloud, {"a.txt": "fine", "b.txt": "fail", "c.txt": "crash"}, "moody")
    first = "The first error: ValueError: this file cannot be read; see logs/user/error/0/process000.txt."

    told = error_of(cloud.below(name)["batchscoring"])["message"]

    assert told.endswith(f"1 files failed, the error threshold is 0. {first}")
    assert told == real_reason(cloud, name)
    assert told in cloud.log(name, "logs/job_error.txt")
    assert f"The job has failed: {told}" in cloud.log(name, "logs/job_progress_overview")
    assert "The first error" not in str(cloud.details(name)), "the job's own run only says that a step failed"


def test_errors_of_the_script_are_summed_up(cloud: Cloud) -> None:
    name = cloud.submit(cloud.land({"a.txt": "fail", "b.txt": "fail", "c.txt": "fine", "d.txt": "crash"}), "moody")
    assert cloud.end(name) == "Completed"

    raised, crashed = cloud.log(name, "logs/user/error.txt").splitlines()

    where = "first: Mini-batch 0, try 1; see logs/user/error/0/process000.txt"
    assert raised == f"6 x ValueError: this file cannot be read ({where})"
    assert crashed.startswith("3 x The process ended during run() with exit code 3. (first: Mini-batch 3, try 1;")


def test_the_traceback_of_an_exception_in_run_is_behind_a_link_of_the_run_below(cloud: Cloud) -> None:
    name = failed(cloud, FAILING, "moody")

    links = cloud.below(name)["batchscoring"]["logFiles"]
    text = cloud.http.get(links["logs/user/error/0/process000.txt"]).raise_for_status().text

    assert links["logs/user/error/0/process000.txt"].startswith(f"{cloud.addresses.storage}/azuremlstore/azureml/")
    assert "Traceback (most recent call last):" in text
    assert "ValueError: this file cannot be read" in text


def test_the_links_of_the_job_itself_lead_to_what_is_streamed_only(cloud: Cloud) -> None:
    name = failed(cloud, FAILING, "moody")

    links = cloud.details(name)["logFiles"]

    assert list(links) == ["logs/azureml/executionlogs.txt"]
    lines = cloud.http.get(links["logs/azureml/executionlogs.txt"]).raise_for_status().text.splitlines()
    assert lines[-1] == f"PipelineHasStepJobFailed: {STEP_FAILED}"


def test_a_job_that_completed_has_no_error_anywhere(cloud: Cloud) -> None:
    name = cloud.score({"a.txt": "fine"}, "moody")

    assert cloud.details(name)["error"] is None
    assert cloud.below(name)["batchscoring"]["error"] is None


def test_the_step_that_failed_says_why_and_the_others_say_nothing(cloud: Cloud) -> None:
    given = {"data": {"jobInputType": "UriFolder", "uri": cloud.land({"a": "fail"})}}
    name = str(cloud.post({"properties": {"inputData": given}}, "steps").json()["name"])
    assert cloud.end(name) == "Failed"

    steps = cloud.below(name)

    assert error_of(cloud.details(name))["message"] == STEP_FAILED
    assert "exited with status code 3" in error_of(steps["prepare_step"])["message"]
    assert error_of(steps["prepare_step"])["message"] == real_reason(cloud, name)
    assert steps["score_step"]["error"] is None
    assert list(steps["prepare_step"]["logFiles"]) == ["user_logs/std_log.txt"]
    assert "preparing" in cloud.log(name, "user_logs/std_log.txt", "prepare_step")


def test_a_pipeline_that_fails_although_no_step_did_says_why_itself(cloud: Cloud) -> None:
    cloud.put("azuremlstore/azureml-blobstore-local/taken/report", b"before")
    target = "azureml://datastores/workspaceblobstore/paths/taken/report"
    body = {
        "inputData": {"data": {"jobInputType": "UriFolder", "uri": cloud.land({"a": "1"})}},
        "outputData": {"report": {"jobOutputType": "UriFile", "uri": target}},
    }
    name = str(cloud.post({"properties": body}, "steps").json()["name"])
    assert cloud.end(name) == "Failed"

    assert "the path already exists" in error_of(cloud.details(name))["message"]
    assert {run["status"] for run in cloud.below(name).values()} == {"Completed"}
