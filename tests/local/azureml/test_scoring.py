"""Jobs that really run: what they score, what they write, and how they fail."""

from __future__ import annotations

from tests.local.azureml.cloud import Cloud

NAMES = {"a.txt": "1", "b.txt": "2", "c.txt": "3"}


def test_list_results_become_one_line_per_element(cloud: Cloud) -> None:
    job = cloud.score(NAMES, "echo")

    assert sorted(cloud.predictions(job)) == ["a.txt=1", "b.txt=2", "c.txt=3"]


def test_data_frames_are_separated_by_spaces_without_header_and_index(cloud: Cloud) -> None:
    job = cloud.score(NAMES, "frame")

    assert sorted(cloud.predictions(job)) == [f'{name} "two words" 0.5' for name in NAMES]


def test_only_the_top_level_of_a_folder_is_scored(cloud: Cloud) -> None:
    job = cloud.score({"a.txt": "1", "deeper/b.txt": "2"}, "echo")

    assert cloud.predictions(job) == ["a.txt=1"]


def test_what_a_script_does_to_its_model_reaches_no_other_job(cloud: Cloud) -> None:
    told = [cloud.predictions(cloud.score({"a.txt": "changes its model"}, "moody")) for _ in range(2)]

    assert told == [["weights=10"], ["weights=10"]]


def test_a_script_may_log_as_azure_s_documentation_shows(cloud: Cloud) -> None:
    job = cloud.score({"a.txt": "logs"}, "moody")

    assert "|INFO|EntryScript|said to the logger" in cloud.log(job, "logs/user/stderr/0/process000.stderr.txt")


def test_a_file_input_is_one_file(cloud: Cloud) -> None:
    job = cloud.submit(f"{cloud.land(NAMES)}/b.txt", "echo", kind="uri_file")

    assert cloud.end(job) == "Completed"
    assert cloud.predictions(job) == ["b.txt=2"]


def test_names_with_spaces_and_accents_arrive_as_they_are(cloud: Cloud) -> None:
    job = cloud.score({"früh am tag #1.txt": "1"}, "echo")

    assert cloud.predictions(job) == ["früh am tag #1.txt=1"]


def test_a_folder_may_be_named_by_its_storage_url(cloud: Cloud) -> None:
    folder = cloud.land(NAMES).partition("/paths/")[2]

    jobs = [
        cloud.submit(f"{root}/landing/{folder}/", "echo")
        for root in (cloud.addresses.account_url(), "https://devstoreaccount1.blob.core.windows.net")
    ]

    assert [cloud.end(job) for job in jobs] == ["Completed", "Completed"]


def test_without_a_chosen_output_the_predictions_are_in_the_folder_of_the_child_run(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land(NAMES), "echo", outputFileName="mine.csv")

    assert cloud.end(job) == "Completed"
    path = cloud.job(job)["outputData"]["score"]["uri"]
    assert path.endswith("/score/mine.csv")
    assert "/datastores/workspaceblobstore/paths/azureml/" in path
    assert len(cloud.predictions(job)) == 3


def test_a_job_with_an_output_that_exists_fails_without_scoring_and_leaves_it_alone(cloud: Cloud) -> None:
    cloud.put("azuremlstore/azureml-blobstore-local/taken.csv", b"before")

    job = cloud.submit(cloud.land(NAMES), "echo", output="taken.csv")

    assert cloud.end(job) == "Failed"
    assert "the path already exists" in cloud.error(job)
    assert cloud.output("taken.csv") == "before"
    assert cloud.log(job, "logs/job_progress_overview") == ""


def test_an_output_whose_acknowledgement_was_lost_is_not_taken_for_somebody_else_s(cloud: Cloud) -> None:
    rule = {"match": {"method": "PUT", "path": "/lost.csv$"}, "action": {"after": {"reset": True}}, "times": 1}
    control = f"{cloud.addresses.storage}/_faults"
    cloud.http.put(control, json=[rule]).raise_for_status()

    job = cloud.submit(cloud.land(NAMES), "echo", output="lost.csv")

    assert cloud.end(job) == "Completed"
    assert cloud.http.get(control).json()[0]["fired"] == 1
    cloud.http.delete(control).raise_for_status()


def test_summary_only_keeps_what_the_script_wrote_and_merges_nothing(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land({"a.txt": "one"}), "summary", output="sum/mary/predictions.csv")

    assert cloud.end(job) == "Completed"
    assert cloud.output("sum/mary/a.txt.upper") == "ONE"
    assert cloud.output("sum/mary/predictions.csv") is None


def test_the_script_finds_model_variables_arguments_and_the_overridden_batch_size(cloud: Cloud) -> None:
    job = cloud.score(NAMES, "surroundings", miniBatchSize=3, loggingLevel="Debug")

    assert cloud.predictions(job) == ["3 ['weights.txt'] seen ['--logging_level', 'DEBUG']"] * 3


