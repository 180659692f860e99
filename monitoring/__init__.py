"""What the Azure portal needs to know of Landfall: queries, a workbook made of them, and alert rules.

questions    the questions, each of them in questions/ once, and as queries of either kind of table
workbook     workbook.json: the questions as a page of the portal
alerts       alerts.json: a deployment template with an alert rule for each thing that somebody has to be told of
made         all files that are made of the questions

questions/   what people write: one file per question, in words that are the same for both kinds of tables
parts/       what makes these words out of the tables
component/   the queries for the Logs of the Application Insights resource (`traces`)
workspace/   the queries for the Logs of the Log Analytics workspace (`AppTraces`)
tables.json  the columns of the tables, as they are documented
kusto.cjs    has Kusto's own language service read queries

`python -m monitoring` writes the two folders of queries, workbook.json and alerts.json anew.
"""
