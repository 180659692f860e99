// Has Kusto's own language service read queries: `node kusto.cjs < asked.json`.
//
// Asked: {"tables": {name: {column: type}}, "queries": {name: text}}
// Told, for each query: {"errors": [...], "columns": {name: type}}; of what it does not understand the columns are missing.
"use strict";

const fs = require("node:fs");

require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

function globalsOf(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const schema = Object.entries(columns).map(([column, type]) => `['${column}']: ${type}`);
    return new Symbols.TableSymbol.$ctor7(name, `(${schema.join(", ")})`, null);
  });
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("tables", symbols));
}

function listOf(items) {
  return Array.from({ length: items.Count }, (_, index) => items.getItem(index));
}

function read(text, globals) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const errors = listOf(code.GetDiagnostics()).map((found) => {
    const before = text.slice(0, found.Start).split("\n");
    return `${before.length}:${before.at(-1).length + 1}: ${found.Severity}: ${found.Message}`;
  });
  const columns = code.ResultType?.Columns ? listOf(code.ResultType.Columns) : [];
  return { errors, columns: Object.fromEntries(columns.map((one) => [one.Name, one.Type.Name])) };
}

const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const globals = globalsOf(asked.tables);
const told = Object.entries(asked.queries).map(([name, text]) => [name, read(text, globals)]);
console.log(JSON.stringify(Object.fromEntries(told), null, 1));