def test_what_the_script_prints_is_among_the_logs(cloud: Cloud) -> None:
    job = cloud.score({"a.txt": "1"}, "surroundings")

    assert cloud.log(job, "logs/user/stdout/0/process000.stdout.txt") == "init here\n"
    assert cloud.log(job, "logs/user/stderr/0/process000.stderr.txt") == "and a complaint\n"
    assert cloud.log(job, "logs/job_result.txt") == "Completed\n"
    assert "1 files: 1 items returned, 0 files failed" in cloud.log(job, "logs/job_progress_overview")


def test_a_try_that_fails_is_tried_again(cloud: Cloud) -> None:
    files = {"a": "fail once", "b": "crash once", "c": "fine", "d": "killed once", "e": "greedy once"}

    job = cloud.score(files, "moody", errorThreshold=0)

    assert sorted(cloud.predictions(job)) == ["a", "b", "c", "d", "e"]
    errors = cloud.log(job, "logs/user/error/0/")
    assert "exit code -9" in errors
    assert "MemoryError" in errors


def test_a_file_that_always_fails_is_left_out_when_errors_are_ignored(cloud: Cloud) -> None:
    job = cloud.score({"a": "fail", "b": "fine"}, "moody")

    assert cloud.predictions(job) == ["b"]
    errors = cloud.log(job, "logs/user/error/0/")
    assert "Mini-batch 0, try 3: " in errors
    assert "try 4" not in errors
    assert "ValueError: this file cannot be read" in errors


def test_a_crash_costs_a_try_of_its_mini_batch_and_nothing_else(cloud: Cloud) -> None:
    files = {"a": "fine", "b": "crash", "c": "fine"}

    job = cloud.score(files, "moody", retrySettings={"maxRetries": 2, "timeout": "PT30S"})

    assert sorted(cloud.predictions(job)) == ["a", "c"]
    assert "try 2: The process ended during run() with exit code 3." in cloud.log(job, "logs/user/error/0/")


def test_a_hanging_run_is_stopped_after_the_timeout_and_tried_again(cloud: Cloud) -> None:
    job = cloud.score({"a": "hang once"}, "moody", retrySettings={"maxRetries": 2, "timeout": "PT2S"})

    assert cloud.predictions(job) == ["a"]
    assert "No progress update in 2 seconds." in cloud.log(job, "logs/user/error/0/")


def test_more_failed_files_than_the_threshold_fail_the_job(cloud: Cloud) -> None:
    files = {"a": "fail", "b": "fail", "c": "fine"}

    job = cloud.submit(cloud.land(files), "moody", output="threshold.csv", errorThreshold=1)

    assert cloud.end(job) == "Failed"
    assert "2 files failed, the error threshold is 1." in cloud.error(job)
    assert cloud.output("threshold.csv") is None
    assert cloud.error(job) in cloud.log(job, "logs/job_error.txt")


def test_as_many_failed_files_as_the_threshold_do_not_fail_the_job(cloud: Cloud) -> None:
    job = cloud.score({"a": "fail", "b": "fine"}, "moody", errorThreshold=1)

    assert cloud.predictions(job) == ["b"]


def test_elements_that_run_does_not_return_count_as_failed_files(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land({"a": "skip", "b": "fine"}), "moody", errorThreshold=0)

    assert cloud.end(job) == "Failed"
    assert "1 files failed" in cloud.error(job)


def test_a_job_in_which_everything_failed_fails_although_errors_are_ignored(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land({"a": "fail"}), "moody")

    assert cloud.end(job) == "Failed"
    assert cloud.error(job).startswith("No succeeded mini batch item returned from run().")


def test_a_result_that_is_neither_list_nor_data_frame_is_a_failed_try(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land({"a": "number"}), "moody")

    assert cloud.end(job) == "Failed"
    errors = cloud.log(job, "logs/user/error/0/")
    assert "run() must return a pandas DataFrame or a list; it returned int." in errors


def test_an_init_that_fails_fails_the_job(cloud: Cloud) -> None:
    job = cloud.submit(cloud.land(NAMES), "broken-init")

    assert cloud.end(job) == "Failed"
    assert "init() failed: RuntimeError: no model today" in cloud.error(job)


def test_a_folder_without_files_fails_the_job(cloud: Cloud) -> None:
    job = cloud.submit("azureml://datastores/landing/paths/nothing/here", "echo")

    assert cloud.end(job) == "Failed"
    assert "there is no file" in cloud.error(job)


def test_a_container_that_does_not_exist_fails_the_job_as_data_without_access_does(cloud: Cloud) -> None:
    job = cloud.submit(f"{cloud.addresses.account_url()}/nothing/here", "echo")

    assert cloud.end(job) == "Failed"
    assert "StreamAccessException was caused by AuthenticationException" in cloud.error(job)


def test_a_table_is_accepted_and_fails_in_the_job(cloud: Cloud) -> None:
    job = cloud.submit("azureml://datastores/landing/paths/table", "echo", kind="MLTable")

    assert cloud.end(job) == "Failed"
    assert "references parameter `dataset_param`" in cloud.error(job)
