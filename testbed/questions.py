"""The doctor's port in memory: an Azure that gives whichever answer is chosen to what nobody can tell about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.core.finding import Candidate
from shared.core.job import Job, Stage
from shared.core.open_facts import Fact, Reply, Way
from shared.core.route import Endpoint
from shared.errors import Denied
from testbed.fakes import FakeEndpoint

STRICT = {
    Fact.SCORING_HOST_LISTS: "404",
    Fact.FRONT_END_LISTS: "400",
    Fact.OUTPUTS_SHOWN: "when_completed",
    Fact.DEPLOYMENT_HEADER: "needed",
    Fact.UNKNOWN_JOB: "404",
    Fact.WAITING_SHOWN: "as_running",
}
NO_DEPLOYMENT = "No valid deployments to route to."


@dataclass
class FakeQuestions:
    """Asks the jobs of a fake endpoint. `answers`: to the open facts. `denied`: what the identity has no role for, as
    the first words of a request. `message`: what is in the queue; `has_queue`: whether there is one. `waiting`: whether
    a job that runs still waits for nodes."""

    endpoint: FakeEndpoint
    default: str | None = "classic"
    answers: dict[Fact, str] = field(default_factory=lambda: dict(STRICT))
    denied: frozenset[str] = frozenset()
    message: str | None = None
    has_queue: bool = True
    waiting: bool = False

    def identity(self) -> Sequence[str]:
        return ("11111111-1111-1111-1111-111111111111",)

    def default_deployment(self, endpoint: Endpoint) -> str | None:
        if "endpoint" in self.denied:
            raise Denied("GET endpoint answered 403: no")
        return self.default

    def listed(self, endpoint: Endpoint, way: Way) -> Reply:
        match way:
            case Way.RESOURCE_MANAGER:
                return self._reply("jobs", "lists")
            case Way.FRONT_END:
                return self._reply("front end", self.answers[Fact.FRONT_END_LISTS])
            case Way.SCORING_HOST:
                return self._reply("scoring host", self.answers[Fact.SCORING_HOST_LISTS])

    def unknown_job(self, endpoint: Endpoint, *, names_deployment: bool) -> Reply:
        finds_its_way = names_deployment or self.default is not None
        if not finds_its_way and self.answers[Fact.DEPLOYMENT_HEADER] == "needed":
            return Reply(asked="GET unknown", status=404, words=NO_DEPLOYMENT)
        return self._reply("unknown", self.answers[Fact.UNKNOWN_JOB])

    def run_history(self, endpoint: Endpoint) -> Reply:
        return self._reply("history", "404")

    def shown(self, endpoint: Endpoint, job: Job) -> tuple[Reply, Candidate | None]:
        seen = self.endpoint.job(endpoint, job)
        if seen is None:
            return self._reply("job", self.answers[Fact.UNKNOWN_JOB]), None
        when = self.answers[Fact.OUTPUTS_SHOWN]
        is_shown = when == "at_once" or (when == "when_completed" and seen.stage is Stage.COMPLETED)
        if self.waiting and seen.stage is Stage.RUNNING and self.answers[Fact.WAITING_SHOWN] == "as_queued":
            seen = seen.with_status("Queued")
        outputs = (self.endpoint.output_of(job.name),) if is_shown else ()
        return self._reply("job", "lists"), Candidate(job=seen, is_own=self.endpoint.is_own, outputs=outputs)

    def steps(self, endpoint: Endpoint, job: Job) -> Sequence[str]:
        return ("Queued",) if self.waiting else ("Running",)

    def queue(self) -> tuple[Reply, str | None] | None:
        if not self.has_queue:
            return None
        reply = self._reply("queue", "lists")
        return reply, self.message if reply.is_success else None

    def _reply(self, what: str, answer: str) -> Reply:
        if what in self.denied:
            return Reply(asked=f"GET {what}", status=403, words="AuthorizationPermissionMismatch")
        if answer == "lists":
            return Reply(asked=f"GET {what}", status=200)
        return Reply(asked=f"GET {what}", status=int(answer), words=f"{what}: {answer}")
