"""alerts.json: a deployment template with the alert rules, each of them a question that has to have no answer.

Sources: Azure REST API specs, Microsoft.Insights scheduledQueryRules 2023-12-01 (the newest that is no preview); Azure
docs, azure-monitor/alerts/alerts-create-log-alert-rule (what queries may contain, two days at the most),
azure-monitor/alerts/resource-manager-alerts-log (which windows there are),
azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitoring.questions import COMPONENT, Question

LOG_RULES = "2023-12-01"
METRIC_RULES = "2018-03-01"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Tells of each row that a question is answered with. There is one alert for each combination of `by`, which are
    columns of the answer. `window`: of which time lines are looked at; longer than `every`, because lines are late."""

    question: str
    says: str
    severity: int
    by: tuple[str, ...]
    every: str = "PT15M"
    window: str = "PT30M"
    looks_back: str | None = None


RULES = (
    Rule(
        question="failed-runs",
        says="A run has failed. Its line says why, and what to do.",
        severity=1,
        by=("route", "run_id", "reason"),
        every="PT5M",
        window="PT15M",
    ),
    Rule(
        question="app-errors",
        says="Something is wrong with the routes, with the ledger, or with the code.",
        severity=1,
        by=("event", "route"),
    ),
    Rule(
        question="repeated-steps",
        says="A step fails again and again; it is retried until its patience ends.",
        severity=2,
        by=("route", "step"),
        window="PT1H",
    ),
    Rule(
        question="missed-events",
        says="The sweep has found landings of which no event had come. Look at the event subscription.",
        severity=2,
        by=("event", "route"),
    ),
    Rule(
        question="poison-messages",
        says="A message with an event could not be handled and is in the poison queue.",
        severity=2,
        by=(),
    ),
    Rule(
        question="quiet-routes",
        says="A route has published nothing for 26 hours, but had the day before.",
        severity=3,
        by=("route",),
        every="PT1H",
        window="PT1H",
        looks_back="P2D",
    ),
)


def template(questions: list[Question]) -> dict[str, Any]:
    """The deployment template."""
    by_name = {question.name: question for question in questions}
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {
            "component": _parameter("string", "The id of the Application Insights resource that the app logs to."),
            "location": _parameter("string", "Where it is.", "[resourceGroup().location]"),
            "actionGroups": _parameter("array", "The ids of the action groups that are told.", []),
            "systemTopic": _parameter(
                "string", "The id of the Event Grid system topic; without it, dead-lettered events are not told of.", ""
            ),
            "prefix": _parameter("string", "What the names of the rules begin with.", "landfall"),
            "enabled": _parameter("bool", "Whether the rules are carried out.", True),
        },
        "resources": [*(_log_rule(rule, by_name[rule.question]) for rule in RULES), _DEAD_LETTERS],
    }


def _parameter(kind: str, description: str, default: object = None) -> dict[str, Any]:
    given = {} if default is None else {"defaultValue": default}
    return {"type": kind, **given, "metadata": {"description": description}}


def _log_rule(rule: Rule, question: Question) -> dict[str, Any]:
    override = {} if rule.looks_back is None else {"overrideQueryTimeRange": rule.looks_back}
    return {
        "type": "Microsoft.Insights/scheduledQueryRules",
        "apiVersion": LOG_RULES,
        "name": _named(rule.question),
        "location": "[parameters('location')]",
        "kind": "LogAlert",
        "properties": {
            "displayName": f"Landfall: {question.name}",
            "description": rule.says,
            "severity": rule.severity,
            "enabled": "[parameters('enabled')]",
            "scopes": ["[parameters('component')]"],
            "evaluationFrequency": rule.every,
            "windowSize": rule.window,
            **override,
            "criteria": {
                "allOf": [
                    {
                        "query": question.query(COMPONENT),
                        "timeAggregation": "Count",
                        "dimensions": [{"name": name, "operator": "Include", "values": ["*"]} for name in rule.by],
                        "operator": "GreaterThan",
                        "threshold": 0,
                        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
                    }
                ]
            },
            "autoMitigate": True,
            "actions": {"actionGroups": "[parameters('actionGroups')]"},
        },
    }


def _named(name: str) -> str:
    return f"[concat(parameters('prefix'), '-{name}')]"


_DEAD_LETTERS = {
    "condition": "[not(empty(parameters('systemTopic')))]",
    "type": "Microsoft.Insights/metricAlerts",
    "apiVersion": METRIC_RULES,
    "name": _named("dead-letters"),
    "location": "global",
    "properties": {
        "description": "Event Grid could not deliver events; they are dead-lettered. The sweep finds their landings.",
        "severity": 2,
        "enabled": "[parameters('enabled')]",
        "scopes": ["[parameters('systemTopic')]"],
        "evaluationFrequency": "PT15M",
        "windowSize": "PT30M",
        "criteria": {
            "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            "allOf": [
                {
                    "name": "dead-lettered",
                    "criterionType": "StaticThresholdCriterion",
                    "metricNamespace": "Microsoft.EventGrid/systemTopics",
                    "metricName": "DeadLetteredCount",
                    "timeAggregation": "Total",
                    "operator": "GreaterThan",
                    "threshold": 0,
                }
            ],
        },
        "autoMitigate": True,
        "actions": (
            "[map(parameters('actionGroups'), lambda('id', createObject('actionGroupId', lambdaVariables('id'))))]"
        ),
    },
}
